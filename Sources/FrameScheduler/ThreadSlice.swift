// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CAffinity

/// How long a thread runs at a time where other programs want its CPU.
///
/// The less, the sooner it runs when it wakes; its share of the time stays the same. A frame passes
/// from a socket to the loop, to the render threads and back, and beside programs that only compute
/// waited for a usual slice (3 to 4 ms) at each of these. Linux 6.12 and later; others go on as usual.
package enum ThreadSlice {
    /// The loop: it works for some microseconds at a time, and everybody waits for it.
    package static let loop: UInt64 = 100_000
    /// Render threads let the loop go first.
    package static let rendering: UInt64 = 500_000
    /// What nobody waits for; its threads would have the loop's otherwise, which makes them.
    package static let background: UInt64 = 5_000_000

    /// Of the calling thread; nanoseconds.
    ///
    /// - Returns: whether the kernel took it.
    @discardableResult
    package static func set(_ nanoseconds: UInt64) -> Bool { slice_set(nanoseconds) == 0 }
}
