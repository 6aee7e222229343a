// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameScheduler
import FrameSession
import FrameSocket
import FrameTypes
import NeuralDenoiser
import Synchronization

/// What a session has in the scheduler.
enum PendingJob {
    case frame(FrameJob)
    case historyConversion
}

/// One submitted frame on its way through the render threads: takes its inputs from the ticket when
/// it begins, and tells afterwards which history was used.
final class FrameJob: Sendable {
    /// The ticket was withdrawn, or its frame is too old by now: there is nothing to render.
    struct NothingToRender: Error {}

    let ticket: RenderTicket
    private let workspace: any FrameWorkspace
    private let outcome = Mutex(Outcome())

    private struct Outcome {
        var historyFrame: UInt64?
        var work = FrameWork.full
    }

    init(ticket: RenderTicket, workspace: any FrameWorkspace) {
        self.ticket = ticket
        self.workspace = workspace
    }

    /// Known after `finish`.
    var usedHistoryFrame: UInt64? { outcome.withLock { $0.historyFrame } }
    var work: FrameWork { outcome.withLock { $0.work } }

    /// Render leader, before the first step.
    func begin() throws {
        guard let request = ticket.take(now: EventLoop.now) else { throw NothingToRender() }
        try workspace.begin(request)
    }

    /// Render leader, after the last step.
    func finish() {
        let found = Outcome(historyFrame: workspace.usedHistoryFrame, work: workspace.work)
        outcome.withLock { $0 = found }
        workspace.finish()
    }
}

extension RenderResult.Outcome {
    init(_ outcome: JobResult.Outcome) {
        switch outcome {
        case .finished: self = .finished
        case .failed(let error): self = .failed(reason: "\(error)")
        case .cancelled: self = .cancelled
        }
    }
}
