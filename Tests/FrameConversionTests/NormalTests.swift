// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameConversion
import FrameTypes
import Foundation
import TestSupport
import Testing

@Suite struct NormalTests {
    private let size = SentPlaneBytes.size

    /// Everywhere on the sphere, the axes and the diagonals among them.
    private var directions: [SIMD3<Double>] {
        var generator = SeededGenerator(seed: 11)
        var result: [SIMD3<Double>] = []
        for x in -1...1 {
            for y in -1...1 {
                for z in -1...1 where x * x + y * y + z * z > 0 {
                    let n = SIMD3(Double(x), Double(y), Double(z))
                    result.append(n / (n * n).sum().squareRoot())
                }
            }
        }
        while result.count < size.pixelCount {
            let n = SIMD3(
                Double.random(in: -1...1, using: &generator),
                Double.random(in: -1...1, using: &generator),
                Double.random(in: -1...1, using: &generator))
            let length = (n * n).sum().squareRoot()
            if length > 0.1, length < 1 { result.append(n / length) }
        }
        return result
    }

    /// Meyer et al. 2010: the faces below are turned over the edges, by mirroring at the diagonal.
    private func octahedron(_ n: SIMD3<Double>) -> SIMD2<Double> {
        let sum = n.x.magnitude + n.y.magnitude + n.z.magnitude
        let p = SIMD2(n.x / sum, n.y / sum)
        if n.z >= 0 { return p }
        return SIMD2(
            (1 - p.y.magnitude) * (p.x >= 0 ? 1 : -1), (1 - p.x.magnitude) * (p.y >= 0 ? 1 : -1))
    }

    private func bytes(_ n: SIMD3<Double>, _ format: SentFormat) -> [UInt8] {
        let o = octahedron(n)
        func unsigned(_ value: Double, _ most: Double) -> Double {
            ((value + 1) / 2 * most).rounded()
        }
        switch format {
        case .rgb8UNorm, .rgba8UNorm:
            let three = [n.x, n.y, n.z].map { UInt8(unsigned($0, 255)) }
            return format == .rgb8UNorm ? three : three + [99]
        case .rgb10a2:
            let v = [n.x, n.y, n.z].map { UInt32(unsigned($0, 1023)) }
            return (v[0] | v[1] << 10 | v[2] << 20 | 3 << 30).bytes
        case .rgba8SNorm:
            return [n.x, n.y, n.z, 0.5].map { UInt8(bitPattern: Int8(($0 * 127).rounded())) }
        case .rgba16Float: return [n.x, n.y, n.z, 9].flatMap { Float16($0).bitPattern.bytes }
        case .rg16Octahedral: return [o.x, o.y].flatMap { UInt16(unsigned($0, 65535)).bytes }
        case .rg8Octahedral: return [o.x, o.y].map { UInt8(unsigned($0, 255)) }
        case .rg16FloatOctahedral: return [o.x, o.y].flatMap { Float16($0).bitPattern.bytes }
        default:  // Unity's PackFloat2To888 of 0 to 1
            let x = Int((o.x + 1) / 2 * 4095.5), y = Int((o.y + 1) / 2 * 4095.5)
            return [UInt8(x & 255), UInt8(y & 255), UInt8(x >> 8 | (y >> 8) << 4), 200]
        }
    }

    /// Largest angle to what was sent, degrees: the steps of the format and of what it becomes.
    private static let formats: [(SentFormat, Double)] = [
        (.rgb8UNorm, 0.45), (.rgba8UNorm, 0.45), (.rgb10a2, 0.12), (.rgba8SNorm, 0.55),
        (.rgba16Float, 0.13), (.rg16Octahedral, 0.11), (.rg8Octahedral, 1.1),
        (.rg16FloatOctahedral, 0.13), (.rgba8Octahedral, 0.2),
    ]

    @Test(arguments: formats)
    func directionsStay(format: SentFormat, degrees: Double) {
        let engines: [(WorldAxes.Preset, (SIMD3<Double>) -> SIMD3<Double>)] = [
            // From our axes to theirs, written out.
            (.openGL, { $0 }), (.unity, { SIMD3(-$0.x, $0.y, $0.z) }),
            (.unreal, { SIMD3($0.x, $0.z, $0.y) }), (.blender, { SIMD3($0.x, -$0.z, $0.y) }),
        ]
        for (preset, theirs) in engines {
            let isAsRead = format == .rgb8UNorm || format == .rgb10a2
            if preset == .openGL, isAsRead { continue }
            let sent = SentPlaneBytes(
                kind: .normals, format: format,
                bytes: directions.flatMap { bytes(theirs($0), format) },
                change: { $0.axes = WorldAxes(preset) })
            var worst = 0.0
            let isOctahedral = format.bytesPerPixel > 0 && "\(format)".contains("ctahedral")
            for (index, (n, read)) in zip(directions, sent.normals()).enumerated() {
                if isOctahedral, index < size.width {
                    // Sky: no direction, which these formats cannot say.
                    #expect((read * read).sum() < 1e-5)
                    continue
                }
                let cosine = (n * read).sum() / (read * read).sum().squareRoot()
                worst = max(worst, acos(min(1, cosine)) * 180 / .pi)
            }
            #expect(worst <= degrees, "\(format), \(preset): \(worst) degrees")
        }
    }

    @Test func turningLosesNoDigit() {
        let bytes = SentPlaneBytes.random(4)
        let out = SentPlaneBytes(
            kind: .normals, format: .rgba8UNorm, bytes: bytes,
            change: { $0.axes = WorldAxes(.blender) }
        ).converted().bytes
        #expect(
            out
                == bytes.chunked(4).flatMap {
                    let p = Array($0); return [p[0], p[2], 255 - p[1]]
                })
    }

    @Test func viewSpaceIsTurnedByItsOwnAxes() {
        let bytes = SentPlaneBytes.random(3)
        let sent = SentPlaneBytes(
            kind: .normals, format: .rgb8UNorm, bytes: bytes,
            change: { layout in
                layout.normalSpace = .view
                layout.axes = WorldAxes(.unreal)
            })
        // Unreal's view space looks along +Z.
        #expect(
            sent.converted().bytes
                == bytes.chunked(3).flatMap {
                    let p = Array($0); return [p[0], p[1], 255 - p[2]]
                })
        #expect(PlaneConversion(sent.layout).layout.normalSpace == .view)
    }

    // MARK: From depth

    /// A room of a floor, a wall and a box before it, seen at an angle: where a ray ends, and the
    /// surface's normal there.
    private func surface(_ origin: SIMD3<Double>, _ ray: SIMD3<Double>) -> (
        t: Double, normal: SIMD3<Double>
    ) {
        let planes: [(SIMD3<Double>, Double, ClosedRange<Double>)] = [
            (SIMD3(0, 1, 0), 0, -1e3...1e3),
            (SIMD3(0.6, 0, 0.8), -6, -1e3...1e3),
            (SIMD3(0, 0, 1), -2.5, -0.4...0.7),  // a standing sheet, bounded in x
        ]
        var best = (t: Double.infinity, normal: SIMD3<Double>(0, 0, 0))
        for (n, d, bounds) in planes {
            let t = (d - (n * origin).sum()) / (n * ray).sum()
            let x = origin.x + t * ray.x
            if t > 0, t < best.t, bounds.contains(x), (n * ray).sum() < 0 { best = (t, n) }
        }
        return best
    }

    @Test(
        arguments: [SentDepthKind.linear, .deviceReversed, .ray], [RowOrigin.topLeft, .bottomLeft])
    func normalsOfDepth(kind: SentDepthKind, origin rowOrigin: RowOrigin) {
        let jitter = rowOrigin == .topLeft ? SIMD2<Float>.zero : SIMD2(0.375, -0.25)
        let (c, s) = (cos(0.3), sin(0.3))
        let camera = Camera(
            fx: 260, fy: 250, cx: 150, cy: 18, near: 0, far: 0,
            cameraToWorld: .init(
                x: [1, 0, 0, 0.2], y: [0, c, s, 1.5], z: [0, -s, c, 1], w: [0, 0, 0, 1]))
        let rows = camera.cameraToWorld
        let origin = SIMD3(rows.x.w, rows.y.w, rows.z.w)
        var expected: [SIMD3<Double>] = []
        var bytes: [UInt8] = []
        for row in 0..<size.height {
            let y = rowOrigin == .topLeft ? row : size.height - 1 - row
            for x in 0..<size.width {
                let own = SIMD4(
                    (Double(x) + 0.5 + Double(jitter.x) - camera.cx) / camera.fx,
                    -(Double(y) + 0.5 + Double(jitter.y) - camera.cy) / camera.fy, -1, 0)
                let ray = SIMD3((rows.x * own).sum(), (rows.y * own).sum(), (rows.z * own).sum())
                let hit = surface(origin, ray)
                expected.append(hit.normal)
                let value =
                    switch kind {
                    case .deviceReversed: 0.1 / hit.t
                    case .ray: hit.t * (own * own).sum().squareRoot()
                    default: hit.t
                    }
                bytes += Float(value).bitPattern.bytes
            }
        }
        let sent = SentPlaneBytes(
            kind: .depth, format: .r32Float, bytes: bytes,
            change: { layout in
                layout.origin = rowOrigin
                layout.depthKind = kind
                if kind == .deviceReversed {
                    layout.depth = .deviceReversed(near: 0.1, far: .infinity)
                }
                layout.planes[2].format = .fromDepth
                layout.planes[2].rowStride = 0
                layout.planes[3].offset -= 3 * layout.size.pixelCount
                layout.byteCount -= 3 * layout.size.pixelCount
            }, camera: camera, jitter: jitter)
        #expect(sent.layout.plane(.normals)?.format == .fromDepth)
        var wrong = 0
        for (n, expected) in zip(sent.normals(), expected)
        where (n * expected).sum() < cos(.pi / 180) { wrong += 1 }
        // Within a degree everywhere but beside edges; seen: 1.0 % (of a picture that small).
        #expect(wrong < size.pixelCount / 50, "\(wrong) of \(size.pixelCount)")
        #expect(Set(expected.map { "\($0)" }).count == 3)
    }
}
