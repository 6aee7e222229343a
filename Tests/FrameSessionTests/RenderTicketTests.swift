// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Testing

@testable import FrameSession

@Suite struct RenderTicketTests {
    /// Whoever wins the race, the frame that is rendered is the one the session believes in.
    @Test func renderThreadAndSessionAgreeWhoWasFirst() async {
        for _ in 0..<2000 {
            let ticket = RenderTicket(request(1))
            async let taken = ticket.take(now: 0)
            let wasReplaced = ticket.replace(with: request(2))
            #expect(await taken?.gbuffer.frameID == (wasReplaced ? 2 : 1))
            #expect(!ticket.withdraw())
        }
    }

    @Test func isTakenOnce() {
        let ticket = RenderTicket(request(1))
        #expect(ticket.take(now: 0) != nil)
        #expect(ticket.take(now: 0) == nil)
        #expect(!ticket.isExpired)
    }

    @Test func expiresOnlyAfterItsTime() {
        let ticket = RenderTicket(request(1))
        ticket.allowDropping(after: 10)
        ticket.allowDropping(after: nil)
        #expect(ticket.take(now: 11) != nil)

        let late = RenderTicket(request(1))
        late.allowDropping(after: 10)
        #expect(late.take(now: 11) == nil)
        #expect(late.isExpired)
        #expect(!late.replace(with: request(2)))

        let punctual = RenderTicket(request(1))
        punctual.allowDropping(after: 10)
        #expect(punctual.take(now: 10) != nil)
    }

    private func request(_ id: UInt64) -> FrameRequest {
        let storage = PixelStorage(byteCount: 0)
        return FrameRequest(
            gbuffer: GBuffer(
                layout: SessionHarness.layout(), storage: storage, frameID: id, camera: nil,
                jitter: .zero, motionFrom: nil),
            history: nil, seed: 0, picture: storage, nextHistory: storage)
    }
}
