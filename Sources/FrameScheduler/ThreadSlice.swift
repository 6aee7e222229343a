// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CAffinity

/// How long a thread runs at a time where other programs want its CPU.
///
/// The less, the sooner it runs when it wakes; its share of the time stays the same. A frame passes
/// from a socket to the loop, to the render threads and back, and beside programs that only compute
/// waited for a usual slice (3 to 4 ms) at each of these. Linux 6.12 and later; others go on as usual.
package struct ThreadSlice: Sendable {
    /// Nanoseconds.
    private var length: UInt64
    /// Below the process's own.
    private var niceness: Int32 = 0

    /// The loop: it works for some microseconds at a time, and everybody waits for it. Where it may
    /// (root, `LimitNICE=` of systemd) it takes three times the share of a usual thread: a turn of
    /// some milliseconds beside many programs that compute lasted as many times longer.
    package static let loop = ThreadSlice(length: 100_000, niceness: 5)
    /// Render threads let the loop go first.
    package static let rendering = ThreadSlice(length: 500_000)
    /// What nobody waits for; its threads would have the loop's otherwise, which makes them.
    package static let background = ThreadSlice(length: 5_000_000)

    /// As the process was started.
    private static let usualNice = nice_get()

    /// For the calling thread.
    ///
    /// - Returns: whether the kernel took it.
    @discardableResult
    package func take() -> Bool { slice_set(length, Self.usualNice - niceness) == 0 }
}
