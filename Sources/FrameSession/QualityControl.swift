// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// At which level a session's next frame is rendered, where its client allows less than was agreed: it
/// falls after a while in which most pictures missed, and rises after a longer one without a miss. Each
/// rise that did not last doubles the calm that the next one waits for, so that a level that cannot be
/// held is not tried again and again.
///
/// A value without a clock: pictures and their times go in.
package struct QualityControl: Sendable, Equatable {
    /// Nanoseconds.
    package struct Settings: Sendable, Equatable {
        /// From the first miss to another one: if at least half of the pictures since, and
        /// `leastMisses`, missed.
        package var fallTime: UInt64 = 1_000_000_000
        package var leastMisses = 3
        /// Without a miss.
        package var riseTime: UInt64 = 5_000_000_000
        package var longestRiseTime: UInt64 = 60_000_000_000
        /// A rise that lasted less was one too early.
        package var trialTime: UInt64 = 10_000_000_000
        /// Of the frame budget, what a picture of the better level may be expected to take.
        package var room = 0.8

        package init() {}
    }

    /// One picture.
    package struct Picture: Sendable, Equatable {
        /// It was late, or frames were dropped since the one before.
        package var isMiss: Bool
        /// Last byte of the frame to its reply, and of that its time on the render threads.
        package var age: UInt64
        package var renderTime: UInt64
        /// The client's frame budget, if it has one.
        package var budget: UInt64?

        package init(isMiss: Bool, age: UInt64, renderTime: UInt64, budget: UInt64?) {
            self.isMiss = isMiss
            self.age = age
            self.renderTime = renderTime
            self.budget = budget
        }
    }

    private struct Trouble: Sendable, Equatable {
        var since: UInt64
        var pictures = 0
        var misses = 0
    }

    /// The level of the next frame.
    package private(set) var quality: FrameQuality
    /// The agreed one first, then those that it may fall to.
    private let levels: [FrameQuality]
    private let settings: Settings
    private var trouble: Trouble?
    /// Since when nothing missed, at this level.
    private var calmSince: UInt64?
    private var roseAt: UInt64?
    private var riseTime: UInt64

    /// - Parameter levels: the best first; not empty.
    package init(_ levels: [FrameQuality], settings: Settings = Settings()) {
        precondition(!levels.isEmpty, "a session without a level of quality")
        self.levels = levels
        self.settings = settings
        quality = levels[0]
        riseTime = settings.riseTime
    }

    /// - Returns: the level, if it is another one from now on.
    package mutating func note(_ picture: Picture, now: UInt64) -> FrameQuality? {
        guard levels.count > 1, let place = levels.firstIndex(of: quality) else { return nil }
        if picture.isMiss || calmSince == nil { calmSince = now }
        if isInTrouble(picture, now: now), place + 1 < levels.count {
            // A second fall on end says nothing about the last rise.
            if let roseAt {
                let wasTooEarly = now - roseAt < settings.trialTime
                riseTime =
                    wasTooEarly ? min(2 * riseTime, settings.longestRiseTime) : settings.riseTime
            }
            roseAt = nil
            return change(to: levels[place + 1], now: now)
        }
        guard place > 0, let calmSince, now - calmSince >= riseTime,
            isRoom(picture, for: levels[place - 1])
        else { return nil }
        roseAt = now
        return change(to: levels[place - 1], now: now)
    }

    private mutating func change(to level: FrameQuality, now: UInt64) -> FrameQuality {
        quality = level
        trouble = nil
        calmSince = now
        return level
    }

    /// Whether pictures have missed for long enough.
    private mutating func isInTrouble(_ picture: Picture, now: UInt64) -> Bool {
        guard var current = trouble ?? (picture.isMiss ? Trouble(since: now) : nil) else {
            return false
        }
        current.pictures += 1
        if picture.isMiss { current.misses += 1 }
        guard now - current.since >= settings.fallTime else {
            trouble = current
            return false
        }
        let areMany =
            current.misses >= settings.leastMisses && current.misses * 2 >= current.pictures
        // Trouble that is over is no reason: the next miss decides, or enough pictures without one.
        trouble = areMany && !picture.isMiss ? current : nil
        return areMany && picture.isMiss
    }

    /// Light takes as many times as long as it has pixels, at most.
    private func isRoom(_ picture: Picture, for better: FrameQuality) -> Bool {
        guard let budget = picture.budget else { return true }
        let ratio = quality.side / better.side
        let added = Double(picture.renderTime) * Double(ratio * ratio - 1)
        return Double(picture.age) + added <= Double(budget) * settings.room
    }
}
