// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Testing

@testable import frameloomd

private let millisecond: UInt64 = 1_000_000

@Suite struct LoopBudgetTests {
    @Test func nobodyIsHeldBackWhileTheLoopHasTime() {
        var budget = LoopBudget()
        var client = LoopBudget.Account()
        var now: UInt64 = 1_000_000_000
        // Two fifths of the time, for ten seconds.
        for _ in 0..<10_000 {
            budget.charge(&client, user: 1, 400_000, now: now)
            #expect(budget.mayRead(client, user: 1, isAlone: false, now: now))
            now += millisecond
        }
    }

    @Test func whoKeepsTheLoopBusyWaitsAndTheOthersDoNot() {
        var budget = LoopBudget()
        var flood = LoopBudget.Account()
        var calm = LoopBudget.Account()
        var now: UInt64 = 1_000_000_000
        var used: UInt64 = 0
        for _ in 0..<10_000 {
            // As much as it is let, and a little of somebody else's.
            if budget.mayRead(flood, user: 1, isAlone: false, now: now) {
                budget.charge(&flood, user: 1, millisecond, now: now)
                used += millisecond
            }
            #expect(budget.mayRead(calm, user: 2, isAlone: false, now: now))
            budget.charge(&calm, user: 2, 20_000, now: now)
            now += millisecond
        }
        // Of ten seconds: until the loop counts as busy, about half; then a quarter.
        #expect(used < 5_200 * millisecond, "\(used / millisecond) ms")
    }

    @Test func manyClientsOfAUserShareHisPart() {
        var budget = LoopBudget()
        var floods = [LoopBudget.Account](repeating: .init(), count: 50)
        var now: UInt64 = 1_000_000_000
        var used: UInt64 = 0
        budget.charge(&floods[0], user: 2, 1000, now: now)
        for _ in 0..<10_000 {
            for index in floods.indices
            where budget.mayRead(floods[index], user: 1, isAlone: false, now: now) {
                budget.charge(&floods[index], user: 1, 100_000, now: now)
                used += 100_000
            }
            now += millisecond
        }
        #expect(used < 6_000 * millisecond, "\(used / millisecond) ms of 10 s")
    }

    /// A frame of 512x512 takes about half a millisecond, thirty times a second 15 ms.
    @Test func whoUsesLittleIsReadInEveryTurnAndWhoUsesMuchIsNot() {
        var budget = LoopBudget()
        var calm = LoopBudget.Account()
        var flood = LoopBudget.Account()
        var now: UInt64 = 1_000_000_000
        #expect(budget.isLight(user: 1, now: now), "nothing is known of him")
        for _ in 0..<300 {
            #expect(budget.isLight(user: 1, now: now))
            budget.charge(&calm, user: 1, 500_000, now: now)
            for _ in 0..<33 { budget.charge(&flood, user: 2, 700_000, now: now) }
            #expect(!budget.isLight(user: 2, now: now))
            now += 33 * millisecond
        }
        #expect(budget.isLight(user: 2, now: now + 5_000 * millisecond), "it has passed")
    }

    @Test func aloneThereIsNoLimit() {
        var budget = LoopBudget()
        var client = LoopBudget.Account()
        for step in 0..<1000 {
            let now = 1_000_000_000 + UInt64(step) * millisecond
            budget.charge(&client, user: 1, millisecond, now: now)
            #expect(budget.mayRead(client, user: 1, isAlone: true, now: now))
        }
    }

    @Test func messagesWithoutPixelsHaveARate() {
        var account = LoopBudget.Account()
        var taken = 0
        for step in 0..<10_000 {
            let now = 1_000_000_000 + UInt64(step) * millisecond
            guard LoopBudget.mayRead(messages: account, now: now) else { continue }
            LoopBudget.noteMessage(&account, now: now)
            taken += 1
        }
        // 64 at once, then 100 a second.
        #expect((1000...1080).contains(taken), "\(taken)")
    }
}

@Suite struct MemoryLimitTests {
    @Test func theSmallestGroupLimitCounts() {
        let files = [
            "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/memory.max": "max\n",
            "/sys/fs/cgroup/a/memory.max": "1073741824\n", "/sys/fs/cgroup/a/b/memory.max": "max\n",
        ]
        #expect(MemoryLimit.cgroupLimit { files[$0] } == 1 << 30)
        #expect(MemoryLimit.cgroupLimit { _ in nil } == nil)
        let first = [
            "/proc/self/cgroup": "4:memory:/x\n",
            "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "419430400\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        ]
        #expect(MemoryLimit.cgroupLimit { first[$0] } == 400 << 20)
    }
}
