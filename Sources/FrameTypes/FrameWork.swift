// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// How much of a frame was rendered, and how much was carried over from the frame before.
package struct FrameWork: Sendable, Hashable {
    /// Tiles of 32x32 pixels that were rendered.
    package var tilesComputed: Int
    package var tileCount: Int
    /// Rendering everything could give other bytes.
    package var isApproximate: Bool
    /// The history that the frame came with is also the next frame's: nothing was rendered and
    /// `FrameRequest.nextHistory` was not written.
    package var keepsHistory: Bool

    package init(
        tilesComputed: Int, tileCount: Int, isApproximate: Bool = false, keepsHistory: Bool = false
    ) {
        self.tilesComputed = tilesComputed
        self.tileCount = tileCount
        self.isApproximate = isApproximate
        self.keepsHistory = keepsHistory
    }

    /// All of it.
    package static let full = FrameWork(tilesComputed: 1, tileCount: 1)

    package var computedShare: Float {
        tileCount > 0 ? Float(tilesComputed) / Float(tileCount) : 1
    }

    package enum Kind: Sendable, Hashable { case full, partial, unchanged }

    package var kind: Kind {
        if tilesComputed == tileCount { return .full }
        return tilesComputed == 0 ? .unchanged : .partial
    }
}
