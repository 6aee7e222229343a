// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What became of a job, told by the scheduler to the session that waits for it.
package struct JobResult: Sendable {
    package enum Outcome: Sendable {
        case finished
        /// Its inputs were refused.
        case failed(any Error)
        case cancelled
    }

    /// The job's.
    package var id: UInt64
    package var session: UInt64
    package var outcome: Outcome
    /// Nanoseconds of the monotonic clock; nil for a job that was cancelled before it started.
    package var startedAt: UInt64?
    package var finishedAt: UInt64
    /// Of the stages on render threads.
    package var times: StageTimes
    package var stepsRun: Int
    /// How often the job was set aside for another one.
    package var timesSetAside: Int

    package init(
        id: UInt64, session: UInt64, outcome: Outcome, startedAt: UInt64?, finishedAt: UInt64,
        times: StageTimes, stepsRun: Int = 0, timesSetAside: Int = 0
    ) {
        self.id = id
        self.session = session
        self.outcome = outcome
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.times = times
        self.stepsRun = stepsRun
        self.timesSetAside = timesSetAside
    }
}
