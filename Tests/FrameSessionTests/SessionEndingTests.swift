// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Testing

@testable import FrameSession

private let second: UInt64 = 1_000_000_000

@Suite struct SessionEndingTests {
    private func opened(_ mailbox: Mailbox = .latest) -> SessionHarness {
        var client = SessionHarness()
        client.open(mailbox: mailbox)
        client.writeAll()
        return client
    }

    @Test func closeFinishesWhatWasSent() {
        var client = opened(.every)
        client.sendFrame(1)
        client.sendFrame(2)
        client.receive(.close)
        #expect(!client.isReading)
        client.render()
        #expect(client.ends.isEmpty)
        client.render()
        #expect(client.pictureIDs == [1, 2])
        #expect(client.replies.last == .closed)
        #expect(client.ends == [.closedByClient])
        #expect(client.session.isDone)
    }

    @Test func closeWithNothingToDoEndsAtOnce() {
        var client = opened()
        client.receive(.close)
        #expect(client.replies.last == .closed)
        #expect(client.ends == [.closedByClient])
    }

    @Test func clientGoneInMidPayload() {
        var client = opened()
        client.announce(1)
        client.perform(client.session.connectionLost(now: client.now))
        #expect(client.ends == [.connectionLost])
        #expect(client.session.isDone)
        #expect(client.session.counters.frames.received == 0)
        client.finishPayload()
        #expect(client.jobs.isEmpty)
        #expect(client.session.counters.frames.isBalanced)
    }

    @Test func clientGoneWhileRenderingLeavesTheJobItsMemory() throws {
        var client = opened()
        client.sendFrame(1)
        let maybeRequest = client.begin()
        let request = try #require(maybeRequest)
        client.sendFrame(2)
        client.perform(client.session.connectionLost(now: client.now))
        #expect(client.cancelled == 1)
        #expect(!client.session.isDone)
        #expect(client.session.counters.frames.rendering == 1)
        #expect(client.session.counters.frames.dropped == 1)
        #expect(client.session.counters.frames.isBalanced)
        request.picture.copy([1, 2, 3])
        request.nextHistory.copy([4])
        client.finish()
        #expect(client.session.isDone)
        #expect(client.replies.count == 1)
        #expect(client.session.counters.frames.dropped == 2)
        #expect(client.session.counters.frames.isBalanced)
    }

    @Test func clientGoneWhileQueuedTakesTheFrameBack() {
        var client = opened()
        client.sendFrame(1)
        client.perform(client.session.connectionLost(now: client.now))
        #expect(client.session.isDone)
        #expect(client.begin() == nil)
        client.finish(.cancelled)
        #expect(client.session.counters.frames.dropped == 1)
        #expect(client.session.counters.frames.isBalanced)
    }

    @Test func drainSendsWhatIsBeingRendered() {
        var client = opened()
        client.sendFrame(1)
        client.begin()
        client.sendFrame(2)
        client.perform(client.session.drain(now: client.now))
        #expect(client.ends.isEmpty)
        #expect(!client.isReading)
        client.finish()
        #expect(client.pictureIDs == [1])
        // Told as dropped, the client would not send it again where it resumes.
        #expect(client.pictureReplies.map(\.droppedCount) == [0])
        #expect(client.errors.map(\.severity) == [.session])
        #expect(client.ends == [.error(.draining)])
        #expect(client.session.counters.frames.dropped == 1)
        #expect(client.session.counters.frames.isBalanced)
    }

    @Test func drainInMidPayloadEndsAtOnce() {
        var client = opened()
        client.announce(1)
        client.perform(client.session.drain(now: client.now))
        #expect(client.ends == [.error(.draining)])
    }

    @Test func drainReachesClientsThatHaveNotOpened() {
        var client = SessionHarness()
        client.perform(client.session.drain(now: client.now))
        #expect(client.ends == [.error(.draining)])
    }

    // MARK: Time

    @Test func silentConnectionIsClosed() {
        var client = SessionHarness()
        client.now += 10 * second
        client.tick()
        #expect(client.ends.isEmpty)
        client.now += 1
        // Bytes that make no message do not help.
        client.session.bytesArrived(1)
        client.tick()
        #expect(client.ends == [.error(.notOpened(seconds: 10))])
    }

    @Test func idleSessionIsClosedWithAReason() {
        var client = opened()
        client.now += 300 * second
        client.tick()
        #expect(client.ends.isEmpty)
        // A frame counts, and the taking of its picture.
        client.sendFrame(1)
        client.render()
        client.writeAll()
        client.now += 300 * second
        client.tick()
        #expect(client.ends.isEmpty)
        // Bytes and messages that make no frame do not.
        client.session.bytesArrived(32)
        client.receive(.reset)
        client.now += 1
        client.tick()
        #expect(client.ends == [.error(.idle(seconds: 300))])
    }

    /// Replies to what needs no frame are no use of the session.
    @Test func newConfigurationsKeepNoSessionFromBeingIdle() {
        var client = opened()
        client.writeAll()
        for _ in 0..<4 {
            client.now += 100 * second
            client.tick()
            guard client.ends.isEmpty else { break }
            client.receive(
                .reconfigure(OpenRequest(layout: client.layout), keepsHistory: true))
            client.admit()
            client.writeAll()
        }
        #expect(client.ends == [.error(.idle(seconds: 300))])
    }

    @Test func sessionWithoutWorkYieldsItsPlace() {
        var client = opened()
        #expect(client.session.isUnused)
        client.sendFrame(1)
        #expect(!client.session.isUnused)
        client.render()
        client.writeAll()
        #expect(client.session.isUnused)
        client.now += 20 * second
        client.perform(client.session.yield(now: client.now))
        #expect(client.ends == [.error(.yielded(seconds: 20))])
        #expect(client.session.isDone)
    }

    @Test func timeThatNobodyHadCountsAgainstNobody() {
        var client = opened()
        client.now += 200 * second
        client.tick()
        client.now += 1000 * second
        client.session.forgive(1000 * second)
        client.tick()
        #expect(client.ends.isEmpty)
        client.now += 101 * second
        client.tick()
        #expect(client.ends == [.error(.idle(seconds: 300))])
    }

    /// What was admitted and is refused by the system ends the session with a reason.
    @Test func storagesThatTheSystemRefusesAreAnError() {
        var plan = SessionPlan(
            OpenRequest(layout: SessionHarness.layout(), mailbox: .latest), waitingFrames: 2)
        plan.historyByteCount = 1 << 50
        #expect(throws: MemoryRefusal(byteCount: 1 << 50)) { try SessionStorages(plan) }
    }

    @Test func stalledPayloadIsIdle() {
        var client = opened()
        client.announce(1)
        client.now += 301 * second
        client.tick()
        #expect(client.ends == [.error(.idle(seconds: 300))])
    }

    @Test func sessionThatWaitsForItsPictureIsNotIdle() {
        var client = opened()
        client.sendFrame(1)
        client.begin()
        client.now += 1000 * second
        client.tick()
        #expect(client.ends.isEmpty)
    }

    @Test func idleTimeoutCanBeOff() {
        var client = SessionHarness(settings: SessionSettings(idleTimeout: nil))
        client.open()
        client.writeAll()
        client.now += 100_000 * second
        client.tick()
        #expect(client.ends.isEmpty)
    }

    @Test func clientThatTakesNothingIsClosed() {
        var client = opened()
        client.sendFrame(1)
        client.render()
        client.tick(writeStall: 10 * second)
        #expect(client.ends.isEmpty)
        client.tick(writeStall: 10 * second + 1)
        #expect(client.ends == [.error(.slowReader(seconds: 10))])
    }

    @Test func nothingToTakeIsNoSlowness() {
        var client = opened()
        client.tick(writeStall: 100 * second)
        #expect(client.ends.isEmpty)
    }

    @Test func clientThatOnlyCausesErrorsIsNotReadForEver() {
        var client = opened()
        var id: UInt64 = 0
        while client.isReading, id < 100 {
            id += 1
            client.receive(
                .refusedFrame(
                    RefusedFrame(
                        frameID: id, isReset: false,
                        payloadByteCount: UInt64(client.layout.byteCount), error: .draining)))
            client.finishPayload()
        }
        #expect(id == 16)
        client.write()
        #expect(client.isReading)
    }

    @Test func readingStopsBeforeAnythingThatMayBeAnsweredAtOnce() {
        var session = Session(id: 1, settings: SessionSettings(), now: 0)
        let actions = session.receive(
            .open(OpenRequest(layout: SessionHarness.layout()), history: nil), now: 0)
        guard case .setReading(false) = actions.first, case .admit = actions.last else {
            Issue.record("\(actions)")
            return
        }
    }
}
