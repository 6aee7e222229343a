// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Measures who had how much of a time that several parties want: the fair fluid share of
/// generalized processor sharing, in which each of n busy parties gets 1/n of every moment.
///
/// A party's `tag` is what it had; `now` is the mean of the busy parties' tags, what each would have
/// had by equal parts. A party is within its share while its tag is not above `now`. See Parekh and
/// Gallager, "A generalized processor sharing approach to flow control", 1993; the mean as virtual
/// time, also when parties join and leave, as in Stoica and Abdel-Wahab, "Earliest eligible virtual
/// deadline first", 1995.
struct FairClock {
    private(set) var now: UInt64 = 0
    private(set) var busyCount = 0
    /// Of the busy parties' tags. Wide enough for thousands of years.
    private var sum: UInt128 = 0

    /// What a party that pauses keeps of what the others had more, nanoseconds. Enough for the moment
    /// between two frames; nobody saves up.
    private static let keptCredit: UInt64 = 200_000_000

    /// A party begins to want time. What it had beyond its share stays.
    /// - Parameter credit: what `leave` answered.
    mutating func join(_ tag: inout UInt64, credit: UInt64) {
        tag = max(tag, now > credit ? now - credit : 0)
        busyCount += 1
        sum += UInt128(tag)
        update()
    }

    /// - Returns: how much less the party had than those that stay.
    mutating func leave(_ tag: UInt64) -> UInt64 {
        busyCount -= 1
        sum -= UInt128(tag)
        update()
        return now > tag ? min(now - tag, Self.keptCredit) : 0
    }

    /// A busy party had some of the time, nanoseconds.
    mutating func charge(_ tag: inout UInt64, _ nanoseconds: UInt64) {
        tag += nanoseconds
        sum += UInt128(nanoseconds)
        update()
    }

    /// While nobody is busy it stands still.
    private mutating func update() {
        if busyCount > 0 { now = UInt64(sum / UInt128(busyCount)) }
    }
}
