// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Testing

@testable import FrameSession

@Suite struct SessionFrameTests {
    @Test func frameBecomesPicture() throws {
        var client = SessionHarness.opened()
        client.announce(4) {
            $0.clientTime = 99
            $0.jitter = [0.5, 0.25]
        }
        let target = try #require(client.payloadTarget)
        #expect(target.byteCount == client.layout.byteCount)
        client.now += 1_000
        client.finishPayload()
        client.now += 10_000
        let maybeRequest = client.begin()
        let request = try #require(maybeRequest)
        #expect(request.gbuffer.storage === target)
        #expect(request.gbuffer.frameID == 4)
        #expect(request.gbuffer.jitter == [0.5, 0.25])
        #expect(request.seed == 77)
        #expect(request.scales == ConditioningScales(controlThousandths: 1500))
        #expect(request.history == nil)
        let startedAt = client.now
        client.now += 100_000
        client.finish(startedAt: startedAt)

        let reply = try #require(client.pictureReplies.first)
        #expect(reply.frameID == 4)
        #expect(reply.clientTime == 99)
        #expect(reply.times.read == 1_000)
        #expect(reply.times.queue == 10_000)
        #expect(reply.times.convert == 1)
        #expect(reply.times.render == 2)
        #expect(reply.times.encode == 3)
        #expect(reply.age == 110_000)
        #expect(reply.load == 0.5)
        #expect(reply.historyFrame == nil)
        #expect(client.pictures.first === request.picture)
        client.now += 500
        client.writeAll()
        let counters = client.session.counters
        #expect(counters.stages.write == StageSum.of(500))
        #expect(counters.stages.read == StageSum.of(1_000))
        #expect(counters.stages.queue == StageSum.of(10_000))
        #expect(counters.frames.rendered == 1)
    }

    @Test func eachFrameReadsTheHistoryOfTheOneBefore() throws {
        var client = SessionHarness.opened()
        var last: FrameRequest?
        for id: UInt64 in 1...5 {
            client.sendFrame(id) { $0.jitter = [Float(id) / 8, 0] }
            let maybeRequest = client.render()
            let request = try #require(maybeRequest)
            client.writeAll()
            #expect(request.history?.frameID == last?.gbuffer.frameID)
            #expect(request.history?.jitter == last?.gbuffer.jitter)
            #expect(request.history?.storage === last?.nextHistory)
            #expect(request.nextHistory !== request.history?.storage)
            last = request
        }
    }

    // MARK: Mailboxes

    @Test func latestReplacesTheWaitingFrame() throws {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.begin()
        for id: UInt64 in 2...5 { client.sendFrame(id) }
        #expect(client.isReading)
        client.finish()
        #expect(client.render()?.gbuffer.frameID == 5)
        #expect(client.pictureIDs == [1, 5])
        // Said as early as possible: with the picture that was being rendered meanwhile.
        let reply = try #require(client.pictureReplies.first)
        #expect(reply.droppedCount == 3)
        #expect(reply.droppedIDs == [2, 3, 4])
        #expect(client.session.counters.frames.dropped == 3)
        #expect(client.pictureReplies.last?.droppedCount == 0)
    }

    @Test func latestReplacesAFrameThatWaitsInTheScheduler() throws {
        var client = SessionHarness.opened()
        for id: UInt64 in 1...3 { client.sendFrame(id) }
        #expect(client.jobs.count == 1)
        #expect(client.session.counters.frames.waiting == 1)
        #expect(client.session.counters.frames.dropped == 2)
        #expect(client.begin()?.gbuffer.frameID == 3)
        #expect(client.session.counters.frames.rendering == 1)
        client.finish()
        #expect(client.pictureIDs == [3])
        #expect(client.pictureReplies.first?.droppedIDs == [1, 2])
    }

    @Test func onlyTheNewestDroppedIDsAreListed() throws {
        var client = SessionHarness.opened()
        for id: UInt64 in 1...41 { client.sendFrame(id) }
        client.render()
        let reply = try #require(client.pictureReplies.first)
        #expect(reply.droppedCount == 40)
        #expect(reply.droppedIDs == (9...40).map { UInt64($0) })
    }

    @Test func everyRendersAllAndStopsReadingWhenFull() {
        var client = SessionHarness.opened(.every)
        client.sendFrame(1)
        client.sendFrame(2)
        #expect(client.isReading)
        client.sendFrame(3)
        #expect(!client.isReading)
        client.render()
        #expect(client.isReading)
        client.sendFrame(4)
        #expect(!client.isReading)
        for _ in 0..<3 {
            client.render()
            client.writeAll()
        }
        #expect(client.pictureIDs == [1, 2, 3, 4])
        #expect(client.session.counters.frames.dropped == 0)
    }

    @Test(arguments: [Mailbox.latest, .every])
    func noFrameStartsWhileTheOutputIsFull(mailbox: Mailbox) {
        var client = SessionHarness.opened(mailbox)
        client.sendFrame(1)
        client.render()
        client.sendFrame(2)
        client.render()
        // One picture is in the socket, one waits for it: a third could not be sent.
        client.sendFrame(3)
        #expect(client.jobs.isEmpty)
        #expect(client.session.counters.frames.waiting == 1)
        client.write()
        #expect(client.jobs.count == 1)
        client.render()
        client.writeAll()
        #expect(client.pictureIDs == [1, 2, 3])
    }

    @Test func picturesInFlightDoNotShareMemory() throws {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        let maybeFirst = client.render()
        let first = try #require(maybeFirst)
        client.sendFrame(2)
        let maybeSecond = client.render()
        let second = try #require(maybeSecond)
        #expect(first.picture !== second.picture)
    }

    // MARK: Reset

    @Test func resetMessageDropsTheHistoryOnce() {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.render()
        client.receive(.reset)
        #expect(client.session.historyState == HistoryStart.none)
        client.sendFrame(2)
        #expect(client.render()?.history == nil)
        client.writeAll()
        client.sendFrame(3)
        #expect(client.render()?.history?.frameID == 2)
    }

    @Test func resetFlagDropsTheHistory() {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.render()
        client.sendFrame(2) { $0.isReset = true }
        #expect(client.render()?.history == nil)
    }

    @Test func resetOfADroppedFrameHoldsForTheNextOne() {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.render()
        client.writeAll()
        // Dropped while it waits in the scheduler.
        client.sendFrame(2) { $0.isReset = true }
        client.sendFrame(3)
        #expect(client.begin()?.history == nil)
        // Dropped while it waits in the session.
        client.sendFrame(4) { $0.isReset = true }
        client.sendFrame(5)
        client.finish()
        #expect(client.begin()?.history == nil)
        client.finish()
        client.writeAll()
        #expect(client.pictureIDs == [1, 3, 5])
        client.sendFrame(6)
        #expect(client.render()?.history?.frameID == 5)
    }

    @Test func resetOfAFailedOrRefusedFrameHoldsForTheNextOne() {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.render()
        client.writeAll()
        client.sendFrame(2) { $0.isReset = true }
        client.render(.failed(reason: "no"))
        client.sendFrame(3)
        #expect(client.render()?.history == nil)
        client.writeAll()
        client.receive(
            .refusedFrame(
                RefusedFrame(
                    frameID: 4, isReset: true, payloadByteCount: UInt64(client.layout.byteCount),
                    error: .reserved(field: "slot.reserved"))))
        client.finishPayload()
        client.sendFrame(5)
        #expect(client.render()?.history == nil)
    }

    // MARK: Planes shown

    @Test func aShownFrameLeavesTheHistoryAlone() {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.render()
        client.writeAll()
        client.sendFrame(2) { $0.showsPlanes = true }
        #expect(client.render()?.history?.frameID == 1)
        client.writeAll()
        #expect(client.pictureIDs == [1, 2])
        #expect(client.session.history?.frameID == 1)
        client.sendFrame(3)
        #expect(client.render()?.history?.frameID == 1)
    }

    @Test func aCutOfAShownFrameHoldsForTheNextOne() {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.render()
        client.writeAll()
        client.sendFrame(2) {
            $0.showsPlanes = true
            $0.isReset = true
        }
        #expect(client.render()?.history == nil)
        client.writeAll()
        client.sendFrame(3)
        #expect(client.render()?.history == nil)
        client.writeAll()
        client.sendFrame(4)
        #expect(client.render()?.history?.frameID == 3)
    }

    /// What a job does is fixed when it is submitted.
    @Test func aShownFrameTakesNoRenderedFramesPlace() {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.sendFrame(2) { $0.showsPlanes = true }
        client.sendFrame(3) { $0.showsPlanes = true }
        #expect(client.render()?.gbuffer.frameID == 1)
        client.writeAll()
        // Among shown ones the newer goes first.
        #expect(client.render()?.gbuffer.frameID == 3)
        #expect(client.pictureReplies.map(\.droppedIDs) == [[2], []])
    }

    // MARK: Motion

    @Test func motionPointsToTheFrameThatTheClientSentBefore() {
        var client = SessionHarness()
        client.layout = SessionHarness.layout(motion: true)
        client.open()
        client.sendFrame(1)
        client.begin()
        client.sendFrame(2)
        client.sendFrame(3)
        client.finish()
        // 2 was dropped, so the plane does not fit the history of 1: the denoiser must see that.
        let request = client.render()
        #expect(request?.gbuffer.motionFrom == 2)
        #expect(request?.history?.frameID == 1)
        client.writeAll()
        client.sendFrame(4) { $0.motionFrom = 3 }
        #expect(client.render()?.gbuffer.motionFrom == 3)
    }

    @Test func withoutAMotionPlaneThereIsNothingToPointFrom() {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.render()
        client.sendFrame(2)
        #expect(client.render()?.gbuffer.motionFrom == nil)
    }

    // MARK: Refused frames

    @Test func refusedFrameIsSkippedAndTheSessionGoesOn() {
        var client = SessionHarness.opened()
        client.receive(
            .refusedFrame(
                RefusedFrame(
                    frameID: 1, isReset: false, payloadByteCount: UInt64(client.layout.byteCount),
                    error: .value(field: "exposure", found: 2, limit: 1, needs: "must be 1"))))
        #expect(client.skippedPayload == UInt64(client.layout.byteCount))
        #expect(client.errors.isEmpty)
        client.finishPayload()
        #expect(client.errors.map(\.severity) == [.frame])
        #expect(client.errors.first?.frameID == 1)
        #expect(client.session.counters.frames.failed == 1)
        client.sendFrame(2)
        client.render()
        #expect(client.pictureIDs == [2])
    }

    @Test func framesAreCheckedAgainstTheAgreement() {
        var client = SessionHarness()
        client.layout = SessionHarness.layout(
            normalSpace: .view, depth: .deviceReversed(near: 0.1, far: 10))
        client.open()
        let camera = SessionHarness.camera(near: 0, far: 0)
        client.sendFrame(1)
        client.sendFrame(2) { $0.camera = SessionHarness.camera(near: 20, far: 0) }
        client.sendFrame(3) {
            $0.camera = camera
            $0.motionFrom = 2
        }
        client.sendFrame(4) { $0.camera = camera }
        #expect(client.errors.map(\.field) == ["camera", "camera.near_plane", "motion_from"])
        #expect(client.errors.map(\.frameID) == [1, 2, 3])
        client.render()
        #expect(client.pictureIDs == [4])
    }

    @Test func motionFromMustBeAnEarlierFrame() {
        var client = SessionHarness()
        client.layout = SessionHarness.layout(motion: true)
        client.open()
        client.sendFrame(1) { $0.motionFrom = 1 }
        #expect(client.errors.map(\.field) == ["motion_from"])
    }

    @Test func payloadsOfAnotherSizeEndTheSession() {
        for claimed in [0, UInt64(1), .max, 1 << 63] {
            var client = SessionHarness.opened()
            client.announce(1) { $0.payloadByteCount = claimed }
            #expect(
                client.ends == [
                    .error(
                        .payloadSize(
                            claimed: claimed, expected: UInt64(client.layout.byteCount)))
                ])
            #expect(client.payloadTarget == nil)
        }
    }

    @Test func frameIDsMustGrow() {
        var client = SessionHarness.opened()
        client.sendFrame(3)
        client.announce(3)
        #expect(client.ends == [.error(.frameOrder(found: 3, last: 3))])
        #expect(client.session.counters.frames.isBalanced)
    }
}

extension StageSum {
    static func of(_ nanoseconds: UInt64) -> StageSum {
        var count = StageSum()
        count.add(ns: nanoseconds)
        return count
    }
}
