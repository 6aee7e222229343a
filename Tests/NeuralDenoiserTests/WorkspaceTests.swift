// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CAllocationCount
import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

@Suite struct WorkspaceTests {
    private let sizes = [
        FrameSize(width: 32, height: 32), FrameSize(width: 97, height: 130),
        FrameSize(width: 256, height: 33),
    ]

    @Test(arguments: supportedPaths)
    func threadsAndOrderOfTilesDoNotChangeAByte(path: KernelPath) throws {
        var random = SeededGenerator()
        for size in sizes {
            let scene = Scene(size, &random)
            let history = randomHistory(of: scene, camera: Scene.camera(size, &random), &random)
            let expected = try render(scene.request(history: history), path: path)
            for runner in StepRunner.allCases {
                let found = try render(
                    scene.request(history: history), path: path, by: runner)
                #expect(found == expected, "seed \(random.seed): \(size) \(runner)")
            }
        }
    }

    @Test func aWorkspaceKeepsNothingFromFrameToFrame() throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 70, height: 50)
        let model = try atrium(.best)
        let workspace = try Workspace(FramePlan(size: size, model: model), model: model)
        let scenes = (0..<4).map { _ in Scene(size, &random) }
        for scene in scenes + scenes {
            let larger = Scene(FrameSize(width: 140, height: 99), &random)
            for history in [
                nil, randomHistory(of: scene, camera: Scene.camera(size, &random), &random),
                randomHistory(of: larger, camera: larger.camera, &random),
            ] {
                let request = scene.request(history: history)
                try workspace.begin(request)
                StepRunner.twoThreads.run(workspace.steps)
                workspace.finish()
                let found = Rendered(
                    picture: request.picture.copiedBytes(),
                    next: request.nextHistory.copiedBytes())
                let expected = try render(scene.request(history: history), path: .best)
                #expect(found == expected, "seed \(random.seed)")
            }
        }
    }

    @Test(arguments: supportedPaths) func renderingAllocatesNothing(path: KernelPath) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 128, height: 96)
        let scene = Scene(size, &random)
        let encoding = Scene.Encoding(sendsKnown: true, sendsMotion: true)
        let history = randomHistory(of: scene, camera: Scene.camera(size, &random), &random)
        var requests = [scene.request(encoding), scene.request(encoding, history: history)]
        requests.append(scene.request(history: history))
        for format in [PixelFormat.rgba8sRGB, .rgba16Float] {
            let encoding = Scene.Encoding(sendsKnown: true, emissive: format)
            let shining = [scene.request(encoding), scene.request(encoding, history: history)]
            let plan = FramePlan(size: size, model: try placeModel(path))
            try expectNoAllocation(shining, try Workspace(plan, model: try placeModel(path)))
        }
        for model in try [atrium(path), placeModel(path)] {
            try expectNoAllocation(
                requests, try Workspace(FramePlan(size: size, model: model), model: model))
        }

        // The counter does count.
        let start = allocation_count()
        let storage = PixelStorage(byteCount: 1000)
        #expect(allocation_count() > start && storage.byteCount == 1000)
    }

    @Test func finishLetsGoOfTheFrame() throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 32, height: 32)
        let model = try atrium(.best)
        let workspace = try Workspace(FramePlan(size: size, model: model), model: model)
        weak var storage: PixelStorage?
        do {
            let request = Scene(size, &random).request()
            storage = request.gbuffer.storage
            try workspace.begin(request)
        }
        #expect(storage != nil)
        workspace.finish()
        #expect(storage == nil)
    }

    @Test func memoryIsPlannedBeforeItIsTaken() throws {
        let denoiser = try Denoiser(modelFolder: PackageFolder.defaultModel)
        for size in sizes + [FrameSize(width: 512, height: 512)] {
            let workspace = try #require(denoiser.makeWorkspace(for: size) as? Workspace)
            #expect(denoiser.workspaceByteCount(for: size) == workspace.arena.byteCount)
        }
        let common = denoiser.workspaceByteCount(for: FrameSize(width: 512, height: 512))
        #expect(common <= 100_000_000)
        let largest = denoiser.workspaceByteCount(for: FrameSize(width: 4096, height: 4096))
        #expect(largest > common * 60 && largest <= common * 68)
        let end = FrameSize.sides.upperBound
        let limit = denoiser.workspaceByteCount(for: FrameSize(width: end, height: end))
        #expect(limit > largest * 4 - common && limit <= largest * 4 + common)
    }

    /// A scene that repeats gives a picture that repeats, up to the last pixel of the longest sides.
    @Test(arguments: [false, true]) func longSidesAreRenderedToTheirEnd(isUpright: Bool) throws {
        var random = SeededGenerator()
        let (period, end) = (512, FrameSize.sides.upperBound)
        let size = isUpright ? FrameSize(width: 32, height: end) : FrameSize(width: end, height: 32)
        var scene = Scene(size, &random)
        scene.camera = nil
        for index in 0..<size.pixelCount {
            let (x, y) = (index % size.width, index / size.width)
            let first = isUpright ? y % period * size.width + x : y * size.width + x % period
            guard first != index else { continue }
            for channel in 0..<3 {
                scene.base[index * 3 + channel] = scene.base[first * 3 + channel]
            }
            scene.normals[index] = scene.normals[first]
            scene.depth[index] = scene.depth[first]
            scene.roughness[index] = scene.roughness[first]
            scene.metallic[index] = scene.metallic[first]
        }
        let request = scene.request()
        let model = try atrium(.best)
        let workspace = try Workspace(FramePlan(size: size, model: model), model: model)
        try workspace.begin(request)
        StepRunner.twoThreads.run(workspace.steps)
        workspace.finish()
        let picture = request.picture.copiedBytes()
        // What lies a period further in, seen from both ends' middle.
        let step = isUpright ? period * size.width * 4 : period * 4
        var apart = 0
        for along in stride(from: 3 * period, to: end - 2 * period, by: 7) {
            for across in 0..<32 {
                let pixel = isUpright ? along * size.width + across : across * size.width + along
                for byte in pixel * 4..<pixel * 4 + 4 where picture[byte] != picture[byte + step] {
                    apart += 1
                }
            }
        }
        #expect(apart == 0, "seed \(random.seed)")
        let last = picture.suffix(16 * 4)
        #expect(Set(last).count > 2, "the end was drawn")
    }

    @Test func longWorkIsCutIntoSteps() throws {
        let model = try atrium(.best)
        let plan = FramePlan(size: FrameSize(width: 2048, height: 2048), model: model)
        // Only the descriptions: memory that nobody touches costs nothing.
        let steps = plan.layers.steps(in: Arena(byteCount: plan.layers.byteCount))
        let layers = Set(steps.map(\.name)).count
        #expect(steps.count > layers * 2, "\(steps.count) steps of \(layers) layers")
        #expect(steps.allSatisfy { $0.tileCount > 0 })
    }

    @Test func stepsNameTheirStage() throws {
        let denoiser = try Denoiser(modelFolder: PackageFolder.defaultModel)
        let steps = try denoiser.makeWorkspace(for: FrameSize(width: 64, height: 64)).steps
        #expect(steps.first?.stage == .convert)
        #expect(steps.last?.stage == .encode)
        #expect(steps.contains { $0.name == "encoder.1.0.conv1" && $0.stage == .render })
    }

    @Test func theDescriptionSaysWhatServes() throws {
        let denoiser = try Denoiser(
            modelFolder: PackageFolder.defaultModel, kernelPath: .portable)
        #expect(denoiser.description.name == "atrium")
        #expect(denoiser.description.precision == "fp32")
        #expect(denoiser.description.kernelPath == "portable-fp32")
        #expect(denoiser.description.weightBytes > 15_000_000)
    }
}

/// Renders each of the frames once, then all of them again and again, counting.
func expectNoAllocation(_ requests: [FrameRequest], _ workspace: some FrameWorkspace) throws {
    let memory = WorkerMemory()
    RenderThread.prepare()
    for request in requests { try workspace.render(request, memory) }

    let before = allocation_count()
    var index = 0
    while index < 60 {
        try workspace.render(requests[index % requests.count], memory)
        index += 1
    }
    let during = allocation_count() - before
    #expect(during == 0)
}
