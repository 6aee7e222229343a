// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Lets a few events of a kind into the log in each period and counts the others, so that a client whose
/// every frame is wrong costs a line now and then.
struct LogLimiter {
    /// Nanoseconds.
    static let period: UInt64 = 10_000_000_000
    static let eventsPerPeriod = 3

    private var periodStart: UInt64?
    private var count = 0
    private var leftOut: UInt64 = 0

    /// - Returns: whether to log this event, and if so how many were left out since the last one that was.
    mutating func admit(now: UInt64) -> UInt64? {
        if let start = periodStart, now < start + Self.period, count >= Self.eventsPerPeriod {
            leftOut += 1
            return nil
        }
        if periodStart.map({ now >= $0 + Self.period }) ?? true {
            periodStart = now
            count = 0
        }
        count += 1
        defer { leftOut = 0 }
        return leftOut
    }
}
