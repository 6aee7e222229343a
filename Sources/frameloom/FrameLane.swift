// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameScheduler
import FrameTypes
import NeuralDenoiser
import Synchronization

/// Frames after each other in one workspace, each from the picture of the one before.
final class FrameLane {
    /// What one frame brings beside the lane's own settings.
    struct Frame {
        var id: UInt64
        /// As the layout says.
        var payload: [UInt8]
        var camera: Camera?
        var jitter = SIMD2<Float>.zero
        /// Start without history.
        var isReset = false
        var allowsApproximate: Bool
    }

    struct Result {
        var times: StageTimes
        var work: FrameWork
        /// The frame whose history was used, if one was.
        var historyFrame: UInt64?
    }

    let workspace: any FrameWorkspace
    let picture: PixelStorage
    private let layout: GBufferLayout
    private let seed: UInt64
    private let scales: ConditioningScales
    /// The workspace's, with the clock between them if there is one.
    private let timedSteps: [RenderStep]
    /// The G-buffer's memory, filled anew for every frame.
    private let planes: PixelStorage
    /// Written in turn: the one holds the history while the other becomes the next.
    private var histories: (current: PixelStorage, next: PixelStorage)
    private var history: FrameHistory?

    init(
        _ workspace: any FrameWorkspace, layout: GBufferLayout, seed: UInt64 = 0,
        scales: ConditioningScales = ConditioningScales(), clock: StepClock? = nil
    ) throws(MemoryRefusal) {
        self.workspace = workspace
        self.layout = layout
        self.seed = seed
        self.scales = scales
        timedSteps = clock?.timed(workspace.steps) ?? workspace.steps
        planes = try PixelStorage(reserving: layout.byteCount)
        picture = try PixelStorage(reserving: layout.size.pixelCount * 4)
        let historyBytes = FrameHistory.byteCount(of: layout.size)
        histories = (
            try PixelStorage(reserving: historyBytes), try PixelStorage(reserving: historyBytes)
        )
    }

    /// Its picture is then in `picture`.
    /// - Throws: why the workspace refuses the frame, which is then forgotten.
    func render(_ frame: Frame, on pool: RenderPool) throws -> Result {
        let arrival = now()
        planes.copy(frame.payload, first: layout.byteCount)
        if frame.isReset { history = nil }
        let request = FrameRequest(
            gbuffer: GBuffer(
                layout: layout, storage: planes, frameID: frame.id, camera: frame.camera,
                jitter: frame.jitter, motionFrom: nil),
            history: history, seed: seed, scales: scales,
            allowsApproximate: frame.allowsApproximate, picture: picture,
            nextHistory: histories.next)
        let workspace = self.workspace
        let used = UsedHistory()
        let done = try pool.render(
            RenderSteps(
                timedSteps, begin: { try workspace.begin(request) },
                finish: {
                    used.frame.withLock { $0 = workspace.usedHistoryFrame }
                    workspace.finish()
                }))
        let work = workspace.work
        if !work.keepsHistory { histories = (current: histories.next, next: histories.current) }
        history = FrameHistory(
            size: layout.size, at: workspace.quality, frameID: frame.id, seed: seed,
            camera: frame.camera, jitter: frame.jitter, storage: histories.current)
        var times = done.times
        times.read = (done.startedAt ?? arrival) - arrival
        return Result(times: times, work: work, historyFrame: used.frame.withLock { $0 })
    }
}

/// Written by the render leader when a frame ends, read here after it.
private final class UsedHistory: Sendable {
    let frame = Mutex<UInt64?>(nil)
}
