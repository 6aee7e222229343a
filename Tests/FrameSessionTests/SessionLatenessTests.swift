// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Testing

@testable import FrameSession

/// Frames that fail, and frames that come or end too late.
@Suite struct SessionLatenessTests {
    @Test func failedFrameIsReportedAndTheHistoryStays() {
        var client = SessionHarness.opened()
        client.sendFrame(1)
        client.render()
        client.writeAll()
        client.sendFrame(2)
        client.render(.failed(reason: "Something broke."))
        #expect(client.errors.first?.severity == .frame)
        #expect(client.errors.first?.frameID == 2)
        #expect(client.errors.first?.text == "Something broke.")
        client.sendFrame(3)
        #expect(client.render()?.history?.frameID == 1)
        #expect(client.session.counters.frames.failed == 1)
        #expect(client.session.counters.frames.isBalanced)
    }

    @Test func pictureAfterTheBudgetIsLate() {
        var client = SessionHarness.opened(budget: 1_000)
        client.sendFrame(1)
        client.now += 1_000
        client.render()
        client.sendFrame(2)
        client.now += 1_001
        client.render()
        #expect(client.pictureReplies.map(\.isLate) == [false, true])
    }

    @Test func lateFrameIsDroppedForANewerOneButNeverTwoInARow() {
        var client = SessionHarness.opened(budget: 1_000)
        client.sendFrame(1)
        client.begin()
        client.sendFrame(2)
        client.now += 5_000
        client.announce(3)
        client.finish()
        // 2 could start now and is too old; 3 is on its way.
        #expect(client.jobs.isEmpty)
        #expect(client.session.counters.frames.dropped == 1)
        client.finishPayload()
        client.now += 5_000
        client.announce(4)
        #expect(client.begin()?.gbuffer.frameID == 3)
        client.finish()
        #expect(client.pictureReplies.last?.droppedIDs == [2])
        #expect(client.pictureReplies.last?.isLate == true)
    }

    @Test func lateFrameIsDroppedWhenARenderThreadWouldBeginIt() {
        var client = SessionHarness.opened(budget: 1_000)
        client.sendFrame(1) { $0.isReset = true }
        client.now += 5_000
        client.announce(2)
        #expect(client.begin() == nil)
        #expect(client.session.counters.frames.isBalanced)
        client.finish(.failed(reason: "nothing to render"))
        #expect(client.session.counters.frames.dropped == 1)
        #expect(client.session.counters.frames.failed == 0)
        client.finishPayload()
        #expect(client.render()?.gbuffer.frameID == 2)
        #expect(client.pictureReplies.last?.droppedIDs == [1])
        #expect(client.errors.isEmpty)
    }

    @Test func lateFrameIsRenderedIfNothingFollows() {
        // A client that waits for each reply would otherwise wait for ever.
        var client = SessionHarness.opened(budget: 1_000)
        client.sendFrame(1)
        client.now += 1_000_000
        #expect(client.render() != nil)
        #expect(client.pictureIDs == [1])
    }

    @Test func offlineFramesAreNeverDroppedForLateness() {
        var client = SessionHarness.opened(.every, budget: 1_000)
        client.sendFrame(1)
        client.sendFrame(2)
        client.now += 1_000_000
        client.announce(3)
        client.render()
        client.render()
        #expect(client.pictureIDs == [1, 2])
    }
}
