// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// One open session.
package struct SessionReport: Sendable, Equatable, Codable {
    package enum History: String, Sendable, Codable {
        /// The next frame starts without history.
        case none
        /// The history is the last picture of this connection.
        case kept
        /// The history came with the client's open and no frame was rendered since.
        case resumed
    }

    package var id: UInt64
    package var clientName = ""
    package var pid: Int32 = 0
    package var uid: UInt32 = 0
    package var width = 0
    package var height = 0
    package var viewIndex = 0
    package var model = ""
    package var modelVersion = ""
    package var precision = ""
    package var kernelPath = ""
    package var mailbox = Mailbox.latest
    /// At which size light is computed: as agreed, and of the next frame, which may be less under load.
    package var agreedQuality = FrameQuality.full.name
    package var quality = FrameQuality.full.name
    /// Of the conditioning, as the client asked; nil: the model's own.
    package var controlScale: Double?
    package var adapterScale: Double?
    package var history = History.none
    /// The frame that the history shows; nil without history.
    package var historyFrame: UInt64?
    package var plannedBytes: UInt64 = 0
    /// What the session keeps to render only what changed; beside `plannedBytes`.
    package var cacheBytes: UInt64 = 0
    /// Since the session was opened.
    package var ageNs: UInt64 = 0
    /// Since the last whole frame of the client, or its last taking of a reply.
    package var idleNs: UInt64 = 0
    package var work = WorkReport()
    /// What the client stated about its planes when it opened.
    package var conventions: WatchedLayout?
    package var bottomUp = false
    /// Of the newest frame that was answered by an error.
    package var lastError: FrameErrorReport?
    /// nil until a frame was looked at.
    package var examination: ExaminationReport?

    package init(id: UInt64) {
        self.id = id
    }

    package var size: FrameSize { FrameSize(width: width, height: height) }
}

/// Why a frame got no picture.
package struct FrameErrorReport: Sendable, Equatable, Codable {
    package var frame: UInt64
    package var field: String
    package var text: String
    /// Frames of the session so far that got no picture for a reason of any kind.
    package var count: UInt64

    package init(frame: UInt64, field: String, text: String, count: UInt64) {
        self.frame = frame
        self.field = field
        self.text = text
        self.count = count
    }
}

/// The daemon itself.
package struct DaemonReport: Sendable, Equatable, Codable {
    package var version = ""
    package var pid: Int32 = 0
    package var uptimeNs: UInt64 = 0
    package var renderThreads = 0
    package var kernelPath = ""
    /// Share of the render threads' time in use lately, 0 ... 1.
    package var load: Double = 0
    package var sessionsOpen = 0
    package var sessionsOpened: UInt64 = 0
    package var sessionsRefused: UInt64 = 0
    /// Open sessions that ended with an error; frames that were refused or failed.
    package var protocolErrors: UInt64 = 0
    package var frameErrors: UInt64 = 0
    /// Admitted to sessions and models, against the limit.
    package var memoryPlannedBytes: UInt64 = 0
    /// Of these, what incremental sessions keep and would be let go of for a new session.
    package var memoryCacheBytes: UInt64 = 0
    package var memoryLimitBytes: UInt64 = 0
    /// What the operating system counts for this process.
    package var memoryResidentBytes: UInt64 = 0
    /// Of engines, with a session or without.
    package var connections = 0
    /// Longest time that the loop thread did not turn, since the start and in the last 10 to 20 s.
    package var loopBlockedMaxNs: UInt64 = 0
    package var loopBlockedRecentNs: UInt64 = 0
    /// Most processor time that one turn of the loop took in the last 10 to 20 s. Far below the time it
    /// was blocked: others had the processor.
    package var loopWorkRecentNs: UInt64 = 0
    /// Log lines that nobody took: standard error was not read, closed, or its disk full.
    package var logLinesDropped: UInt64 = 0

    package init() {}
}

/// Live: the loop turns. Ready: a warm-up frame was rendered and sessions are admitted.
package struct HealthReport: Sendable, Equatable, Codable {
    package var live: Bool
    package var ready: Bool
    /// The default model, empty while none is loaded.
    package var model: String
    /// Why not ready, for people; empty if ready.
    package var reason: String

    package init(live: Bool, ready: Bool, model: String, reason: String = "") {
        self.live = live
        self.ready = ready
        self.model = model
        self.reason = reason
    }
}

/// One model of the daemon's model folder.
package struct ModelReport: Sendable, Equatable, Codable {
    package enum State: String, Sendable, Codable {
        case loaded, available, broken
    }

    package var name: String
    package var state: State
    package var isDefault = false
    package var version = ""
    package var family = ""
    package var precision = ""
    package var kernelPath = ""
    /// Why the precision, for people; empty unless loaded.
    package var precisionReason = ""
    package var licence = ""
    package var description = ""
    package var weightBytes: UInt64 = 0
    /// Sessions may send an emissive plane.
    package var readsEmissive = false
    package var sessions = 0
    /// Why it cannot be loaded, for people; empty otherwise.
    package var error = ""

    package init(name: String, state: State) {
        self.name = name
        self.state = state
    }
}
