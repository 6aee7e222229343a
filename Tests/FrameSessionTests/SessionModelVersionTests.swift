// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Testing

@testable import FrameSession

/// A model is replaced while a session is open.
@Suite struct SessionModelVersionTests {
    @Test func aCutTakesTheNewVersionOfTheModel() {
        var client = SessionHarness.opened(.every)
        client.sendFrame(1)
        client.render()
        client.writeAll()
        client.session.modelReplaced()
        client.sendFrame(2)
        #expect(client.render()?.history != nil, "until it is cut nothing changes")
        client.writeAll()
        client.sendFrame(3) { $0.isReset = true }
        #expect(client.jobs.isEmpty, "the frame waits for what the new version needs")
        #expect(client.renewals.count == 1)
        #expect(client.renewals.first?.plannedBytes == client.admission?.plannedBytes)
        // Nothing else happens meanwhile: what is asked for in this time comes after it.
        client.receive(.close)
        #expect(client.ends.isEmpty)
        var newer = SessionHarness.admitted
        newer.modelVersion = "2"
        client.renew(newer)
        #expect(client.session.agreement?.admission.modelVersion == "2")
        #expect(client.render()?.history == nil)
        #expect(client.renewals.count == 1)
        #expect(client.pictureIDs == [1, 2, 3])
        #expect(client.ends == [.closedByClient])
    }

    @Test func whereTheNewVersionHasNoRoomTheCutIsRenderedWithTheOld() {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.render()
        client.writeAll()
        client.session.modelReplaced()
        client.receive(.reset)
        client.sendFrame(2)
        client.renew(nil)
        client.session.modelReplaced()
        #expect(client.session.agreement?.admission == SessionHarness.admitted)
        #expect(client.render()?.history == nil)
        client.writeAll()
        #expect(client.pictureIDs == [1, 2])
        // The next cut asks again.
        client.sendFrame(3)
        client.render()
        client.writeAll()
        #expect(client.renewals.count == 1)
        client.sendFrame(4) { $0.isReset = true }
        #expect(client.renewals.count == 2)
    }

    /// A job that no render thread has taken is of the old version: a cut does not go into it.
    @Test func aCutWaitsBehindAFrameOfTheOldVersion() {
        var client = SessionHarness.opened(.latest)
        client.sendFrame(1)
        client.session.modelReplaced()
        client.sendFrame(2) { $0.isReset = true }
        #expect(client.renewals.isEmpty)
        client.render()
        client.writeAll()
        #expect(client.pictureIDs == [1])
        #expect(client.jobs.isEmpty)
        client.renew(SessionHarness.admitted)
        #expect(client.render()?.history == nil)
        #expect(client.pictureIDs == [1, 2])
    }
}
