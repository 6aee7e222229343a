// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// Nanoseconds of the monotonic clock, the one that libuv counts with too.
package func monotonicNow() -> UInt64 {
    var time = timespec()
    // Writes the structure it is given.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Seconds since 1970, as the system's clock has it.
package func wallClockSeconds() -> Int {
    var time = timespec()
    // Writes the structure it is given.
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec
}
