// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralDenoiser

/// Work memory of the render threads, one workspace per model, size and level of quality, shared by the sessions that
/// need it and let go of with the last of them. Loop thread only.
struct WorkspaceShelf {
    struct Key: Hashable, Sendable {
        var model: ModelLibrary.ID
        var size: FrameSize
        var quality = FrameQuality.full
    }

    private struct Entry {
        /// nil while it is being made.
        var workspace: (any FrameWorkspace)?
        var byteCount: Int
        var users: Int
    }

    private var entries: [Key: Entry] = [:]
    /// Reserved, made or not.
    private(set) var byteCount = 0

    /// What a workspace of this key takes; nil where nobody has one.
    func byteCount(of key: Key) -> Int? { entries[key]?.byteCount }

    func workspace(_ key: Key) -> (any FrameWorkspace)? { entries[key]?.workspace }

    /// Counts one more user, and the memory for the first one.
    mutating func reserve(_ key: Key, byteCount: Int) {
        if entries[key] == nil {
            entries[key] = Entry(workspace: nil, byteCount: byteCount, users: 0)
            self.byteCount += byteCount
        }
        entries[key]?.users += 1
    }

    /// The first to come is kept.
    /// - Returns: the one that is shared.
    mutating func put(_ workspace: any FrameWorkspace, for key: Key) -> any FrameWorkspace {
        if let kept = entries[key]?.workspace { return kept }
        entries[key]?.workspace = workspace
        return workspace
    }

    mutating func give(back key: Key) {
        guard let entry = entries[key] else { return }
        if entry.users > 1 {
            entries[key]?.users -= 1
        } else {
            entries[key] = nil
            byteCount -= entry.byteCount
        }
    }
}
