// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

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

/// Frames by what became of them. At every moment
/// `received == rendered + dropped + failed + waiting + rendering`.
package struct FrameCounts: Sendable, Equatable, Codable {
    package var received: UInt64 = 0
    package var rendered: UInt64 = 0
    /// Of the rendered: those of which only some tiles were, and those answered as the one before.
    package var partial: UInt64 = 0
    package var unchanged: UInt64 = 0
    package var dropped: UInt64 = 0
    package var failed: UInt64 = 0
    package var waiting: UInt64 = 0
    package var rendering: UInt64 = 0

    package init() {}

    package var isBalanced: Bool {
        received == rendered + dropped + failed + waiting + rendering
    }

    package static func += (sum: inout FrameCounts, other: FrameCounts) {
        sum.received += other.received
        sum.rendered += other.rendered
        sum.partial += other.partial
        sum.unchanged += other.unchanged
        sum.dropped += other.dropped
        sum.failed += other.failed
        sum.waiting += other.waiting
        sum.rendering += other.rendering
    }
}

/// How often a stage ran and how long in all, so that averages between two samples can be made.
package struct StageSum: Sendable, Equatable, Codable {
    package var count: UInt64 = 0
    package var ns: UInt64 = 0

    package init() {}

    package init(count: UInt64, ns: UInt64) {
        self.count = count
        self.ns = ns
    }

    package mutating func add(ns: UInt64) {
        count += 1
        self.ns += ns
    }

    /// nil before the stage ran.
    package var meanNanoseconds: Double? { count == 0 ? nil : Double(ns) / Double(count) }

    package static func += (sum: inout StageSum, other: StageSum) {
        sum.count += other.count
        sum.ns += other.ns
    }
}

/// The stages of a frame in the order it meets them.
package struct StageSums: Sendable, Equatable, Codable {
    package var read = StageSum()
    package var queue = StageSum()
    package var convert = StageSum()
    package var render = StageSum()
    package var encode = StageSum()
    package var write = StageSum()

    package init() {}

    package static func += (sum: inout StageSums, other: StageSums) {
        sum.read += other.read
        sum.queue += other.queue
        sum.convert += other.convert
        sum.render += other.render
        sum.encode += other.encode
        sum.write += other.write
    }

    package var named: [(name: String, sum: StageSum)] {
        [
            ("read", read), ("queue", queue), ("convert", convert), ("render", render),
            ("encode", encode), ("write", write),
        ]
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
}
