// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What one frame shows by itself.
struct FrameLook {
    var skyShare: Double
    /// Of the surfaces; nil without camera or surfaces.
    var awayShare: Double?
    /// Metres, 0 without surfaces.
    var medianDepth = 0.0
    var suspicions: [Finding.Name] = []

    private typealias Sample = DoctorFrame.Sample

    init(_ frame: DoctorFrame, _ surfaces: Surfaces?) {
        let count = frame.samples.count
        let depths = frame.samples.map { frame.depth[$0.y * frame.size.width + $0.x] }
        let onSurface = frame.samples.indices.filter { depths[$0] > 0 }
        let inSky = frame.samples.indices.filter { !(depths[$0] > 0) }
        let surfaceShare = Double(onSurface.count) / Double(max(1, count))
        skyShare = 1 - surfaceShare
        let unitInSky = inSky.filter { frame.samples[$0].isUnit }
        if surfaceShare < 0.001 {
            let unit = frame.samples.count(where: \.isUnit)
            if unit * 2 > count && frame.spread(frame.samples.indices.map { $0 }) > 0.1
                && frame.colorSpread > 5
            {
                suspicions.append(.depthEmpty)
            }
        } else if Double(unitInSky.count) > 0.3 * Double(count), frame.spread(unitInSky) > 0.1 {
            suspicions.append(.depthBeyondFar)
        }
        guard onSurface.count >= 100 else { return }
        let sorted = onSurface.map { depths[$0] }.sorted()
        medianDepth = Double(sorted[sorted.count / 2])
        let isFlat = frame.spread(onSurface) < 0.02
        lookAtNormals(frame, surfaces, onSurface, isFlat: isFlat)
        guard let camera = frame.camera else { return }
        func world(_ index: Int) -> SIMD3<Double> {
            let sent = SIMD3<Double>(frame.samples[index].normal)
            return frame.normalSpace == .view ? camera.turned(sent) : sent
        }
        let away = onSurface.count { index in
            let sample = frame.samples[index]
            let ray = camera.turned(camera.ray(Double(sample.x) + 0.5, Double(sample.y) + 0.5))
            return (ray * world(index)).sum() > 0
        }
        awayShare = Double(away) / Double(onSurface.count)
        // A wall seen straight on has the same depth everywhere.
        let facing = onSurface.count { (world($0) * camera.back).sum() > 0.98 }
        let isSame = sorted[sorted.count - 1] - sorted[0] < 1e-4 * sorted[sorted.count - 1]
        if isSame && facing * 2 <= onSurface.count { suspicions.append(.depthConstant) }
    }

    private mutating func lookAtNormals(
        _ frame: DoctorFrame, _ surfaces: Surfaces?, _ onSurface: [Int], isFlat: Bool
    ) {
        guard let surfaces else { return }
        let drawn = onSurface.compactMap { index in
            surfaces.normals[index].map { (index, $0) }
        }
        let isVaried = drawn.count > 100 && drawn.map(\.1).spread > 0.3
        if isFlat {
            if isVaried { suspicions.append(.normalsConstant) }
            return
        }
        let wrong = onSurface.count { !frame.samples[$0].isUnit }
        guard Double(wrong) > 0.3 * Double(onSurface.count) else { return }
        let decodedOnce = onSurface.count { index in
            let n = frame.samples[index].normal * 2 - 1
            return abs((n * n).sum().squareRoot() - 1) < 0.1
        }
        if Double(decodedOnce) > 0.8 * Double(onSurface.count) {
            suspicions.append(.normalsEncodedTwice)
            return
        }
        let fits = drawn.count { index, normal in
            let inSpace =
                frame.normalSpace == .view ? normal : frame.camera?.turned(normal) ?? normal
            let kept = inSpace.clamped(
                lowerBound: SIMD3(repeating: 0), upperBound: SIMD3(repeating: 1))
            let apart = SIMD3<Double>((frame.samples[index].normal + 1) / 2) - kept
            return (apart * apart).sum() < 0.09
        }
        if drawn.count > 100 && Double(fits) > 0.7 * Double(drawn.count) {
            suspicions.append(.normalsNotEncoded)
        }
    }

    /// How much likelier the training's colors are under each alternative, as logarithms; 0 where
    /// the alternative is no frame of the training either.
    func colorGains(_ frame: DoctorFrame, _ palette: Palette) -> [Finding.Name: Double] {
        let samples = frame.samples.filter { frame.depth[$0.y * frame.size.width + $0.x] > 0 }
        guard samples.count >= 100 else { return [:] }
        let stated = samples.map { sample in
            let byte = frame.baseColor[sample.y * frame.size.width + sample.x]
            return SIMD4(
                Float(byte.x) / 255, Float(byte.y) / 255, Float(byte.z) / 255, sample.roughness)
        }
        let score = palette.score(stated)
        func gain(_ alternative: (SIMD4<Float>) -> SIMD4<Float>) -> Double {
            let other = palette.score(stated.map(alternative))
            return other > palette.typicalScore ? Double(other - score) : 0
        }
        return [
            .redBlueSwapped: gain { SIMD4($0.z, $0.y, $0.x, $0.w) },
            .baseColorLinear: gain { $0.replacingColor(TransferCurve.encoded) },
            .baseColorEncodedTwice: gain { $0.replacingColor(TransferCurve.linear) },
            .smoothness: gain { SIMD4($0.x, $0.y, $0.z, 1 - $0.w) },
        ]
    }
}

extension SIMD4<Float> {
    fileprivate func replacingColor(_ curve: (Float) -> Float) -> SIMD4<Float> {
        SIMD4(curve(x), curve(y), curve(z), w)
    }
}

extension DoctorFrame.Sample {
    fileprivate var isUnit: Bool { abs((normal * normal).sum().squareRoot() - 1) < 0.2 }
}

extension DoctorFrame {
    /// Largest standard deviation of a component of the sent normals.
    fileprivate func spread(_ indices: [Int]) -> Double {
        indices.map { SIMD3<Double>(samples[$0].normal) }.spread
    }

    /// The same of base color, of 255.
    fileprivate var colorSpread: Double {
        samples.map { sample in
            let color = baseColor[sample.y * size.width + sample.x]
            return SIMD3(Double(color.x), Double(color.y), Double(color.z))
        }.spread
    }
}

extension [SIMD3<Double>] {
    fileprivate var spread: Double {
        guard !isEmpty else { return 0 }
        var (sum, squares) = (SIMD3<Double>.zero, SIMD3<Double>.zero)
        for value in self {
            sum += value
            squares += value * value
        }
        let mean = sum / Double(count)
        return Swift.max(0, (squares / Double(count) - mean * mean).max()).squareRoot()
    }
}
