// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import Testing

@testable import frameloomd

private func control(_ change: (inout Configuration.Limits) -> Void) -> AdmissionControl {
    var limits = Configuration.Limits()
    change(&limits)
    return AdmissionControl(limits: limits)
}

extension AdmissionControl {
    /// With models and workspaces of so many MiB.
    fileprivate func memory(shared mebibytes: Int = 0) -> MemoryBudget {
        var memory = MemoryBudget(limits)
        memory.weights = mebibytes << 20
        return memory
    }
}

private func claim(
    user: UInt32 = 1, pixels: Int = 1000, mebibytes: Int = 1
) -> AdmissionControl.Claim {
    .init(user: user, pixels: pixels, bytes: mebibytes << 20)
}

@Suite struct AdmissionControlTests {
    @Test func refusesOneSessionTooMany() throws {
        var control = control { $0.sessions = 2 }
        try control.admit(claim(), session: 1, memory: control.memory())
        try control.admit(claim(), session: 2, memory: control.memory())
        #expect(throws: ProtocolError.sessionLimit(open: 2, limit: 2)) {
            try control.admit(claim(), session: 3, memory: control.memory())
        }
        control.release(1)
        try control.admit(claim(), session: 3, memory: control.memory())
    }

    @Test func countsSessionsPerUser() throws {
        var control = control { $0.sessionsPerUser = 1 }
        try control.admit(claim(user: 7), session: 1, memory: control.memory())
        try control.admit(claim(user: 8), session: 2, memory: control.memory())
        #expect(throws: ProtocolError.self) {
            try control.admit(claim(user: 7), session: 3, memory: control.memory())
        }
    }

    @Test func countsPixelsOfAllSessions() throws {
        var control = control {
            $0.pixelsPerSession = 3000
            $0.pixels = 4000
        }
        #expect(throws: ProtocolError.self) {
            try control.admit(claim(pixels: 3001), session: 1, memory: control.memory())
        }
        try control.admit(claim(pixels: 3000), session: 1, memory: control.memory())
        #expect(throws: ProtocolError.self) {
            try control.admit(claim(pixels: 1001), session: 2, memory: control.memory())
        }
        try control.admit(claim(pixels: 1000), session: 2, memory: control.memory())
    }

    /// Sessions of many sizes, each of which brings a workspace, are not within a user's share because
    /// they hold little themselves.
    @Test func countsForAUserTheWorkspacesThatHisSessionsBrought() throws {
        var limits = Configuration.Limits()
        limits.memory = 100
        limits.memoryPerSession = 100
        limits.userSharePercent = 75
        var control = AdmissionControl(limits: limits, hasSeveralUsers: true)
        var workspaces = 0
        func admit(_ session: UInt64, brings mebibytes: Int) throws(ProtocolError) {
            try control.admit(
                claim(mebibytes: 10), session: session, memory: control.memory(shared: workspaces),
                addedBytes: mebibytes << 20)
            workspaces += mebibytes
        }
        try admit(1, brings: 25)
        try admit(2, brings: 25)
        #expect(control.sessionBytes == 20 << 20, "workspaces are counted by who has them")
        #expect(throws: ProtocolError.self) { try admit(3, brings: 5) }
        // Configuring a session anew, when its workspace is there, leaves nothing behind.
        try admit(2, brings: 0)
        #expect(throws: ProtocolError.self) { try admit(3, brings: 5) }
        control.release(2)
        try admit(3, brings: 5)
        #expect(control.holding(of: 1).chargedBytes == 50 << 20)
    }

    @Test func countsMemoryWithWhatIsShared() throws {
        var control = control {
            $0.memory = 100
            $0.memoryPerSession = 50
        }
        #expect(throws: ProtocolError.self) {
            try control.admit(claim(mebibytes: 51), session: 1, memory: control.memory())
        }
        try control.admit(claim(mebibytes: 40), session: 1, memory: control.memory(shared: 20))
        #expect(throws: ProtocolError.self) {
            try control.admit(claim(mebibytes: 41), session: 2, memory: control.memory(shared: 20))
        }
        try control.admit(claim(mebibytes: 40), session: 2, memory: control.memory(shared: 20))
    }

    @Test func reconfigureReplacesTheOwnClaim() throws {
        var control = control {
            $0.sessions = 1
            $0.pixels = 5000
        }
        try control.admit(claim(pixels: 4000), session: 1, memory: control.memory())
        try control.admit(claim(pixels: 5000), session: 1, memory: control.memory())
        #expect(throws: ProtocolError.self) {
            try control.admit(claim(pixels: 5001), session: 1, memory: control.memory())
        }
        // A refused claim leaves the granted one as it was.
        #expect(control.sessionCount == 1)
        #expect(control.sessionBytes == 1 << 20)
    }

    @Test func oneUserLeavesRoomForOthers() throws {
        var limits = Configuration.Limits()
        limits.pixels = 4000
        limits.userSharePercent = 75
        var control = AdmissionControl(
            limits: limits, memoryLimit: 100 << 20, hasSeveralUsers: true)
        let memory = MemoryBudget(limits, total: 100 << 20)
        try control.admit(claim(pixels: 3000, mebibytes: 70), session: 1, memory: memory)
        #expect(throws: ProtocolError.self) {
            try control.admit(claim(pixels: 100), session: 2, memory: memory)
        }
        #expect(throws: ProtocolError.self) {
            try control.admit(claim(pixels: 0, mebibytes: 6), session: 2, memory: memory)
        }
        try control.admit(
            claim(user: 2, pixels: 1000, mebibytes: 25), session: 2, memory: memory)
    }

    @Test func equalPartsAreCountedAmongThoseWhoAsk() throws {
        var control = control {
            $0.pixels = 4000
            $0.sessions = 8
        }
        try control.admit(claim(user: 1, pixels: 2500), session: 1, memory: control.memory())
        #expect(!control.isBeyondEqualPart(1, asking: 1))
        #expect(control.isBeyondEqualPart(1, asking: 2))
        #expect(
            !control.isBeyondEqualPart(
                2, asking: 2, adding: claim(user: 2, pixels: 2000)))
        #expect(
            control.isBeyondEqualPart(
                2, asking: 2, adding: claim(user: 2, pixels: 2001)))
    }

    @Test func refusalsForWantOfRoomAreToldApart() {
        var control = control { $0.sessions = 1 }
        #expect(ProtocolError.sessionLimit(open: 1, limit: 1).isForWantOfRoom)
        do {
            try control.admit(claim(pixels: 1 << 40), session: 1, memory: control.memory())
        } catch {
            #expect(!error.isForWantOfRoom)
        }
    }

    @Test func workspaceCountsForTheSessionThatNeedsItFirst() {
        var control = control { $0.memoryPerSession = 50 }
        #expect(throws: ProtocolError.self) {
            try control.admit(
                claim(mebibytes: 40), session: 1, memory: control.memory(), addedBytes: 11 << 20)
        }
        #expect(throws: Never.self) {
            try control.admit(
                claim(mebibytes: 40), session: 1, memory: control.memory(), addedBytes: 10 << 20)
        }
    }
}
