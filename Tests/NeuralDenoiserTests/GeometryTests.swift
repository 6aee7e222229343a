// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

@Suite struct GeometryTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var hasCameras = true
        var sendsMotion = false
        var previousScale = 1.0
        var isJittered = false
        var coverage: UInt8 = 0

        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "camera"), Case(name: "camera, jittered", isJittered: true),
        Case(name: "camera, larger before", previousScale: 1.37, isJittered: true),
        Case(name: "camera, smaller before", previousScale: 0.8),
        Case(name: "motion plane", sendsMotion: true, isJittered: true),
        Case(name: "motion plane, no camera", hasCameras: false, sendsMotion: true),
        Case(
            name: "motion plane, larger before", hasCameras: false, sendsMotion: true,
            previousScale: 1.5, isJittered: true),
        Case(name: "covered", coverage: 1),
    ]

    @Test(arguments: supportedPaths, cases)
    func pixelsAreWhereThePlainFormulasPutThem(path: KernelPath, each: Case) throws {
        var random = SeededGenerator()
        let size = FrameSize(
            width: Int.random(in: 40...90, using: &random),
            height: Int.random(in: 41...70, using: &random))
        let before = FrameSize(
            width: Int(Double(size.width) * each.previousScale),
            height: Int(Double(size.height) * each.previousScale))
        var scene = Scene(size, &random)
        var previous = Scene(before, &random)
        if each.isJittered {
            scene.jitter = SIMD2.random(in: -0.5...0.5, using: &random)
            previous.jitter = SIMD2.random(in: -0.5...0.5, using: &random)
        }
        if !each.hasCameras {
            scene.camera = nil
            previous.camera = nil
        }
        let history = randomHistory(
            of: previous, camera: previous.camera, jitter: previous.jitter,
            coverage: each.coverage, &random)
        let request = scene.request(
            Scene.Encoding(sendsMotion: each.sendsMotion), history: history)
        let model = try atrium(path)
        let workspace = try Workspace(FramePlan(size: size, model: model), model: model)
        try workspace.begin(request)
        #expect(workspace.usedHistoryFrame == 7)
        let found = ChunkReader(workspace, kernelPath: path)
        let judge = try #require(
            PixelJudge(request, depth: scene.depth, settings: model.manifest.pixels))

        var validCount = 0
        var mirrorCount = 0
        for y in 0..<size.height {
            for x in 0..<size.width {
                let index = y * size.width + x
                // What a half holds of the motion.
                let half = SIMD2<Double>(SIMD2<Float>(SIMD2<Float16>(scene.motion[index])))
                let expected = judge.find(x, y, motion: each.sendsMotion ? half : nil)
                let comment: Comment = "seed \(random.seed): pixel \(x), \(y)"
                // Float32 at 100 pixels and 500 metres.
                #expect(
                    abs(Double(found.pixels["previous"]?[index] ?? .nan) - expected.previous.x)
                        < 1e-3, comment)
                if expected.margin < 1e-3 { continue }
                let isValid = found.pixels["valid"]?[index] == 1
                #expect(isValid == expected.isValid, comment)
                guard isValid, expected.isValid else { continue }
                validCount += 1
                let roughness = found.pixels["roughness"]?[index] ?? .nan
                let metallic = found.pixels["metallic"]?[index] ?? .nan
                let isSmooth = roughness < 0.3 && metallic < 0.5
                if isSmooth, abs(judge.mirrorMargin(x, y)) < 1e-5 { continue }
                let isMirror = isSmooth && judge.mirrorMargin(x, y) > 0
                mirrorCount += isMirror ? 1 : 0
                #expect((found.pixels["sigma"]?[index] == 1) == isMirror, comment)
                for channel in 0..<6 {
                    let plane = found.pixels[channel < 3 ? "source" : "light"]
                    let value = Double(plane?[channel % 3 * size.pixelCount + index] ?? .nan)
                    if isMirror {
                        let base = found.pixels["base"]?[channel % 3 * size.pixelCount + index]
                        #expect(value == (channel < 3 ? Double(base ?? .nan) : 0), comment)
                        continue
                    }
                    // A thousandth of a pixel, in a history of noise.
                    let tolerance = channel < 3 ? 3e-3 : 4e-2
                    #expect(abs(value - expected.history[channel]) < tolerance, comment)
                }
            }
        }
        #expect(each.coverage > 0 ? validCount == 0 : validCount > size.pixelCount / 3)
        #expect(each.hasCameras || mirrorCount == 0)
    }

    @Test(arguments: supportedPaths)
    func nothingMovesWhereNothingMoved(path: KernelPath) throws {
        var random = SeededGenerator()
        var scene = Scene(FrameSize(width: 75, height: 41), &random)
        scene.jitter = SIMD2(0.25, -0.125)
        let history = randomHistory(
            of: scene, camera: scene.camera, jitter: scene.jitter, &random)
        let model = try atrium(path)
        let workspace = try Workspace(FramePlan(size: scene.size, model: model), model: model)
        try workspace.begin(scene.request(history: history))
        let found = ChunkReader(workspace, kernelPath: path)
        let count = scene.size.pixelCount
        let previous = try #require(found.pixels["previous"])
        #expect((0..<count).allSatisfy { previous[$0] == Float($0 % 75) + 0.5 })
        #expect((0..<count).allSatisfy { previous[count + $0] == Float($0 / 75) + 0.5 })
        #expect(found.pixels["valid"] == [Float](repeating: 1, count: count))
        let before = history.storage.copiedBytes()
        let source = try #require(found.pixels["source"])
        let sigma = try #require(found.pixels["sigma"])
        let base = try #require(found.pixels["base"])
        // The network is not told the history of a mirror that stayed.
        #expect(sigma.count { $0 < 1 } > count / 2)
        #expect(
            source.indices.allSatisfy {
                source[$0]
                    == (sigma[$0 % count] < 1
                        ? Float(before[$0 % count * 4 + $0 / count]) * (1 / 255) : base[$0])
            })
    }

    @Test func historyIsUsedOnlyWhereMotionIsKnown() throws {
        var random = SeededGenerator()
        var scene = Scene(FrameSize(width: 64, height: 32), &random)
        var history = randomHistory(of: scene, camera: scene.camera, &random)
        let model = try atrium(.best)
        let workspace = try Workspace(FramePlan(size: scene.size, model: model), model: model)
        func used(_ request: FrameRequest) throws -> UInt64? {
            try workspace.begin(request)
            defer { workspace.finish() }
            return workspace.usedHistoryFrame
        }
        #expect(try used(scene.request()) == nil)
        #expect(try used(scene.request(history: history)) == 7)
        history.camera = nil
        #expect(try used(scene.request(history: history)) == nil)
        let moving = Scene.Encoding(sendsMotion: true)
        #expect(try used(scene.request(moving, history: history)) == 7)
        scene.camera = nil
        var request = scene.request(moving, history: history)
        request.gbuffer.motionFrom = 7
        #expect(try used(request) == 7)
        request.gbuffer.motionFrom = 6
        #expect(try used(request) == nil)
        request.gbuffer.camera = Scene.camera(scene.size, &random)
        request.history?.camera = Scene.camera(scene.size, &random)
        #expect(try used(request) == 7)
    }

    @Test(arguments: supportedPaths)
    func motionThatIsNoNumberMeansNoHistory(path: KernelPath) throws {
        var random = SeededGenerator()
        var scene = Scene(FrameSize(width: 64, height: 32), &random)
        scene.motion = scene.motion.map { _ in SIMD2() }
        scene.motion[100] = SIMD2(.nan, 0)
        scene.motion[101] = SIMD2(0, .infinity)
        scene.motion[102] = SIMD2(-.infinity, 0)
        scene.camera = nil
        let history = randomHistory(of: scene, camera: nil, &random)
        let model = try atrium(path)
        let workspace = try Workspace(FramePlan(size: scene.size, model: model), model: model)
        try workspace.begin(scene.request(Scene.Encoding(sendsMotion: true), history: history))
        let valid = try #require(ChunkReader(workspace, kernelPath: path).pixels["valid"])
        #expect(valid.indices.filter { valid[$0] == 0 } == [100, 101, 102])
    }
}
