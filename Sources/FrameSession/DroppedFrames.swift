// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

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
