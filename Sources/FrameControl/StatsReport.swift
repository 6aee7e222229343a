// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Everything the daemon counts: in total (sessions that ended included) and per open session.
package struct StatsReport: Sendable, Equatable, Codable {
    package var daemon: DaemonReport
    package var total: WorkReport
    package var sessions: [SessionReport]

    package init(daemon: DaemonReport, total: WorkReport, sessions: [SessionReport]) {
        self.daemon = daemon
        self.total = total
        self.sessions = sessions
    }
}

/// Last byte of a frame in to its picture handed to the socket.
package struct LatencyReport: Sendable, Equatable, Codable {
    package var count: UInt64 = 0
    package var p50Ns: UInt64 = 0
    package var p90Ns: UInt64 = 0
    package var p99Ns: UInt64 = 0
    package var maxNs: UInt64 = 0

    package init() {}
}

/// Work done, for one session or for all.
package struct WorkReport: Sendable, Equatable, Codable {
    package var frames = FrameCounts()
    package var stages = StageSums()
    package var latency = LatencyReport()
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0

    package init() {}

    /// Without latencies.
    package init(_ counts: WorkCounts) {
        frames = counts.frames
        stages = counts.stages
        bytesIn = counts.bytesIn
        bytesOut = counts.bytesOut
    }
}
