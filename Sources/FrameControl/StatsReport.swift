// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Everything the daemon counts: in total and per model (sessions that ended included), and per open
/// session.
package struct StatsReport: Sendable, Equatable, Codable {
    package var daemon: DaemonReport
    package var total: WorkReport
    package var models: [ModelWork]
    package var sessions: [SessionReport]

    package init(
        daemon: DaemonReport, total: WorkReport, models: [ModelWork], sessions: [SessionReport]
    ) {
        self.daemon = daemon
        self.total = total
        self.models = models
        self.sessions = sessions
    }
}

/// What all sessions of one model did.
package struct ModelWork: Sendable, Equatable, Codable {
    package var model: String
    package var work: WorkReport

    package init(model: String, work: WorkReport) {
        self.model = model
        self.work = work
    }
}

/// Last byte of a frame in to its picture handed to the socket.
package struct LatencyReport: Sendable, Equatable, Codable {
    package var count: UInt64 = 0
    package var p50Ns: UInt64 = 0
    package var p90Ns: UInt64 = 0
    package var p99Ns: UInt64 = 0
    package var maxNs: UInt64 = 0
    package var sumNs: UInt64 = 0
    /// For histograms of a monitoring system: how many took at most so long. In total and per model.
    package var buckets: [LatencyBucket]?

    package init() {}
}

package struct LatencyBucket: Sendable, Equatable, Codable {
    package var atMostNs: UInt64
    package var count: UInt64
}

/// Work done, for one session or for all.
package struct WorkReport: Sendable, Equatable, Codable {
    package var frames = FrameCounts()
    package var stages = StageSums()
    package var latency = LatencyReport()
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// What was computed of the rendered frames, in whole frames.
    package var computedFrames = 0.0

    package init() {}

    /// Without latencies.
    package init(_ counts: WorkCounts) {
        frames = counts.frames
        stages = counts.stages
        bytesIn = counts.bytesIn
        bytesOut = counts.bytesOut
        computedFrames = counts.computedFrames
    }
}
