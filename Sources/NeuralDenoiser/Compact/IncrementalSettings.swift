// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// When a tile of an incremental session is rendered again.
package struct IncrementalSettings: Sendable, Hashable {
    package var tolerances = PlaneTolerances(steps: 2, depth: 0.0025, motion: 1 / 64)
    /// By level of the network, the finest first: tiles around a changed one that are rendered with
    /// it. The last one counts for all coarser levels.
    package var halos = [0, 0, 0, 1]
    /// From this level on the network's values may stay as they are for `restFrames` frames, while only
    /// tiles change that changed when these levels were last rendered: what they see, in blocks of 16
    /// pixels and more, hardly differs from frame to frame, and their weights are most of the network's.
    package var firstRestingLevel = 2
    package var restFrames = 2
    /// Where a changing tile's last picture differed by more from the one before, of 255 on average, they
    /// do not rest: it shows something else, not the same a little further on.
    package var restingChange: Float = 16
    /// A tile has settled when no byte of its picture differs by more from the picture before it.
    package var settledDifference = 1
    /// The same while there are other tiles to render: what is left of so small a change fades
    /// within a few frames.
    package var movingDifference = 3
    /// How often a tile may be rendered again to bring it to rest; then it is taken as it is until its
    /// planes change or the camera moves.
    package var patience = 8
    /// For so many frames a tile may lie near rendered ones without being rendered itself, and so
    /// near, in tiles.
    package var budget = 24
    package var reach = 4
    /// After partly rendered frames a whole one, where the frame number passes a multiple of this.
    package var refreshFrames: UInt64 = 64
    /// Of the tiles: where more is to be rendered, all are.
    package var largestShare: Float = 0.7

    package init() {}
}
