// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Scratch memory that jobs share: only one of them can be under way with it.
package struct WorkspaceKey: Sendable, Hashable {
    package var model: String
    package var size: FrameSize

    package init(model: String, size: FrameSize) {
        self.model = model
        self.size = size
    }
}

/// One frame to render: a list of steps that can be set aside between two of them.
package struct RenderJob: Sendable {
    package var session: UInt64
    package var frameID: UInt64
    /// Nanoseconds of the monotonic clock.
    package var submittedAt: UInt64
    /// When the picture should be there, nanoseconds of the monotonic clock; nil: no wish.
    package var deadline: UInt64?
    package var workspace: WorkspaceKey
    package var steps: [RenderStep]
    /// Binds the inputs. Leader thread, once, before the first step; counts as converting.
    package var begin: @Sendable () throws -> Void
    /// Lets go of the inputs. Once if `begin` succeeded, also when the job is cancelled. Leader
    /// thread, or the cancelling thread for a job that was set aside; counts as encoding.
    package var finish: @Sendable () -> Void

    package init(
        session: UInt64, frameID: UInt64, submittedAt: UInt64, deadline: UInt64? = nil,
        workspace: WorkspaceKey, steps: [RenderStep], begin: @escaping @Sendable () throws -> Void,
        finish: @escaping @Sendable () -> Void
    ) {
        self.session = session
        self.frameID = frameID
        self.submittedAt = submittedAt
        self.deadline = deadline
        self.workspace = workspace
        self.steps = steps
        self.begin = begin
        self.finish = finish
    }
}

/// Nanoseconds that a job took on the render threads, without the times it was set aside.
package struct StageTimes: Sendable, Hashable {
    package var convert: UInt64 = 0
    package var render: UInt64 = 0
    package var encode: UInt64 = 0

    package init() {}

    package var total: UInt64 { convert + render + encode }

    mutating func add(_ nanoseconds: UInt64, to stage: RenderStep.Stage) {
        switch stage {
        case .convert: convert += nanoseconds
        case .render: render += nanoseconds
        case .encode: encode += nanoseconds
        }
    }
}

/// What became of a job.
package struct JobResult: Sendable {
    package enum Outcome: Sendable {
        case finished
        /// `begin` refused.
        case failed(any Error)
        case cancelled
    }

    package var session: UInt64
    package var frameID: UInt64
    package var outcome: Outcome
    /// Nanoseconds of the monotonic clock; nil for a job that was cancelled before it started.
    package var startedAt: UInt64?
    package var finishedAt: UInt64
    package var times: StageTimes
    package var stepsRun: Int
    /// How often the job was set aside for another one.
    package var timesSetAside: Int

    /// Of a job that was cancelled before it started.
    static func unstarted(_ job: RenderJob) -> JobResult {
        JobResult(
            session: job.session, frameID: job.frameID, outcome: .cancelled, startedAt: nil,
            finishedAt: monotonicNow(), times: StageTimes(), stepsRun: 0, timesSetAside: 0)
    }
}

/// A job that has started.
struct RunningJob {
    let job: RenderJob
    let startedAt: UInt64
    private(set) var stepsRun = 0
    private(set) var times = StageTimes()
    var timesSetAside = 0

    init(_ job: RenderJob, now: UInt64) {
        self.job = job
        startedAt = now
    }

    var isComplete: Bool { stepsRun == job.steps.count }

    mutating func begin() throws {
        defer { times.add(monotonicNow() - startedAt, to: .convert) }
        try job.begin()
    }

    /// - Returns: nanoseconds.
    @discardableResult
    mutating func runStep(on pool: RenderPool) -> UInt64 {
        let start = monotonicNow()
        pool.run(job.steps[stepsRun])
        let elapsed = monotonicNow() - start
        record(elapsed)
        return elapsed
    }

    /// Counts one more step as done.
    mutating func record(_ nanoseconds: UInt64) {
        times.add(nanoseconds, to: job.steps[stepsRun].stage)
        stepsRun += 1
    }

    mutating func finish() {
        let start = monotonicNow()
        job.finish()
        times.add(monotonicNow() - start, to: .encode)
    }

    func result(_ outcome: JobResult.Outcome) -> JobResult {
        JobResult(
            session: job.session, frameID: job.frameID, outcome: outcome, startedAt: startedAt,
            finishedAt: monotonicNow(), times: times, stepsRun: stepsRun,
            timesSetAside: timesSetAside)
    }
}
