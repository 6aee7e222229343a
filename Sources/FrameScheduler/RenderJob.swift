// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Scratch memory that jobs share: only one of them can be under way with it.
package struct WorkspaceKey: Sendable, Hashable {
    package var model: String
    package var size: FrameSize
    /// The session that shares it with nobody.
    package var owner: UInt64?

    package init(model: String, size: FrameSize, owner: UInt64? = nil) {
        self.model = model
        self.size = size
        self.owner = owner
    }
}

/// One unit of inference for a session, from the queue to its end: what to run, for whom, and where
/// it may wait, run or stand aside.
package struct RenderJob: Sendable {
    /// Chosen by whoever submits it; its result has the same.
    package let id: UInt64
    package let session: UInt64
    /// Whose session it is; time is shared among users first.
    package let user: UInt32
    /// When the picture should be there, nanoseconds of the monotonic clock; nil: no wish.
    package let deadline: UInt64?
    package let workspace: WorkspaceKey
    package var work: RenderSteps

    /// Its place in the order of submission; the queue's.
    var order: UInt64 = 0
    /// How often it was set aside for another one; the queue's.
    var timesSetAside = 0

    package init(
        id: UInt64, session: UInt64, user: UInt32 = 0, deadline: UInt64? = nil,
        workspace: WorkspaceKey, work: RenderSteps
    ) {
        self.id = id
        self.session = session
        self.user = user
        self.deadline = deadline
        self.workspace = workspace
        self.work = work
    }

    var hasStarted: Bool { work.startedAt != nil }

    func result(_ outcome: JobResult.Outcome) -> JobResult {
        JobResult(
            id: id, session: session, outcome: outcome, startedAt: work.startedAt,
            finishedAt: monotonicNow(), times: work.times, stepsRun: work.stepsRun,
            timesSetAside: timesSetAside)
    }
}
