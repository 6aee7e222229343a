// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameClip
import FrameScheduler
import FrameTypes
import NeuralDenoiser

/// The frames of a still scenario in two lanes, one rendering everything and one what changed.
final class StillRun {
    let scenario: StillScenario
    let layout: GBufferLayout
    private let pool: RenderPool
    private let whole: FrameLane
    private let partly: FrameLane

    private(set) var wholeTimes: [UInt64] = []
    private(set) var partlyTimes: [UInt64] = []
    private(set) var shares: [Double] = []
    private(set) var kinds: [FrameWork.Kind: Int] = [:]
    /// In the rendered tiles and one tile around them.
    private(set) var errors = PictureErrors()
    /// In the whole picture.
    private(set) var allErrors = PictureErrors()
    private var worst: (whole: [UInt8], partly: [UInt8])?

    init(scenario: StillScenario, layout: GBufferLayout, denoiser: Denoiser, pool: RenderPool) {
        self.scenario = scenario
        self.layout = layout
        self.pool = pool
        whole = FrameLane(denoiser.makeWorkspace(for: layout.size), layout: layout)
        partly = FrameLane(denoiser.makeIncrementalWorkspace(for: layout), layout: layout)
    }

    /// Both lanes come to the same settled picture.
    func settle(frames: Int) throws {
        for frame in -frames..<0 {
            _ = try render(frame, whole, false)
            _ = try render(frame, partly, false)
        }
        // Up to the first frame that is answered at once there is work left; it is not measured.
        for _ in 0..<8 {
            _ = try render(-1, whole, false)
            if try render(-1, partly, true).work.kind == .unchanged { break }
        }
    }

    func measure(_ frame: Int) throws {
        let full = try render(frame, whole, false)
        let result = try render(frame, partly, true)
        wholeTimes.append(full.nanoseconds)
        partlyTimes.append(result.nanoseconds)
        shares.append(Double(result.work.computedShare))
        kinds[result.work.kind, default: 0] += 1
        compare(frame)
    }

    private func render(
        _ frame: Int, _ lane: FrameLane, _ allowsApproximate: Bool
    ) throws -> FrameLane.Result {
        try lane.render(
            scenario.payload(frame), camera: scenario.camera,
            allowsApproximate: allowsApproximate, on: pool)
    }

    private func compare(_ frame: Int) {
        let (a, b) = (whole.picture.copiedBytes(), partly.picture.copiedBytes())
        let side = partly.workspace.tileSide
        let tiles = partly.workspace.computedTiles
        let columns = (layout.size.width + side - 1) / side
        let before = errors.largest
        errors.add(
            a, b, size: layout.size, tiles: PictureErrors.widened(tiles, columns: columns),
            side: side, frame: frame)
        allErrors.add(
            a, b, size: layout.size, tiles: tiles.map { _ in true }, side: side, frame: frame)
        if errors.largest > before { worst = (a, b) }
    }

    /// The two pictures of the frame with the largest difference, and 16 times that difference.
    func writeWorst(to folder: String) throws {
        guard let worst else { return say("The pictures do not differ.") }
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw RunError.outputFolder(folder, reason: "\(error)")
        }
        let difference = zip(worst.whole, worst.partly).enumerated().map { index, pair in
            index % 4 == 3 ? 255 : UInt8(clamping: abs(Int(pair.0) - Int(pair.1)) * 16)
        }
        for (name, bytes) in [
            ("whole", worst.whole), ("partly", worst.partly), ("difference-x16", difference),
        ] {
            try PNGImage(size: layout.size, channels: 4, bytes: bytes).write(
                to: "\(folder)/\(name).png")
        }
    }
}
