// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

/// What one rendered frame leaves.
struct Rendered: Equatable {
    var picture: [UInt8]
    var next: [UInt8]
}

func render(
    _ request: FrameRequest, path: KernelPath, by runner: StepRunner = .forwards
) throws -> Rendered {
    let model = try atrium(path)
    let workspace = try Workspace(
        FramePlan(size: request.gbuffer.layout.size, model: model), model: model)
    // What memory held before must not matter.
    workspace.arena.base.update(repeating: .nan, count: workspace.arena.byteCount / 4)
    try workspace.begin(request)
    runner.run(workspace.steps)
    workspace.finish()
    return Rendered(
        picture: request.picture.copiedBytes(), next: request.nextHistory.copiedBytes())
}

@Suite struct ConversionTests {
    typealias Encoding = Scene.Encoding

    private func scene(_ random: inout SeededGenerator) -> Scene {
        Scene(FrameSize(width: 61, height: 43), &random)
    }

    private func flipped(_ picture: [UInt8], _ size: FrameSize) -> [UInt8] {
        (0..<size.height).reversed().flatMap { y in
            picture[y * size.width * 4..<(y + 1) * size.width * 4]
        }
    }

    private func planes(_ request: FrameRequest, path: KernelPath) throws -> [String: [Float]] {
        let model = try atrium(path)
        let workspace = try Workspace(
            FramePlan(size: request.gbuffer.layout.size, model: model), model: model)
        try workspace.begin(request)
        return ChunkReader(workspace, kernelPath: path).pixels
    }

    @Test(arguments: supportedPaths, [false, true])
    func bottomLeftOriginGivesTheSamePictureFlipped(path: KernelPath, sendsMotion: Bool) throws {
        var random = SeededGenerator()
        let scene = scene(&random)
        let history = randomHistory(
            of: scene, camera: Scene.camera(scene.size, &random), &random)
        var encoding = Encoding(sendsKnown: true, sendsMotion: sendsMotion)
        let top = try render(scene.request(encoding, history: history), path: path)
        encoding.origin = .bottomLeft
        encoding.slack = 5
        let bottom = try render(scene.request(encoding, history: history), path: path)
        #expect(bottom.next == top.next, "seed \(random.seed)")
        #expect(flipped(bottom.picture, scene.size) == top.picture, "seed \(random.seed)")
        #expect(
            Array(top.next[..<(scene.size.pixelCount * 4)]) == top.picture,
            "the history's picture is the picture")
    }

    @Test(arguments: supportedPaths)
    func packingDoesNotMatter(path: KernelPath) throws {
        var random = SeededGenerator()
        let scene = scene(&random)
        let expected = try render(scene.request(), path: path)
        for slack in [1, 3, 64] {
            #expect(try render(scene.request(Encoding(slack: slack)), path: path) == expected)
        }
        let threeBytes = Encoding(base: .rgb8sRGB, slack: 2)
        #expect(try render(scene.request(threeBytes), path: path) == expected)
        let expectedAlpha = expected.picture.indices.allSatisfy {
            $0 % 4 != 3 || expected.picture[$0] == 255
        }
        #expect(expectedAlpha)
    }

    @Test(arguments: supportedPaths)
    func planesHoldWhatTheClientMeant(path: KernelPath) throws {
        var random = SeededGenerator()
        let scene = scene(&random)
        let count = scene.size.pixelCount
        let found = try planes(scene.request(), path: path)
        for index in 0..<count {
            for c in 0..<3 {
                let base = Float(scene.base[index * 3 + c]) / 255
                #expect(abs((found["base"]?[c * count + index] ?? .nan) - base) < 1e-6)
                let normal = found["normal"]?[c * count + index] ?? .nan
                #expect(abs(normal - scene.normals[index][c]) <= 0.5 / 511.5 + 1e-6)
            }
            #expect(found["depth"]?[index] == scene.depth[index])
            let roughness = Float(scene.roughness[index]) / 255
            #expect(abs((found["roughness"]?[index] ?? .nan) - roughness) < 1e-6)
            let metallic = Float(scene.metallic[index]) / 255
            #expect(abs((found["metallic"]?[index] ?? .nan) - metallic) < 1e-6)
        }
        let without = try planes(scene.request(Encoding(sendsMetallic: false)), path: path)
        #expect(without["metallic"] == [Float](repeating: 0, count: count))
        #expect(without["roughness"] == found["roughness"])
    }

    @Test(arguments: supportedPaths, [NormalSpace.world, .view])
    func normalsAreWorldNormalsHoweverTheyCome(path: KernelPath, space: NormalSpace) throws {
        var random = SeededGenerator()
        let scene = scene(&random)
        let count = scene.size.pixelCount
        for (format, step) in [(PixelFormat.rgb8UNorm, 1 / 127.5), (.rgb10a2, 1 / 511.5)] {
            let encoding = Encoding(normals: format, normalSpace: space)
            let normals = try #require(
                try planes(scene.request(encoding), path: path)["normal"])
            for index in normals.indices {
                // Turned, the rounding of three components may meet in one.
                let tolerance = Float(step) * (space == .view ? 0.87 : 0.5) + 1e-6
                let error = abs(normals[index] - scene.normals[index % count][index / count])
                #expect(error <= tolerance, "seed \(random.seed): \(format) \(index)")
            }
        }
    }

    @Test(arguments: supportedPaths)
    func depthIsMetresHoweverItComes(path: KernelPath) throws {
        var random = SeededGenerator()
        var scene = scene(&random)
        scene.depth[5] = 65535 * 0.0025
        func depth(_ format: PixelFormat, _ encoding: DepthEncoding) throws -> [Float] {
            try #require(
                planes(
                    scene.request(Encoding(depth: format, depthEncoding: encoding)), path: path)[
                        "depth"])
        }
        let unsigned = try depth(.r16, .linear(metresPerUnit: 0.0025, far: .infinity))
        #expect(zip(unsigned, scene.depth).allSatisfy { abs($0 - $1) <= 0.00126 })
        #expect(abs(unsigned[5] - 163.8375) < 1e-4, "the largest number is a surface")
        let scaled = try depth(.r32Float, .linear(metresPerUnit: 0.01, far: 100))
        #expect(scaled[5] == 0, "beyond the far plane is sky")
        #expect(zip(scaled, scene.depth).allSatisfy { abs($0 - $1) < 1e-5 || $1 > 100 })
        for far in [300.0, .infinity] {
            let device = try depth(.r32Float, .deviceReversed(near: 0.05, far: far))
            for (found, expected) in zip(device, scene.depth) {
                // The device depth of 160 m is 3e-4: a float of it is good to 1e-4 m there.
                #expect((found == 0) == (expected == 0))
                #expect(abs(found - expected) <= 2e-6 * expected * expected / 0.05 + 1e-5)
            }
        }
    }

    @Test(arguments: supportedPaths)
    func onlyPositiveFiniteDepthBeforeTheFarPlaneIsASurface(path: KernelPath) throws {
        var random = SeededGenerator()
        var scene = scene(&random)
        scene.depth = Array(repeating: 3, count: scene.size.pixelCount)
        let odd: [Float] = [0, -0.0, -1, .nan, .infinity, -.infinity, 50, 49.999, 51, 1e-30]
        scene.depth.replaceSubrange(0..<odd.count, with: odd)
        let linear = Encoding(depthEncoding: .linear(metresPerUnit: 1, far: 50))
        let depth = try #require(try planes(scene.request(linear), path: path)["depth"])
        #expect(
            Array(depth[..<odd.count]) == [0, 0, 0, 0, 0, 0, 0, 49.999, 0, 1e-30])
        // The frame's own far plane replaces the agreed one.
        scene.camera?.far = 2
        let nearer = try #require(try planes(scene.request(linear), path: path)["depth"])
        #expect(nearer.allSatisfy { $0 == 0 || $0 == 1e-30 })
    }

    @Test(arguments: supportedPaths)
    func knownPixelsAreLaidOverAndHaveNoHistory(path: KernelPath) throws {
        var random = SeededGenerator()
        var scene = scene(&random)
        let count = scene.size.pixelCount
        for index in 0..<count { scene.known[index * 4 + 3] = [0, 255, 128][index % 3] }
        let plain = try render(scene.request(), path: path)
        let over = try render(scene.request(Encoding(sendsKnown: true)), path: path)
        for index in 0..<count {
            for c in 0..<3 {
                let below = Float(plain.picture[index * 4 + c])
                let known = Float(scene.known[index * 4 + c])
                let weight = Float(scene.known[index * 4 + 3]) / 255
                let found = Float(over.picture[index * 4 + c])
                // The picture below was rounded to a byte here, but not before it was laid under.
                let expected = below * (1 - weight) + known * weight
                #expect(abs(found - expected) <= 0.5 + 0.5 * (1 - weight) + 1e-3)
            }
            #expect(over.picture[index * 4 + 3] == 255)
        }
        let at = FrameHistory.coverageOffset(of: scene.size)
        #expect(Array(over.next[at...]) == (0..<count).map { [0, 255, 128][$0 % 3] })
        #expect(Array(plain.next[at...]) == [UInt8](repeating: 0, count: count))
    }
}
