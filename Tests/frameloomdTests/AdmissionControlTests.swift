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
}
