// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import Testing

@testable import frameloomd

/// Numbers in MiB.
private func budget(
    total: Int = 100, perSession: Int = 50, ofCaches: Int = 30, weights: Int = 0,
    workspaces: Int = 0, sessions: Int = 0, caches: [UInt64: Int] = [:]
) -> MemoryBudget {
    var limits = Configuration.Limits()
    limits.memory = total
    limits.memoryPerSession = perSession
    limits.incrementalMemory = ofCaches
    var budget = MemoryBudget(limits)
    budget.weights = weights << 20
    budget.workspaces = workspaces << 20
    budget.sessions = sessions << 20
    budget.caches = caches.mapValues { $0 << 20 }
    return budget
}

@Suite struct MemoryBudgetTests {
    @Test func countsEveryKindOnce() {
        let memory = budget(weights: 1, workspaces: 2, sessions: 4, caches: [1: 8, 2: 16])
        #expect(memory.planned == 31 << 20)
        #expect(memory.cacheBytes == 24 << 20)
    }

    @Test func sessionIsRefusedByTheLimitItPasses() throws {
        let memory = budget(weights: 20, workspaces: 10, sessions: 30)
        try memory.check(session: 40 << 20)
        #expect(
            throws: ProtocolError.memoryLimit(
                needed: 51 << 20, available: 50 << 20, key: "limits.memory_per_session_mib",
                reason: "The session needs 51 MiB, at most 50 are allowed "
                    + "(limits.memory_per_session_mib).")
        ) { try memory.check(session: 51 << 20) }
        #expect(
            throws: ProtocolError.memoryLimit(
                needed: 41 << 20, available: 40 << 20, key: "limits.memory_mib",
                reason: "The session needs 41 MiB; models, work memory and other sessions take 60 "
                    + "of 100 (limits.memory_mib).")
        ) { try memory.check(session: 41 << 20) }
        // More is taken than there is, as after the limit was lowered.
        let full = budget(weights: 120)
        #expect(throws: ProtocolError.self) { try full.check(session: 1) }
    }

    @Test func sessionIsNeverRefusedForCaches() throws {
        try budget(sessions: 60, caches: [1: 30]).check(session: 40 << 20)
    }

    @Test func cacheTakesWhatIsLeft() {
        let memory = budget(weights: 20, sessions: 60, caches: [1: 5])
        #expect(memory.hasRoom(forCache: 15 << 20, beside: 35 << 20))
        #expect(!memory.hasRoom(forCache: 15 << 20 + 1, beside: 1))
        // The session's own limit holds for both together.
        #expect(!memory.hasRoom(forCache: 15 << 20, beside: 36 << 20))
        // The limit of all caches.
        #expect(budget(caches: [1: 10]).hasRoom(forCache: 20 << 20, beside: 0))
        #expect(!budget(caches: [1: 10]).hasRoom(forCache: 21 << 20, beside: 0))
    }

    @Test func longestIdleCachesGoFirstAndNoMoreThanNeeded() {
        let idle: [UInt64: UInt64] = [1: 10, 2: 30, 3: 20]
        func dropped(sessions: Int, ofCaches: Int = 30) -> [UInt64] {
            budget(ofCaches: ofCaches, sessions: sessions, caches: [1: 10, 2: 10, 3: 10])
                .cachesToDrop { idle[$0] ?? 0 }
        }
        #expect(dropped(sessions: 70) == [])
        #expect(dropped(sessions: 71) == [2])
        #expect(dropped(sessions: 80) == [2])
        #expect(dropped(sessions: 81) == [2, 3])
        #expect(dropped(sessions: 99) == [2, 3, 1])
        #expect(dropped(sessions: 150) == [2, 3, 1])
        #expect(dropped(sessions: 0, ofCaches: 10) == [2, 3])
    }

    /// More than the processor can address: refused by name, where a mapping would end the daemon.
    @Test func memoryThatTheSystemRefusesIsALimit() throws {
        try MemoryBudget.checkSystem(gives: 1 << 20)
        let error = #expect(throws: ProtocolError.self) {
            try MemoryBudget.checkSystem(gives: 1 << 50)
        }
        guard case .memoryLimit(let needed, _, "limits.memory_mib", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(needed == 1 << 50)
    }
}
