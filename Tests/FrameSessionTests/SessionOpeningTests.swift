// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Testing

@testable import FrameSession

@Suite struct SessionOpeningTests {
    @Test func opensWhenAdmitted() {
        var client = SessionHarness()
        client.receive(.open(OpenRequest(layout: client.layout), history: nil))
        #expect(!client.isReading)
        #expect(client.admission?.request.layout == client.layout)
        #expect(client.replies.isEmpty)
        client.admit()
        #expect(client.isReading)
        let opened = client.openedReplies.first
        #expect(opened?.sessionID == 7)
        #expect(opened?.plannedBytes == 12_345)
        #expect(opened?.framePayloadByteCount == UInt64(client.layout.byteCount))
        #expect(opened?.pictureByteCount == 32 * 32 * 4)
        #expect(opened?.maxFramesInFlight == 3)
        #expect(opened?.history == HistoryStart.none)
        #expect(opened?.model == "atrium")
    }

    @Test func plansEveryStorage() {
        var client = SessionHarness()
        client.open()
        let pixels = 32 * 32
        #expect(
            client.admission?.plannedBytes
                == 3 * client.layout.byteCount + 2 * pixels * 4 + 2 * pixels * 13)

        var sharing = SessionHarness()
        sharing.open(shares: true)
        #expect(
            sharing.admission?.plannedBytes
                == (client.admission?.plannedBytes ?? 0) + (3 + 4) * pixels * 4)

        var every = SessionHarness(settings: SessionSettings(waitingFrames: 4))
        every.open(mailbox: .every)
        #expect(every.openedReplies.first?.maxFramesInFlight == 5)
        #expect(
            every.admission?.plannedBytes
                == 5 * client.layout.byteCount + 2 * pixels * 4 + 2 * pixels * 13)
    }

    @Test func endsWithTheReasonWhenRefused() {
        var client = SessionHarness()
        client.receive(.open(OpenRequest(layout: client.layout), history: nil))
        let reason = ProtocolError.sessionLimit(open: 2, limit: 2)
        client.perform(client.session.refused(reason, now: client.now))
        #expect(client.errors.map(\.severity) == [.session])
        #expect(client.errors.first?.text.contains("2 sessions are open") == true)
        #expect(client.ends == [.error(reason)])
        #expect(client.session.isDone)
    }

    @Test(arguments: [
        Message.frame(FrameMessage(frameID: 1, payloadByteCount: 1)), .reset, .close,
        .reconfigure(OpenRequest(layout: SessionHarness.layout()), keepsHistory: false),
        .refusedFrame(
            RefusedFrame(frameID: 1, isReset: false, payloadByteCount: 1, error: .draining)),
    ])
    func firstMessageMustBeOpen(message: Message) {
        var client = SessionHarness()
        client.receive(message)
        #expect(client.ends.count == 1)
        #expect(client.errors.first?.text.contains("the first message must be FL_OPEN") == true)
    }

    @Test func opensOnce() {
        var client = SessionHarness()
        client.open()
        client.receive(.open(OpenRequest(layout: client.layout), history: nil))
        #expect(client.errors.first?.text.contains("open already") == true)
        #expect(client.ends.count == 1)
    }

    @Test func unreadableBytesEndTheSession() {
        var client = SessionHarness()
        client.open()
        client.perform(client.session.protocolFailed(.magic(found: 1), now: client.now))
        #expect(client.ends == [.error(.magic(found: 1))])
        client.receive(.reset)
        #expect(client.replies.count == 2)
    }

    // MARK: Resume

    @Test func resumesWithTheHistoryOfTheClient() throws {
        var client = SessionHarness()
        let description = try #require(
            HistoryDescription(
                size: FrameSize(width: 40, height: 33), frameID: 10, seed: 3, camera: nil,
                jitter: [0.5, 0], layout: client.layout))
        client.open(history: description)
        let planned = SessionPlan(
            OpenRequest(layout: client.layout), waitingFrames: 2)
        #expect(
            client.admission?.plannedBytes
                == planned.totalByteCount + description.byteCount + 40 * 33 * (13 + 32))
        #expect(client.payloadTarget?.byteCount == description.byteCount)
        #expect(client.openedReplies.isEmpty)
        client.finishPayload()
        #expect(!client.isReading)
        #expect(client.conversion != nil)
        client.perform(client.session.historyConverted(now: client.now))
        #expect(client.openedReplies.first?.history == .resumed)
        #expect(client.isReading)

        client.sendFrame(11)
        let maybeRequest = client.render()
        let request = try #require(maybeRequest)
        #expect(request.history?.frameID == 10)
        #expect(request.history?.size == FrameSize(width: 40, height: 33))
        #expect(request.history?.jitter == [0.5, 0])
        client.sendFrame(12)
        #expect(client.render()?.history?.frameID == 11)
    }

    @Test func newFramesHaveLargerIDsThanTheHistory() throws {
        var client = SessionHarness()
        let description = HistoryDescription(
            size: client.layout.size, frameID: 10, seed: 3, camera: nil, jitter: .zero,
            layout: client.layout)
        client.open(history: description)
        client.finishPayload()
        client.perform(client.session.historyConverted(now: client.now))
        client.announce(10)
        #expect(client.ends == [.error(.frameOrder(found: 10, last: 10))])
    }

    // MARK: Reconfigure

    @Test func framesOfTheOldLayoutFinishBeforeTheNewOneHolds() throws {
        var client = SessionHarness()
        client.open(mailbox: .every)
        client.writeAll()
        client.sendFrame(1)
        client.sendFrame(2)
        let old = client.layout
        client.admission = nil
        client.layout = SessionHarness.layout(size: FrameSize(width: 64, height: 48))
        client.receive(
            .reconfigure(OpenRequest(layout: client.layout, mailbox: .every), keepsHistory: true))
        #expect(!client.isReading)
        #expect(client.admission == nil)
        #expect(client.render()?.gbuffer.layout == old)
        #expect(client.render()?.gbuffer.layout == old)
        #expect(client.admission == nil)
        client.writeAll()
        #expect(client.admission?.request.layout == client.layout)
        client.admit()
        #expect(client.isReading)
        #expect(client.openedReplies.last?.history == .kept)
        #expect(client.openedReplies.last?.pictureByteCount == 64 * 48 * 4)

        client.sendFrame(3)
        let maybeRequest = client.render()
        let request = try #require(maybeRequest)
        #expect(request.gbuffer.layout == client.layout)
        #expect(request.history?.size == old.size)
        #expect(request.history?.frameID == 2)
        #expect(request.picture.byteCount == 64 * 48 * 4)
        client.sendFrame(4)
        #expect(client.render()?.history?.size == client.layout.size)
    }

    @Test func reconfigureCanDropTheHistory() {
        var client = SessionHarness()
        client.open()
        client.sendFrame(1)
        client.render()
        client.writeAll()
        client.receive(.reconfigure(OpenRequest(layout: client.layout), keepsHistory: false))
        client.admit()
        #expect(client.openedReplies.last?.history == HistoryStart.none)
        client.sendFrame(2)
        #expect(client.render()?.history == nil)
    }

    @Test func reconfigurePlansTheKeptHistory() {
        var client = SessionHarness()
        client.open()
        client.sendFrame(1)
        client.render()
        client.writeAll()
        let first = client.admission?.plannedBytes ?? 0
        client.receive(.reconfigure(OpenRequest(layout: client.layout), keepsHistory: true))
        #expect(client.admission?.plannedBytes == first + 32 * 32 * 13)
    }

    @Test func frameIDsGoOnAcrossReconfigure() {
        var client = SessionHarness()
        client.open()
        client.sendFrame(5)
        client.render()
        client.writeAll()
        client.receive(.reconfigure(OpenRequest(layout: client.layout), keepsHistory: true))
        client.admit()
        client.announce(5)
        #expect(client.ends == [.error(.frameOrder(found: 5, last: 5))])
    }
}
