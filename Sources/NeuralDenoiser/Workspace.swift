// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Scratch memory and steps for frames of one size; used by one job at a time.
package final class Workspace: @unchecked Sendable {
    /// The same for every frame.
    package let steps: [RenderStep] = []

    /// Binds a frame's inputs and outputs; allocates nothing unless the history has another size.
    package func begin(_ request: FrameRequest) throws(DenoiserError) {}

    /// The frame that the history comes from, if this frame uses one. Known after `begin`.
    package var usedHistoryFrame: UInt64? { nil }

    /// Lets go of the request's storages.
    package func finish() {}
}
