// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameTypes
import NeuralOps
import TestSupport
import Testing

@testable import NeuralDenoiser

/// The kernels at both ends of a framediffuser frame, against plain formulas in double.
@Suite struct DiffusionPlanesTests {
    private let size = FrameSize(width: 37, height: 35)

    /// Random planes: some sky, some of it with a color, some pixels covered.
    private struct Planes {
        var base, normals, roughness, known: [UInt8]
        var depth: [Float]

        init(_ size: FrameSize, _ random: inout SeededGenerator) {
            let count = size.pixelCount
            func bytes(_ count: Int) -> [UInt8] {
                (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            base = bytes(count * 3)
            normals = bytes(count * 3)
            roughness = bytes(count)
            known = bytes(count * 4)
            depth = (0..<count).map { _ in Float.random(in: 0.1...300, using: &random) }
            for pixel in 0..<count {
                if pixel % 5 == 0 { depth[pixel] = pixel % 2 == 0 ? 0 : .infinity }
                if pixel % 3 == 0 { for c in 0..<3 { base[pixel * 3 + c] %= 10 } }
                if pixel % 4 != 0 { known[pixel * 4 + 3] = pixel % 8 == 1 ? 255 : 0 }
            }
        }

        func request(_ size: FrameSize, history: FrameHistory?) -> FrameRequest {
            FrameRequest.of(
                size: size,
                planes: [
                    (.baseColor, .rgb8sRGB, base), (.normals, .rgb8UNorm, normals),
                    (.depth, .r32Float, depth.withUnsafeBytes(Array.init)),
                    (.roughness, .r8, roughness), (.known, .rgba8sRGB, known),
                ], camera: nil, history: history, frameID: 2)
        }
    }

    private struct Bench {
        let planes, previous, decoded: TensorBuffer
        let frame: DiffusionFrame

        init(_ size: FrameSize, _ settings: DiffusionInputSettings) {
            func buffer(_ channels: Int) -> TensorBuffer {
                TensorBuffer(ActivationShape(height: 64, width: 64, channels: channels))
            }
            (planes, previous, decoded) = (buffer(10), buffer(3), buffer(3))
            frame = DiffusionFrame(
                size: size, settings: settings, planes: planes, previous: previous,
                decoded: decoded)
        }

        func run(_ request: FrameRequest) throws {
            frame.bind(request, geometry: try FrameGeometry(request, farthest: .infinity))
            StepRunner.twoThreads.run(frame.inputSteps())
            StepRunner.twoThreads.run(frame.pictureSteps())
            frame.release()
        }

        /// The pixel's ten bytes; the tensor must hold exactly what bytes give.
        func bytes(_ x: Int, _ y: Int, of values: [Float]) -> [Int] {
            (0..<10).map { channel in
                let value = values[(y * 64 + x) * 10 + channel]
                let byte = Int((Double(value) * 127.5 + 127.5).rounded())
                #expect(value == (Float(byte) / 255 - 0.5) / 0.5)
                return byte
            }
        }
    }

    private func settings(
        _ curve: DiffusionInputSettings.DepthCurve, white: Float, skyIsFinal: Bool = false
    ) -> DiffusionInputSettings {
        DiffusionInputSettings(
            depthCurve: curve, depthWhite: white, depthSky: 0,
            normalAxes: [
                .init(index: 2, isNegative: true), .init(index: 0, isNegative: false),
                .init(index: 1, isNegative: true),
            ], skyBelow: 10, skyIsFinal: skyIsFinal)
    }

    private func unit(_ z: Double, _ curve: DiffusionInputSettings.DepthCurve, _ white: Double)
        -> Double
    {
        switch curve {
        case .linear: z / white
        case .inverse: white / z
        case .log1p: log1p(z) / log1p(white)
        }
    }

    @Test(arguments: [
        (DiffusionInputSettings.DepthCurve.linear, Float(150)), (.inverse, 0.5), (.log1p, 300),
    ])
    func planesAreTheBytesThatTheModelWants(
        curve: DiffusionInputSettings.DepthCurve, white: Float
    ) throws {
        var random = SeededGenerator()
        let planes = Planes(size, &random)
        let bench = Bench(size, settings(curve, white: white))
        try bench.run(planes.request(size, history: nil))
        let values = bench.planes.values
        for (y, x) in [Int](0..<64).flatMap({ y in (0..<64).map { (y, $0) } }) {
            let pixel = min(y, size.height - 1) * size.width + min(x, size.width - 1)
            let bytes = bench.bytes(x, y, of: values)
            let z = planes.depth[pixel]
            let exact =
                z > 0 && z < .infinity
                ? min(max(unit(Double(z), curve, Double(white)), 0), 1) * 255 : 0
            // A float's rounding may decide a tie the other way.
            #expect(abs(Double(bytes[6]) - exact) < 0.5001, "\(x), \(y): \(z) \(curve)")
            for (channel, axis) in [2, 0, 1].enumerated() {
                let byte = Int(planes.normals[pixel * 3 + axis])
                #expect(bytes[3 + channel] == (channel == 1 ? byte : 255 - byte))
            }
            #expect(bytes[7] == Int(planes.roughness[pixel]) && bytes[8] == 0)
            let base = (0..<3).map { Int(planes.base[pixel * 3 + $0]) }
            let isSky = base.allSatisfy { $0 < 10 } && bytes[6] < 10
            let weight = isSky ? Double(planes.known[pixel * 4 + 3]) / 255 : 0
            for c in 0..<3 {
                let mixed =
                    Double(planes.known[pixel * 4 + c]) * weight + Double(base[c]) * (1 - weight)
                #expect(abs(Double(bytes[c]) - mixed) <= 0.5, "\(x), \(y)")
            }
        }
    }

    @Test func irradianceFollowsTheReference() throws {
        var random = SeededGenerator()
        let planes = Planes(size, &random)
        let history = FrameHistory(
            size: size, frameID: 1, seed: 0, camera: nil, jitter: SIMD2(),
            storage: PixelStorage(byteCount: FrameHistory.byteCount(of: size)))
        var bytes = (0..<FrameHistory.byteCount(of: size)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        let count = size.pixelCount
        for pixel in 0..<count {
            if pixel % 6 == 0 { for c in 0..<3 { bytes[count * 4 + pixel * 4 + c] %= 4 } }
            bytes[count * 12 + pixel] = pixel % 7 == 0 ? 200 : 0
        }
        let metres = (0..<count).map { $0 % 14 == 0 ? 0 : Float(3) }
        bytes.replaceSubrange(count * 8..<count * 12, with: metres.withUnsafeBytes(Array.init))
        history.storage.copy(bytes)
        let bench = Bench(size, settings(.linear, white: 255))
        try bench.run(planes.request(size, history: history))
        let values = bench.planes.values
        let previous = bench.previous.values
        for pixel in 0..<count {
            let (x, y) = (pixel % size.width, pixel / size.width)
            let base = (0..<3).map { Double(bytes[count * 4 + pixel * 4 + $0]) / 255 }
            // Covered by what the engine drew, and not sky: the base color stands in.
            let isCovered = pixel % 7 == 0 && pixel % 14 != 0
            let shown = isCovered ? base : (0..<3).map { Double(bytes[pixel * 4 + $0]) / 255 }
            func luma(_ c: [Double]) -> Double { 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2] }
            let ratio = luma(base) > 0.01 ? luma(shown) / (luma(base) + 1e-6) : 2
            let exact = min(max(ratio, 0), 2) / 2 * 255
            let byte = Double(bench.bytes(x, y, of: values)[9])
            // Cut to whole numbers, in fp32: a value just below one may be cut to it.
            #expect(byte <= exact + 1e-4 && byte > exact - 1 - 1e-4, "\(pixel): \(byte) \(exact)")
            for c in 0..<3 {
                #expect(
                    previous[(y * 64 + x) * 3 + c] == (Float(shown[c] * 255) / 255 - 0.5) / 0.5)
            }
        }
    }

    @Test(arguments: [false, true])
    func whatTheEngineDrewIsLaidOver(skyIsFinal: Bool) throws {
        var random = SeededGenerator()
        let planes = Planes(size, &random)
        let bench = Bench(size, settings(.linear, white: 255, skyIsFinal: skyIsFinal))
        bench.decoded.fill(random.floats(64 * 64 * 3, in: -1.3...1.3))
        let decoded = bench.decoded.values
        let request = planes.request(size, history: nil)
        try bench.run(request)
        let picture = request.picture.copiedBytes()
        var skies = 0
        for pixel in 0..<size.pixelCount {
            let (x, y) = (pixel % size.width, pixel / size.width)
            let z = planes.depth[pixel]
            let isSky =
                planes.base[pixel * 3..<pixel * 3 + 3].allSatisfy { $0 < 10 }
                && !(z < .infinity && z >= 9.5)
            if isSky { skies += 1 }
            let alpha =
                isSky && !skyIsFinal ? 0 : Double(planes.known[pixel * 4 + 3]) / 255
            for c in 0..<3 {
                let value = Double(decoded[(y * 64 + x) * 3 + c]) * 127.5 + 127.5
                let mixed =
                    Double(planes.known[pixel * 4 + c]) * alpha
                    + min(max(value, 0), 255) * (1 - alpha)
                // Rounded once for the picture and once for what is laid over it.
                let tolerance = alpha > 0 && alpha < 1 ? 1.0 : 0.501
                #expect(abs(Double(picture[pixel * 4 + c]) - mixed) <= tolerance, "\(pixel)")
            }
            #expect(picture[pixel * 4 + 3] == 255)
        }
        #expect(skies > 50)
        let kept = request.nextHistory.copiedBytes()
        #expect(Array(kept.prefix(picture.count)) == picture)
        let coverage = FrameHistory.coverageOffset(of: size)
        #expect(
            (0..<size.pixelCount).allSatisfy { kept[coverage + $0] == planes.known[$0 * 4 + 3] })
    }
}
