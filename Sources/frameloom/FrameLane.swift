// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameScheduler
import FrameTypes
import NeuralDenoiser

/// Frames after each other in one workspace, each from the picture of the one before.
final class FrameLane {
    let workspace: any FrameWorkspace
    let picture: PixelStorage
    private let layout: GBufferLayout
    private let clock: StepClock?
    private let steps: [RenderStep]
    private let planes: PixelStorage
    private var histories: [PixelStorage]
    private var history: FrameHistory?
    private var nextID: UInt64 = 1

    /// - Parameter isProfiled: adds up how long each step takes.
    init(_ workspace: any FrameWorkspace, layout: GBufferLayout, isProfiled: Bool) {
        self.workspace = workspace
        self.layout = layout
        clock = isProfiled ? StepClock() : nil
        steps = clock?.timed(workspace.steps) ?? workspace.steps
        planes = PixelStorage(byteCount: layout.byteCount)
        picture = PixelStorage(byteCount: layout.size.pixelCount * 4)
        histories = (0..<2).map { _ in
            PixelStorage(byteCount: FrameHistory.byteCount(of: layout.size))
        }
    }

    func forgetTimes() { clock?.reset() }

    /// By name in the order of the steps, milliseconds of each of `frames` frames; empty unless
    /// profiled.
    func stepTimes(frames: Int) -> [BenchStep] {
        guard let clock else { return [] }
        return BenchProfile(steps: workspace.steps, work: [], bytesPerValue: 0, ceiling: nil)
            .table(times: clock.times, frames: frames)
    }

    struct Result {
        var nanoseconds: UInt64
        var work: FrameWork
    }

    /// Only the rendering is timed.
    func render(
        _ payload: [UInt8], camera: Camera?, allowsApproximate: Bool, on pool: RenderPool
    ) throws -> Result {
        planes.copy(payload)
        let request = FrameRequest(
            gbuffer: GBuffer(
                layout: layout, storage: planes, frameID: nextID, camera: camera, jitter: .zero,
                motionFrom: nil),
            history: history, seed: 0, allowsApproximate: allowsApproximate, picture: picture,
            nextHistory: histories[1])
        let workspace = self.workspace
        let job = pool.render(
            RenderJob(
                session: 0, frameID: nextID, submittedAt: 0,
                workspace: WorkspaceKey(model: "", size: layout.size), steps: steps,
                begin: { try workspace.begin(request) }, finish: { workspace.finish() }))
        if case .failed(let error) = job.outcome { throw RunError.denoiser("\(error)") }
        if !workspace.work.keepsHistory { histories.swapAt(0, 1) }
        history = FrameHistory(
            size: layout.size, frameID: nextID, seed: 0, camera: camera, jitter: .zero,
            storage: histories[0])
        nextID += 1
        return Result(nanoseconds: job.times.total, work: workspace.work)
    }
}
