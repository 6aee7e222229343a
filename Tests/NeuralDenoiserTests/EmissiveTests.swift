// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

/// What a surface gives off by itself: added to the picture in linear light, and no history there.
@Suite struct EmissiveTests {
    private typealias Encoding = Scene.Encoding

    static let formats = [PixelFormat.rgba8sRGB, .rgb8sRGB, .rgba16Float]

    /// An odd width, with a lamp, some faint pixels and a dark rest.
    private func scene(_ random: inout SeededGenerator) -> Scene {
        var scene = Scene(FrameSize(width: 75, height: 50), &random)
        for index in scene.emissive.indices where index % 3 == 0 {
            scene.emissive[index] = SIMD3.random(in: 0...1, using: &random) / Float(1 + index % 50)
        }
        return scene
    }

    /// The light that a plane of this format holds.
    private func stored(_ value: Float, _ format: PixelFormat) -> Double {
        guard format == .rgba16Float else {
            return light((srgb(Double(value)) * 255).rounded() / 255)
        }
        let half = Float(Float16(value))
        return half > 0 ? min(Double(half), 65504) : 0
    }

    private func render(
        _ request: FrameRequest, _ model: CompactModel
    ) throws -> (bytes: [UInt8], unrounded: [Float]) {
        let workspace = try Workspace(
            FramePlan(size: request.gbuffer.layout.size, model: model, keepsStages: true),
            model: model)
        try workspace.begin(request)
        StepRunner.twoThreads.run(workspace.steps)
        let unrounded = workspace.unroundedPicture(request, kernelPath: model.kernelPath)
        workspace.finish()
        return (request.picture.copiedBytes(), unrounded)
    }

    @Test(arguments: supportedPaths, formats)
    func lightIsAddedAndKnownPixelsLieOverIt(path: KernelPath, format: PixelFormat) throws {
        var random = SeededGenerator()
        var scene = scene(&random)
        let odd: [Float] =
            format == .rgba16Float ? [.nan, -1, .infinity, -.infinity, 65504, 1e-6] : [0, 1]
        for (index, value) in odd.enumerated() { scene.emissive[index] = SIMD3(repeating: value) }
        let count = scene.size.pixelCount
        for index in 0..<count { scene.known[index * 4 + 3] = [0, 0, 128][index % 3] }
        let model = try placeModel(path)
        for (origin, slack, sendsKnown) in [
            (RowOrigin.topLeft, 0, false), (.bottomLeft, 24, true),
        ] {
            let bare = Encoding(origin: origin, sendsKnown: sendsKnown, slack: slack)
            var encoding = bare
            encoding.emissive = format
            let below = try render(scene.request(bare), model).unrounded
            let found = try render(scene.request(encoding), model).bytes
            for index in 0..<count {
                let (x, y) = (index % scene.size.width, index / scene.size.width)
                let row = origin == .bottomLeft ? scene.size.height - 1 - y : y
                for c in 0..<3 {
                    let sum =
                        light(Double(below[c * count + index]))
                        + stored(scene.emissive[index][c], format)
                    let weight = sendsKnown ? Double(scene.known[index * 4 + 3]) / 255 : 0
                    let drawn = Double(scene.known[index * 4 + c])
                    let expected = srgb(sum) * 255 * (1 - weight) + drawn * weight
                    let byte = Double(found[(row * scene.size.width + x) * 4 + c])
                    #expect(
                        abs(byte - expected) <= 0.51, "seed \(random.seed): \(format) \(index) \(c)"
                    )
                }
            }
        }
    }

    /// The same light in each format that holds it gives the same bytes, whatever the network's
    /// numbers.
    @Test(arguments: supportedPaths, NeuralOps.Precision.allCases)
    func formatsAndPathsOfTheHeadAgree(path: KernelPath, precision: NeuralOps.Precision) throws {
        var random = SeededGenerator()
        var scene = scene(&random)
        for index in scene.emissive.indices {
            let isOn = scene.emissive[index].max() > 0.3
            scene.emissive[index] = SIMD3(isOn ? 1 : 0, 0, index % 2 == 0 && isOn ? 1 : 0)
        }
        let model = try placeModel(path, precision: precision)
        let dark = try render(scene.request(), model).bytes
        var pictures: Set<[UInt8]> = []
        for format in Self.formats {
            for keepsStages in [false, true] {
                let request = scene.request(Encoding(emissive: format))
                let plan = FramePlan(size: scene.size, model: model, keepsStages: keepsStages)
                let workspace = try Workspace(plan, model: model)
                try workspace.begin(request)
                StepRunner.twoThreads.run(workspace.steps)
                workspace.finish()
                pictures.insert(request.picture.copiedBytes())
            }
        }
        let picture = try #require(pictures.first)
        #expect(pictures.count == 1, "seed \(random.seed)")
        for index in scene.emissive.indices {
            let isOn = scene.emissive[index].x > 0
            #expect(picture[index * 4] == (isOn ? 255 : dark[index * 4]))
            #expect(picture[index * 4 + 1] == dark[index * 4 + 1])
        }
    }

    /// Whatever channel it is, on either side of 1/64.
    @Test(arguments: supportedPaths, formats)
    func whatShinesHasNoHistory(path: KernelPath, format: PixelFormat) throws {
        var random = SeededGenerator()
        var scene = Scene(FrameSize(width: 66, height: 35), &random)
        let history = randomHistory(of: scene, camera: scene.camera, &random)
        // sRGB bytes of 33 and 34; 1/64 and the next half; what is no light at all.
        let cases: [(light: Float, shines: Bool)] =
            format == .rgba16Float
            ? [
                (1 / 64, false), (Float(Float16(1.0 / 64).nextUp), true), (1000, true),
                (.infinity, true), (.nan, false), (-1, false), (0, false),
            ]
            : [
                (Float(light(33 / 255)), false), (Float(light(34 / 255)), true), (1, true),
                (0, false),
            ]
        for index in scene.emissive.indices {
            scene.emissive[index][index % 3] = cases[index / 3 % cases.count].light
        }
        let model = try placeModel(path)
        func read(_ encoding: Encoding) throws -> ChunkReader {
            let workspace = try Workspace(FramePlan(size: scene.size, model: model), model: model)
            try workspace.begin(scene.request(encoding, history: history))
            return ChunkReader(workspace, kernelPath: path)
        }
        let before = try read(Encoding())
        let found = try read(Encoding(emissive: format))
        let count = scene.size.pixelCount
        let valid = try #require(before.pixels["valid"])
        #expect(valid.reduce(0, +) > Float(count) / 2)
        for index in 0..<count {
            let hadHistory = valid[index] == 1
            let hasHistory = hadHistory && !cases[index / 3 % cases.count].shines
            #expect(found.pixels["valid"]?[index] == (hasHistory ? 1 : 0))
            if !hasHistory { #expect(found.pixels["sigma"]?[index] == 1) }
            for c in 0..<3 {
                let at = c * count + index
                let source = hasHistory ? before.pixels["source"] : found.pixels["base"]
                #expect(found.pixels["source"]?[at] == source?[at])
                #expect(
                    found.pixels["light"]?[at] == (hasHistory ? before.pixels["light"]?[at] : 0))
            }
        }
    }
}
