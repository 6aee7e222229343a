// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Frames by what became of them. At every moment
/// `received == rendered + dropped + failed + waiting + rendering`.
package struct FrameCounts: Sendable, Equatable, Codable {
    /// Frames of which the last byte came.
    package var received: UInt64 = 0
    package var rendered: UInt64 = 0
    /// Of the rendered: those of which only some tiles were, and those answered as the one before.
    package var partial: UInt64 = 0
    package var unchanged: UInt64 = 0
    /// Of the rendered: those that carried over something of the picture before.
    package var withHistory: UInt64 = 0
    /// Of the rendered: those whose light was computed at half and at a quarter of the size.
    package var halfLight: UInt64 = 0
    package var quarterLight: UInt64 = 0
    /// Replaced by a newer one, too late, or without a client to send the picture to.
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
        sum.withHistory += other.withHistory
        sum.halfLight += other.halfLight
        sum.quarterLight += other.quarterLight
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
        self.ns &+= ns
    }

    /// nil before the stage ran.
    package var meanNanoseconds: Double? { count == 0 ? nil : Double(ns) / Double(count) }

    package static func += (sum: inout StageSum, other: StageSum) {
        sum.count += other.count
        sum.ns += other.ns
    }

    func since(_ earlier: StageSum) -> StageSum {
        StageSum(count: count - earlier.count, ns: ns &- earlier.ns)
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

    func since(_ earlier: StageSums) -> StageSums {
        var sums = StageSums()
        sums.read = read.since(earlier.read)
        sums.queue = queue.since(earlier.queue)
        sums.convert = convert.since(earlier.convert)
        sums.render = render.since(earlier.render)
        sums.encode = encode.since(earlier.encode)
        sums.write = write.since(earlier.write)
        return sums
    }

    /// Of a frame that was rendered; reading it was counted when it came.
    package mutating func addRendered(_ times: StageTimes) {
        queue.add(ns: times.queue)
        convert.add(ns: times.convert)
        render.add(ns: times.render)
        encode.add(ns: times.encode)
    }

    package var named: [(name: String, sum: StageSum)] {
        [
            ("read", read), ("queue", queue), ("convert", convert), ("render", render),
            ("encode", encode), ("write", write),
        ]
    }
}

/// What was done, by one session or by all.
package struct WorkCounts: Sendable, Equatable {
    package var frames = FrameCounts()
    package var stages = StageSums()
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// What was computed of the rendered frames, in whole frames.
    package var computedFrames = 0.0

    package init() {}

    package static func += (sum: inout WorkCounts, other: WorkCounts) {
        sum.frames += other.frames
        sum.stages += other.stages
        sum.bytesIn += other.bytesIn
        sum.bytesOut += other.bytesOut
        sum.computedFrames += other.computedFrames
    }

    /// Without the frames whose fate is open.
    package var settled: WorkCounts {
        var counts = self
        counts.frames.received -= counts.frames.waiting + counts.frames.rendering
        counts.frames.waiting = 0
        counts.frames.rendering = 0
        return counts
    }

    /// What came since an earlier, settled state of the same counters.
    package func since(_ earlier: WorkCounts) -> WorkCounts {
        var counts = self
        counts.frames.received -= earlier.frames.received
        counts.frames.rendered -= earlier.frames.rendered
        counts.frames.partial -= earlier.frames.partial
        counts.frames.unchanged -= earlier.frames.unchanged
        counts.frames.withHistory -= earlier.frames.withHistory
        counts.frames.halfLight -= earlier.frames.halfLight
        counts.frames.quarterLight -= earlier.frames.quarterLight
        counts.frames.dropped -= earlier.frames.dropped
        counts.frames.failed -= earlier.frames.failed
        counts.stages = counts.stages.since(earlier.stages)
        counts.bytesIn -= earlier.bytesIn
        counts.bytesOut -= earlier.bytesOut
        counts.computedFrames -= earlier.computedFrames
        return counts
    }
}
