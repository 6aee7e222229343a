// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CAllocationCount
import FrameTypes
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

@Suite struct IncrementalTests {
    private let size = FrameSize(width: 161, height: 130)

    /// A scene that stands, changes here and there, moves, and stands again.
    private func story(_ size: FrameSize, _ random: inout SeededGenerator) -> [Scene] {
        let calm = Scene.calm(size, &random)
        var moved = calm
        moved.camera = Scene.camera(size, &random)
        let square = calm.withSquare(x: 30, y: 20, side: 20)
        return [calm, calm, calm, square, square, calm, moved, moved, moved, calm, square]
    }

    @Test func whereApproximationIsRefusedEveryByteIsAsWithoutACache() throws {
        var random = SeededGenerator()
        let scenes = story(size, &random)
        let plain = try IncrementalLane(scenes[0], settings: nil)
        let cached = try IncrementalLane(scenes[0], settings: .init())
        for (index, scene) in scenes.enumerated() {
            #expect(
                try cached.render(scene, allows: false) == plain.render(scene),
                "seed \(random.seed): frame \(index)")
            #expect(!cached.workspace.work.isApproximate)
            #expect(cached.history?.storage.copiedBytes() == plain.history?.storage.copiedBytes())
        }
    }

    @Test(arguments: supportedPaths)
    func aRegionOfAllTilesGivesTheSameBytesAsAWholeFrame(path: KernelPath) throws {
        var random = SeededGenerator()
        // Small: this runs on every kernel path.
        let scenes = story(FrameSize(width: 97, height: 66), &random)
        var settings = IncrementalSettings()
        settings.halos = [9]
        settings.largestShare = 1
        settings.restFrames = 0
        let plain = try IncrementalLane(scenes[0], settings: nil, path: path)
        let cached = try IncrementalLane(scenes[0], settings: settings, path: path)
        var partial = 0
        for (index, scene) in scenes.enumerated() {
            #expect(
                try cached.render(scene) == plain.render(scene),
                "seed \(random.seed): frame \(index)")
            let region = try #require(cached.workspace.incremental?.region)
            if !region.isFull { partial += 1 }
        }
        // Otherwise nothing was shown.
        #expect(partial >= 3)
    }

    /// The same with a model that reads the place grid and the emissive plane, in every precision.
    @Test(arguments: NeuralOps.Precision.allCases, [PixelFormat.rgba8sRGB, .rgba16Float])
    func aRegionKnowsThePlaceGridAndWhatShines(
        precision: NeuralOps.Precision, format: PixelFormat
    ) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 97, height: 66)
        var scenes = story(size, &random)
        for (index, strength) in [(3, Float(0.5)), (4, 0.5), (5, 0.01)] {
            for pixel in 40 * size.width + 50..<40 * size.width + 60 {
                scenes[index].emissive[pixel] = SIMD3(strength, strength / 2, 0)
            }
        }
        var settings = IncrementalSettings()
        settings.halos = [9]
        settings.largestShare = 1
        settings.restFrames = 0
        let encoding = Scene.Encoding(emissive: format)
        let model = try placeModel(.best, precision: precision)
        let plain = try IncrementalLane(scenes[0], encoding, settings: nil, model: model)
        let cached = try IncrementalLane(scenes[0], encoding, settings: settings, model: model)
        var partial = 0
        for (index, scene) in scenes.enumerated() {
            #expect(
                try cached.render(scene, encoding) == plain.render(scene, encoding),
                "seed \(random.seed): frame \(index)")
            let region = try #require(cached.workspace.incremental?.region)
            if !region.isFull { partial += 1 }
        }
        #expect(partial >= 3)
    }

    /// A lamp that is switched on is a change by itself.
    @Test(arguments: [PixelFormat.rgba8sRGB, .rgb8sRGB, .rgba16Float])
    func aTileWhoseEmissionChangesIsRendered(format: PixelFormat) throws {
        var random = SeededGenerator()
        let encoding = Scene.Encoding(emissive: format)
        let scene = Scene.calm(size, &random)
        let lane = try IncrementalLane(
            scene, encoding, settings: .init(), model: try placeModel(.best))
        for _ in 0..<4 { try lane.render(scene, encoding) }
        var lit = scene
        for row in 40..<48 {
            for column in 100..<108 {
                lit.emissive[row * size.width + column] = SIMD3(repeating: 0.9)
            }
        }
        try lane.render(lit, encoding)
        let region = try #require(lane.workspace.incremental?.region)
        #expect(region.contains(row: 40 / region.grid.side, column: 104 / region.grid.side))
        let picture = try #require(lane.last?.picture.copiedBytes())
        #expect(picture[(44 * size.width + 104) * 4] > 230)
    }

    @Test func anUnchangedSettledFrameIsAnsweredWithTheLastPicture() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        for origin in [RowOrigin.topLeft, .bottomLeft] {
            let encoding = Scene.Encoding(origin: origin, sendsKnown: true, sendsMotion: true)
            let lane = try IncrementalLane(scene, encoding, settings: .init())
            var pictures: [[UInt8]] = []
            while pictures.count < 60, lane.workspace.work.kind != .unchanged || pictures.isEmpty {
                pictures.append(try lane.render(scene, encoding))
            }
            #expect(lane.workspace.work.kind == .unchanged, "seed \(random.seed)")
            #expect(lane.workspace.work.keepsHistory)
            // The last two are the same; the two before are within a step of each other, or a few where
            // a tile was taken as settled because it goes on changing.
            let settled = Array(pictures.suffix(3))
            #expect(settled[1] == settled[2])
            let apart = zip(settled[0], settled[1]).map { abs(Int($0) - Int($1)) }
            #expect(apart.allSatisfy { $0 <= 4 }, "\(apart.max() ?? 0), seed \(random.seed)")
            #expect(apart.count { $0 > 1 } <= apart.count / 100)
            // What it did not write is still zero.
            #expect(lane.last?.nextHistory.copiedBytes().allSatisfy { $0 == 0 } == true)
            // One pixel of any plane ends it.
            let changed = scene.withSquare(x: 77, y: 60, side: 1)
            try lane.render(changed, encoding)
            #expect(lane.workspace.work.kind == .partial)
        }
    }

    /// No difference is small enough here, as for a picture that goes round in a circle.
    @Test func aPictureThatNeverSettlesIsTakenAsItIs() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        var settings = IncrementalSettings()
        settings.settledDifference = -1
        settings.patience = 3
        let lane = try IncrementalLane(scene, settings: settings)
        func rendered(_ scene: Scene, _ count: Int) throws -> [FrameWork.Kind] {
            try (0..<count).map { _ in
                try lane.render(scene)
                return lane.workspace.work.kind
            }
        }
        // The first frame has no history and the second none to compare with.
        let kinds = try rendered(scene, 8)
        #expect(kinds.filter { $0 != .unchanged }.count == 5)
        #expect(kinds.suffix(3).allSatisfy { $0 == .unchanged })
        // Another change starts anew, where it is.
        let changed = scene.withSquare(x: 40, y: 40, side: 8)
        #expect(try rendered(changed, 1) == [.partial])
        let after = try rendered(changed, 6)
        #expect(after.filter { $0 == .partial }.count == 3)
        #expect(after.last == .unchanged)
    }

    /// Such an answer is only given without permission to approximate if rendering, which is done
    /// here, gives those very bytes.
    @Test func anExactAnswerIsWhatRenderingGives() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(FrameSize(width: 64, height: 48), &random)
        let plain = try IncrementalLane(scene, settings: nil)
        let cached = try IncrementalLane(scene, settings: .init())
        for index in 0..<30 {
            #expect(
                try cached.render(scene, allows: false) == plain.render(scene),
                "seed \(random.seed): frame \(index)")
            #expect(!cached.workspace.work.isApproximate)
        }
    }

    @Test func noiseWithinTheTolerancesChangesNothing() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        let lane = try IncrementalLane(scene, settings: .init())
        for _ in 0..<40 where lane.workspace.work.kind != .unchanged { try lane.render(scene) }
        var noisy = scene
        for index in noisy.base.indices { noisy.base[index] += UInt8(index % 3) }
        noisy.depth = noisy.depth.map { $0 * 1.001 }
        try lane.render(noisy)
        #expect(lane.workspace.work.kind == .unchanged)
        #expect(lane.workspace.work.isApproximate)
        // But not if the client refuses.
        try lane.render(noisy, allows: false)
        #expect(lane.workspace.work.kind == .full && !lane.workspace.work.isApproximate)
    }

    @Test func aPartialFrameSaysWhatItRendered() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        let cached = try IncrementalLane(scene, settings: .init())
        for _ in 0..<6 { try cached.render(scene) }
        for index in 0..<6 {
            try cached.render(scene.withSquare(x: 60 + 3 * index, y: 60, side: 20))
            let work = cached.workspace.work
            #expect(work.kind == .partial && work.isApproximate && !work.keepsHistory)
            #expect(work.tileCount == 30 && work.tilesComputed <= 21)
            #expect(cached.workspace.computedTiles.count { $0 } == work.tilesComputed)
            // The square's own tile is among them.
            #expect(cached.workspace.computedTiles[2 * 6 + 2])
        }
    }

    @Test func deepLevelsRestWhileTheSameTilesChange() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        let lane = try IncrementalLane(scene, settings: .init())
        let region = try #require(lane.workspace.incremental?.region)
        for _ in 0..<3 { try lane.render(scene) }
        var rests: [Bool] = []
        // Within one tile, then into the next one.
        for x in [70, 71, 72, 73, 70, 71, 90, 91] {
            try lane.render(scene.withSquare(x: x, y: 70, side: 6))
            #expect(lane.workspace.work.kind == .partial && !region.isEmpty(level: 1))
            #expect(region.isEmpty(level: 2) == region.isEmpty(level: 3))
            rests.append(region.isEmpty(level: 3))
        }
        #expect(rests == [false, true, true, false, true, true, false, true])
        // What comes to rest does so at all levels; where that is most of the frame, it is whole.
        try lane.render(scene.withSquare(x: 91, y: 70, side: 6))
        let work = lane.workspace.work
        #expect(work.kind == .full || (work.kind == .partial && !region.isEmpty(level: 3)))
    }

    @Test func deepLevelsDoNotRestWhereThePictureBecomesAnother() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        var settings = IncrementalSettings()
        settings.restingChange = 0
        let lane = try IncrementalLane(scene, settings: settings)
        let region = try #require(lane.workspace.incremental?.region)
        for _ in 0..<3 { try lane.render(scene) }
        for x in [70, 71, 72, 73] {
            try lane.render(scene.withSquare(x: x, y: 70, side: 6))
            #expect(lane.workspace.work.kind == .partial && !region.isEmpty(level: 3))
        }
    }

    @Test func aMovedCameraOrCutRendersEverythingAndComparesNothing() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        let lane = try IncrementalLane(scene, settings: .init())
        for _ in 0..<6 { try lane.render(scene) }
        #expect(lane.workspace.work.kind != .full)
        var moved = scene
        for _ in 0..<3 {
            moved.camera = Scene.camera(size, &random)
            try lane.render(moved)
            #expect(lane.workspace.work.kind == .full)
            #expect(lane.workspace.incremental?.keepsPlanes == false)
        }
        var shaken = moved
        shaken.jitter = [0.25, 0]
        try lane.render(shaken)
        #expect(lane.workspace.work.kind == .full)
    }

    @Test func historyFromElsewhereIsNeverTakenForOnesOwn() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        let lane = try IncrementalLane(scene, settings: .init())
        for _ in 0..<6 { try lane.render(scene) }
        let history = randomHistory(of: scene, camera: scene.camera, &random)
        var request = scene.request(history: history)
        request.allowsApproximate = true
        try lane.workspace.begin(request)
        StepRunner.forwards.run(lane.workspace.steps)
        lane.workspace.finish()
        #expect(lane.workspace.work.kind == .full)
        let expected = try NeuralDenoiserTests.render(scene.request(history: history), path: .best)
        #expect(request.picture.copiedBytes() == expected.picture, "seed \(random.seed)")
    }

    @Test func aFrameThatWasGivenUpLeavesNothingToBuildOn() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        let plain = try IncrementalLane(scene, settings: nil)
        let lane = try IncrementalLane(scene, settings: .init())
        for _ in 0..<4 {
            try plain.render(scene, allows: false)
            try lane.render(scene, allows: false)
        }
        let given = lane.request(scene.withSquare(x: 3, y: 3, side: 90), allows: true)
        try lane.workspace.begin(given)
        StepRunner.forwards.run(Array(lane.workspace.steps.prefix(lane.workspace.steps.count / 2)))
        lane.workspace.finish()
        #expect(try lane.render(scene) == plain.render(scene), "seed \(random.seed)")
        #expect(lane.workspace.work.kind == .full)
    }

    @Test func everythingIsRenderedAnewWhereTheFrameNumberSaysSo() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        var settings = IncrementalSettings()
        settings.refreshFrames = 8
        let lane = try IncrementalLane(scene, settings: settings, firstID: 5)
        var full: [UInt64] = []
        for index in 0..<16 {
            // Something always changes, in a place of its own.
            try lane.render(scene.withSquare(x: 20 + index % 5, y: 30, side: 12))
            let id = try #require(lane.history?.frameID)
            if lane.workspace.work.kind == .full, id >= 12 { full.append(id) }
        }
        #expect(full == [16])
    }

    @Test func threadsAndOrderOfTilesDoNotChangeAByte() throws {
        var random = SeededGenerator()
        let scenes = story(size, &random)
        let lanes = try StepRunner.allCases.map { _ in
            try IncrementalLane(scenes[0], settings: .init())
        }
        for scene in scenes {
            let pictures = try zip(lanes, StepRunner.allCases).map {
                try $0.render(scene, by: $1)
            }
            #expect(pictures.allSatisfy { $0 == pictures[0] }, "seed \(random.seed)")
            #expect(Set(lanes.map(\.workspace.work)).count == 1)
        }
    }

    @Test func incrementalFramesAllocateNothing() throws {
        var random = SeededGenerator()
        let scene = Scene.calm(size, &random)
        let lane = try IncrementalLane(scene, settings: .init())
        for _ in 0..<40 where lane.workspace.work.kind != .unchanged { try lane.render(scene) }
        let memory = WorkerMemory()
        RenderThread.prepare()
        let workspace = lane.workspace
        var kinds: [FrameWork.Kind] = []
        for frame in [scene, scene.withSquare(x: 50, y: 40, side: 12), scene, scene] {
            let request = lane.request(frame, allows: kinds.count < 3)
            let before = allocation_count()
            try workspace.begin(request)
            var step = 0
            // Counted loops: an unoptimised iterator allocates.
            while step < workspace.steps.count {
                var tile = 0
                let isIdle = workspace.steps[step].isIdle?() == true
                while !isIdle, tile < workspace.steps[step].tileCount {
                    workspace.steps[step].runTile(tile, memory)
                    tile += 1
                }
                step += 1
            }
            workspace.finish()
            #expect(allocation_count() - before == 0, "frame \(kinds.count)")
            lane.take(request)
            kinds.append(workspace.work.kind)
        }
        #expect(kinds == [.unchanged, .partial, .partial, .full])
    }

    @Test func memoryIsPlannedBeforeItIsTaken() throws {
        let denoiser = try Denoiser(modelFolder: PackageFolder.defaultModel)
        var random = SeededGenerator()
        let layout = Scene(size, &random).request().gbuffer.layout
        let model = try atrium(.best)
        let workspace = try Workspace(
            FramePlan(size: size, model: model, isIncremental: true), model: model,
            incremental: (layout, IncrementalSettings()))
        #expect(
            denoiser.incrementalByteCount(for: layout)
                == workspace.arena.byteCount + layout.byteCount)
        #expect(
            denoiser.incrementalByteCount(for: layout)
                > denoiser.workspaceByteCount(for: size))
    }
}
