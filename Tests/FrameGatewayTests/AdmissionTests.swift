// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameGateway
import Testing

@Suite struct AdmissionTests {
    private let admission = Admission(
        token: "right-token", hosts: ["127.0.0.1:80"], origins: ["https://tools.example"])
    private let good = Admission.Handshake(
        path: "/frames", token: "right-token", host: "127.0.0.1:80",
        origin: "http://127.0.0.1:80", protocols: ["frameloom-1"])

    private func status(_ change: (inout Admission.Handshake) -> Void) -> UInt32? {
        var handshake = good
        change(&handshake)
        do throws(Admission.Refusal) {
            try admission.check(handshake)
            return nil
        } catch {
            return error.status
        }
    }

    @Test func admitsItsOwnPageStatedPagesAndPrograms() {
        #expect(status { _ in } == nil)
        #expect(status { $0.origin = "https://tools.example" } == nil)
        #expect(status { $0.origin = nil } == nil)
    }

    @Test func whoMayOnlyWatchSendsNoFrames() {
        let watching = Admission(
            token: "right-token", hosts: ["127.0.0.1:80"], showsSessions: true, takesFrames: false)
        var handshake = good
        #expect(throws: Admission.Refusal.self) { try watching.check(handshake) }
        handshake.path = Admission.watchPath
        #expect(throws: Never.self) { try watching.check(handshake) }
    }

    @Test func refusesForeignPages() {
        #expect(status { $0.origin = "https://evil.example" } == 403)
        #expect(status { $0.origin = "null" } == 403)
        #expect(status { $0.origin = "http://127.0.0.1:81" } == 403)
    }

    @Test func refusesNamesThatWereMadeToPointHere() {
        #expect(status { $0.host = "evil.example:80" } == 403)
        #expect(status { $0.host = nil } == 403)
    }

    @Test func refusesWrongTokens() {
        #expect(status { $0.token = nil } == 401)
        #expect(status { $0.token = "" } == 401)
        #expect(status { $0.token = "right-tokem" } == 401)
        #expect(status { $0.token = "right-token2" } == 401)
    }

    @Test func refusesOtherPathsAndProtocols() {
        #expect(status { $0.path = "/" } == 404)
        #expect(status { $0.path = "/watch" } == 404)
        #expect(status { $0.protocols = [] } == 400)
    }
}
