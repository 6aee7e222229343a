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
    private let whole: Lane
    private let partly: Lane

    private(set) var wholeTimes: [UInt64] = []
    private(set) var partlyTimes: [UInt64] = []
    private(set) var shares: [Double] = []
    private(set) var kinds: [FrameWork.Kind: Int] = [:]
    /// In the rendered tiles and one tile around them.
    private(set) var errors = PictureErrors()
    /// In the whole picture.
    private(set) var allErrors = PictureErrors()
    private static let turn = 10
    private var worst: (whole: [UInt8], partly: [UInt8])?

    /// One way of rendering the scenario.
    private final class Lane {
        let frames: FrameLane
        let clock: StepClock?
        var nextID: UInt64 = 1

        init(_ workspace: any FrameWorkspace, _ layout: GBufferLayout, isProfiled: Bool) throws {
            clock = isProfiled ? StepClock() : nil
            frames = try FrameLane(workspace, layout: layout, clock: clock)
        }

        /// By name in the order of the steps, milliseconds of each of `count` frames; empty unless
        /// profiled.
        func stepTimes(frames count: Int) -> [BenchStep] {
            guard let clock else { return [] }
            return BenchProfile(
                steps: frames.workspace.steps, work: [], bytesPerValue: 0, ceiling: nil
            ).table(times: clock.times, frames: count)
        }
    }

    init(
        scenario: StillScenario, layout: GBufferLayout, denoiser: Denoiser, pool: RenderPool,
        isProfiled: Bool
    ) throws {
        self.scenario = scenario
        self.layout = layout
        self.pool = pool
        whole = try Lane(denoiser.makeWorkspace(for: layout.size), layout, isProfiled: isProfiled)
        partly = try Lane(
            denoiser.makeIncrementalWorkspace(for: layout), layout, isProfiled: isProfiled)
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
        whole.clock?.reset()
        partly.clock?.reset()
    }

    /// In turns of ten frames whole and the same in part: a session's frames follow each other, and
    /// find in the caches what the frame before left there.
    func measure(frames: Int) throws {
        for first in stride(from: 0, to: frames, by: Self.turn) {
            let turn = first..<min(first + Self.turn, frames)
            let pictures = try turn.map { frame in
                wholeTimes.append(try render(frame, whole, false).times.job)
                return whole.frames.picture.copiedBytes()
            }
            for (frame, picture) in zip(turn, pictures) {
                let result = try render(frame, partly, true)
                partlyTimes.append(result.times.job)
                shares.append(Double(result.work.computedShare))
                kinds[result.work.kind, default: 0] += 1
                compare(frame, picture, partly.frames.picture.copiedBytes())
            }
        }
    }

    /// Steps of whole and of partly rendered frames; empty unless profiled.
    var stepTimes: [StillStep] {
        let times = whole.stepTimes(frames: wholeTimes.count)
        let partlyTimes = partly.stepTimes(frames: partlyTimes.count)
        return partlyTimes.map { step in
            StillStep(
                name: step.name, wholeMs: times.first { $0.name == step.name }?.ms ?? 0,
                partlyMs: step.ms)
        }
    }

    private func render(
        _ frame: Int, _ lane: Lane, _ allowsApproximate: Bool
    ) throws -> FrameLane.Result {
        defer { lane.nextID += 1 }
        do {
            return try lane.frames.render(
                .init(
                    id: lane.nextID, payload: scenario.payload(frame), camera: scenario.camera,
                    allowsApproximate: allowsApproximate), on: pool)
        } catch {
            throw RunError.denoiser("\(error)")
        }
    }

    private func compare(_ frame: Int, _ a: [UInt8], _ b: [UInt8]) {
        let side = partly.frames.workspace.tileSide
        let tiles = partly.frames.workspace.computedTiles
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
