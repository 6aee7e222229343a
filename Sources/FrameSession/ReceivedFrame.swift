// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

/// A frame that has come whole, with what only the session knows of it: it waits as this until a job
/// is submitted for it.
struct ReceivedFrame: Sendable {
    var message: FrameMessage
    var storage: PixelStorage
    /// Id of the frame that its motion plane points to.
    var motionFrom: UInt64?
    /// Without history.
    var startsFresh: Bool
    /// First byte to last, nanoseconds.
    var readTime: UInt64
    var completedAt: UInt64
}
