// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// How often a stage ran and how long in all, so that averages between two samples can be made.
package struct StageCount: Sendable, Equatable {
    package var count: UInt64 = 0
    package var nanoseconds: UInt64 = 0

    mutating func add(_ nanoseconds: UInt64) {
        count += 1
        self.nanoseconds &+= nanoseconds
    }
}

/// What one session did. At every moment
/// `received == rendered + dropped + failed + waiting + rendering`.
package struct SessionCounters: Sendable, Equatable {
    /// Frames of which the last byte came.
    package var received: UInt64 = 0
    package var rendered: UInt64 = 0
    /// Of the rendered: those of which only some tiles were, and those answered as the one before.
    package var partial: UInt64 = 0
    package var unchanged: UInt64 = 0
    /// Replaced by a newer one, too late, or without a client to send the picture to.
    package var dropped: UInt64 = 0
    package var failed: UInt64 = 0
    package var waiting: UInt64 = 0
    package var rendering: UInt64 = 0

    package var read = StageCount()
    package var queue = StageCount()
    package var convert = StageCount()
    package var render = StageCount()
    package var encode = StageCount()
    package var write = StageCount()

    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
}

/// Frames that were dropped since the last picture.
struct DroppedFrames: Sendable {
    private(set) var count: UInt32 = 0
    private(set) var newestIDs: [UInt64] = []

    mutating func append(_ id: UInt64, keeping limit: Int) {
        count &+= 1
        // Nearly always at the end; a job reports late that its frame was dropped.
        let position = newestIDs.lastIndex { $0 < id }.map { $0 + 1 } ?? 0
        newestIDs.insert(id, at: position)
        if newestIDs.count > limit { newestIDs.removeFirst() }
    }
}
