// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Testing

@testable import FrameSession

@Suite struct IncrementalFrameTests {
    private func opened() -> SessionHarness {
        var client = SessionHarness()
        client.open(mailbox: .every)
        client.writeAll()
        return client
    }

    @Test func permissionToApproximateReachesTheJobFrameByFrame() {
        var client = opened()
        for (id, allows) in [(UInt64(1), true), (2, false), (3, true)] {
            client.sendFrame(id) { $0.allowsApproximate = allows }
            let request = client.render()
            #expect(request?.allowsApproximate == allows)
            client.writeAll()
        }
    }

    @Test func aPartialFrameIsCountedAndSaidToBeApproximate() throws {
        var client = opened()
        client.sendFrame(1)
        client.begin()
        client.finish(work: FrameWork(tilesComputed: 3, tileCount: 12, isApproximate: true))
        let reply = try #require(client.pictureReplies.first)
        #expect(reply.isApproximate)
        #expect(reply.computedShare == 0.25)
        let counters = client.session.counters
        #expect(
            counters.frames.rendered == 1 && counters.frames.partial == 1
                && counters.frames.unchanged == 0)
        #expect(counters.frames.isBalanced)
    }

    @Test func afterAnUnchangedFrameTheHistoryIsTheOldOneUnderTheNewID() throws {
        var client = opened()
        client.sendFrame(1)
        let first = client.render()
        client.writeAll()
        let unchanged = FrameWork(tilesComputed: 0, tileCount: 4, keepsHistory: true)
        for id: UInt64 in 2...4 {
            client.sendFrame(id) { $0.jitter = [Float(id) / 8, 0] }
            let request = client.begin()
            client.finish(work: unchanged)
            client.writeAll()
            // What nobody wrote is never what the next frame reads.
            #expect(request?.nextHistory !== first?.nextHistory)
        }
        client.sendFrame(5)
        let last = client.begin()
        let history = try #require(last?.history)
        #expect(history.frameID == 4)
        #expect(history.jitter == [0.5, 0])
        #expect(history.storage === first?.nextHistory)
        #expect(client.session.counters.frames.unchanged == 3)
        #expect(client.pictureReplies.suffix(3).allSatisfy { $0.computedShare == 0 })
        #expect(client.pictureReplies.allSatisfy { !$0.isApproximate })
    }

    @Test func theCacheIsGrantedOnlyWhereThereIsOne() {
        for isIncremental in [false, true] {
            var client = SessionHarness()
            let request = OpenRequest(layout: client.layout, wantsIncremental: true)
            client.receive(.open(request, history: nil))
            var admission = SessionHarness.admitted
            admission.isIncremental = isIncremental
            client.perform(client.session.admitted(admission, now: client.now))
            #expect(
                client.openedReplies.first?.features
                    == (isIncremental ? OpenedReply.incrementalFeature : 0))
        }
    }
}
