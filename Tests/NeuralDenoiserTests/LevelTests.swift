// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

/// Light at half and quarter size.
@Suite struct LevelTests {
    private static let levels = [FrameQuality.half, .quarter]
    /// Sides that are no multiples of 4, of 16 or of the network's; light of at least 32 pixels.
    private let sizes = [
        FrameSize(width: 131, height: 130), FrameSize(width: 200, height: 129),
    ]

    private func placeGolden(_ path: KernelPath) throws -> CompactModel {
        try CompactModel(folder: "\(PackageFolder.goldens)/place/model", kernelPath: path)
    }

    private func run(
        _ request: FrameRequest, in workspace: any FrameWorkspace,
        by runner: StepRunner = .forwards
    ) throws -> [UInt8] {
        try workspace.begin(request)
        runner.run(workspace.steps)
        workspace.finish()
        return request.picture.copiedBytes()
    }

    private func history(after request: FrameRequest, at quality: FrameQuality) -> FrameHistory {
        let gbuffer = request.gbuffer
        return FrameHistory(
            size: gbuffer.layout.size, at: quality, frameID: gbuffer.frameID, seed: request.seed,
            camera: gbuffer.camera, jitter: gbuffer.jitter, storage: request.nextHistory)
    }

    // MARK: Values

    /// A history of full size is reduced; then the frame starts from its own.
    @Test(arguments: supportedPaths, levels)
    func picturesAreThoseOfTheReference(path: KernelPath, quality: FrameQuality) throws {
        let frame = try GoldenFrame("goldens_geometry")
        let golden = try Golden("place/goldens_levels")
        let workspace = try placeGolden(path).makeWorkspace(for: frame.size, at: quality)
        var request = frame.request
        try expectNear(try run(request, in: workspace), golden, "out.\(quality).picture")
        let light = quality.light(of: frame.size)
        let next = Array(request.nextHistory.copiedBytes().prefix(light.pixelCount * 4))
        try expectNear(next, golden, "out.\(quality).next_picture")

        request.history = history(after: request, at: quality)
        request.nextHistory = PixelStorage(byteCount: FrameHistory.byteCount(of: light))
        try expectNear(try run(request, in: workspace), golden, "out.\(quality).second")
    }

    /// Where a threshold decides (is this the same surface?) rounding may decide otherwise, and the
    /// network carries that some pixels further.
    private func expectNear(_ rgba: [UInt8], _ golden: Golden, _ name: String) throws {
        let expected = try golden.bytes(name)
        let count = rgba.count / 4
        var apart = Array(repeating: 0, count: 256)
        for index in 0..<count * 3 {
            let found = Int(rgba[index % count * 4 + index / count])
            apart[abs(found - Int(expected[index]))] += 1
        }
        let near = apart[0] + apart[1]
        #expect(
            near * 1000 >= count * 3 * 995,
            "\(name): \(count * 3 - near) of \(count * 3) bytes are more than 1 off")
    }

    /// Emission and what the engine drew are added at full size, whatever the light's.
    @Test(arguments: levels) func whatShinesStaysSharp(quality: FrameQuality) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 136, height: 128)
        var scene = Scene.calm(size, &random)
        let dark = try run(
            scene.request(Scene.Encoding(sendsKnown: true, emissive: .rgba16Float)),
            in: placeModel(.best).makeWorkspace(for: size, at: quality))
        let (lamp, drawn) = (70 * size.width + 61, 30 * size.width + 101)
        scene.emissive[lamp] = SIMD3(8, 0, 0)
        scene.known.replaceSubrange(drawn * 4..<drawn * 4 + 4, with: [1, 2, 3, 255])
        let lit = try run(
            scene.request(Scene.Encoding(sendsKnown: true, emissive: .rgba16Float)),
            in: placeModel(.best).makeWorkspace(for: size, at: quality))
        #expect(lit[lamp * 4] == 255 && Array(lit[drawn * 4..<drawn * 4 + 3]) == [1, 2, 3])
        // First frames: what is drawn over them does not reach the network.
        for pixel in 0..<size.pixelCount where pixel != lamp && pixel != drawn {
            #expect(
                lit[pixel * 4..<pixel * 4 + 4] == dark[pixel * 4..<pixel * 4 + 4], "\(pixel)")
        }
    }

    /// The same scene in other formats and from the other end gives nearly the same picture.
    @Test(arguments: levels) func formatsAndOriginDoNotMatter(quality: FrameQuality) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 150, height: 131)
        let scene = Scene(size, &random)
        let workspace = try placeModel(.best).makeWorkspace(for: size, at: quality)
        let plain = try run(scene.request(), in: workspace)
        let flipped = try run(scene.request(Scene.Encoding(origin: .bottomLeft)), in: workspace)
        let rowBytes = size.width * 4
        for y in 0..<size.height {
            let other = size.height - 1 - y
            #expect(
                plain[y * rowBytes..<(y + 1) * rowBytes]
                    == flipped[other * rowBytes..<(other + 1) * rowBytes])
        }
        let packed = try run(
            scene.request(Scene.Encoding(base: .rgb8sRGB, slack: 8)), in: workspace)
        #expect(packed == plain)
    }

    // MARK: Promises

    @Test(arguments: supportedPaths, levels)
    func threadsAndOrderOfTilesDoNotChangeAByte(path: KernelPath, quality: FrameQuality) throws {
        var random = SeededGenerator()
        for size in sizes {
            let scene = Scene(size, &random)
            let history = randomHistory(of: scene, camera: Scene.camera(size, &random), &random)
            let workspace = try atrium(path).makeWorkspace(for: size, at: quality)
            let expected = scene.request(history: history)
            let picture = try run(expected, in: workspace)
            for runner in StepRunner.allCases {
                let request = scene.request(history: history)
                let found = try run(request, in: workspace, by: runner)
                #expect(found == picture, "seed \(random.seed): \(size) \(runner)")
                #expect(
                    request.nextHistory.copiedBytes() == expected.nextHistory.copiedBytes(),
                    "seed \(random.seed): \(size) \(runner)")
            }
        }
    }

    @Test(arguments: levels) func renderingAllocatesNothing(quality: FrameQuality) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 160, height: 132)
        let scene = Scene(size, &random)
        let encoding = Scene.Encoding(
            sendsKnown: true, emissive: .rgba16Float, sendsMotion: true)
        let full = randomHistory(of: scene, camera: Scene.camera(size, &random), &random)
        let workspace = try placeModel(.best).makeWorkspace(for: size, at: quality)
        let first = scene.request(encoding)
        _ = try run(first, in: workspace)
        let requests = [
            first, scene.request(encoding, history: full),
            scene.request(encoding, history: history(after: first, at: quality)),
        ]
        try expectNoAllocation(requests, workspace)
    }

    @Test(arguments: levels) func memoryIsPlannedBeforeItIsTaken(quality: FrameQuality) throws {
        let denoiser = try Denoiser(modelFolder: PackageFolder.defaultModel)
        let size = FrameSize(width: 1920, height: 1080)
        let planned = denoiser.workspaceByteCount(for: size, at: quality)
        let light = denoiser.workspaceByteCount(for: quality.light(of: size))
        #expect(planned > light)
        #expect(planned * 3 < denoiser.workspaceByteCount(for: size) * 2)
        let workspace = try denoiser.makeWorkspace(for: size, at: quality)
        #expect(workspace.size == size && workspace.quality == quality)
    }

    /// Levels may change between any two frames: each starts from the history that is there, and none
    /// is dark or drawn anew from nothing.
    @Test func aChangeOfLevelKeepsTheHistory() throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 160, height: 128)
        let scene = Scene.calm(size, &random)
        let model = try atrium(.best)
        var history: FrameHistory?
        var brightness: [Double] = []
        for (index, quality) in [
            FrameQuality.full, .full, .quarter, .quarter, .half, .quarter, .full, .half,
        ].enumerated() {
            let workspace = try model.makeWorkspace(for: size, at: quality)
            var request = scene.request(history: history)
            request.gbuffer.frameID = UInt64(index + 1)
            try workspace.begin(request)
            #expect(workspace.usedHistoryFrame == history?.frameID)
            StepRunner.twoThreads.run(workspace.steps)
            workspace.finish()
            history = self.history(after: request, at: quality)
            let picture = request.picture.copiedBytes()
            brightness.append(
                Double(picture.reduce(0) { $0 + Int($1) }) / Double(picture.count))
        }
        for level in brightness {
            #expect(abs(level - brightness[1]) < 0.12 * brightness[1], "\(brightness)")
        }
    }

    /// A still frame of an incremental session comes to rest, and is then answered with the same bytes.
    @Test(arguments: levels) func incrementalFramesComeToRest(quality: FrameQuality) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 256, height: 256)
        let scene = Scene.calm(size, &random)
        let model = try atrium(.best)
        let layout = scene.request().gbuffer.layout
        let workspace = try model.makeIncrementalWorkspace(
            for: layout, at: quality, settings: IncrementalSettings())
        var history: FrameHistory?
        var pictures: [[UInt8]] = []
        var shares: [Float] = []
        for id in 1...40 as ClosedRange<UInt64> {
            var request = scene.request(history: history)
            request.gbuffer.frameID = id
            request.allowsApproximate = true
            pictures.append(try run(request, in: workspace))
            shares.append(workspace.work.computedShare)
            let kept = workspace.work.keepsHistory ? history?.storage : nil
            history = self.history(after: request, at: quality)
            if let kept { history?.storage = kept }
        }
        #expect(shares.last == 0, "\(shares)")
        #expect(pictures[39] == pictures[38])

        // A change is seen, and only what lies around it is rendered.
        let changed = scene.withSquare(x: 32, y: 32, side: 24)
        var request = changed.request(history: history)
        request.gbuffer.frameID = 41
        request.allowsApproximate = true
        let picture = try run(request, in: workspace)
        #expect(workspace.work.computedShare > 0)
        let middle = (44 * size.width + 44) * 4
        #expect(picture[middle..<middle + 3] != pictures[39][middle..<middle + 3])
    }

    @Test(arguments: levels) func sheetsShowTheReducedPlanes(quality: FrameQuality) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 192, height: 144)
        let scene = Scene.calm(size, &random)
        let workspace = try atrium(.best).makeWorkspace(for: size, at: quality)
        let request = scene.request()
        let sheet = PixelStorage(byteCount: size.pixelCount * 4)
        try workspace.show(request, on: sheet, origin: .topLeft)
        StepRunner.twoThreads.run(workspace.sheetSteps)
        workspace.finish()
        let bytes = sheet.copiedBytes()
        // The middle of the first panel: base color, which hardly changes from pixel to pixel.
        let shown = (24 * size.width + 32) * 4
        let meant = (72 * size.width + 96) * 3
        for channel in 0..<3 {
            #expect(abs(Int(bytes[shown + channel]) - Int(scene.base[meant + channel])) <= 8)
        }
    }

    // MARK: Refusals

    @Test func lightThatIsTooSmallIsRefused() throws {
        let denoiser = try Denoiser(modelFolder: PackageFolder.defaultModel)
        let size = FrameSize(width: 64, height: 100)
        try denoiser.check(.half, for: size)
        #expect(throws: DenoiserError.qualitySize(.quarter, size)) {
            try denoiser.check(.quarter, for: size)
        }
        #expect(FrameQuality.full.downwards(for: size) == [.full, .half])
        #expect(DenoiserError.qualitySize(.quarter, size).description.contains("16x25"))
    }
}
