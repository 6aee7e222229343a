// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Testing

@testable import FrameSession

@Suite struct FrameJobTests {
    /// Whoever wins the race, the frame that is rendered is the one the session believes in.
    @Test func renderThreadAndSessionAgreeWhoWasFirst() async {
        for _ in 0..<2000 {
            let job = FrameJob(frame(1), request(1))
            async let taken = job.take(now: 0)
            let wasReplaced = job.replace(with: frame(2), request(2))
            #expect(await taken?.gbuffer.frameID == (wasReplaced ? 2 : 1))
            #expect(job.frame.message.frameID == (wasReplaced ? 2 : 1))
            #expect(!job.withdraw())
        }
    }

    @Test func isTakenOnce() {
        let job = FrameJob(frame(1), request(1))
        #expect(job.take(now: 0) != nil)
        #expect(job.take(now: 0) == nil)
        #expect(!job.isExpired)
    }

    @Test func expiresOnlyAfterItsTime() {
        let job = FrameJob(frame(1), request(1))
        job.allowDropping(after: 10)
        job.allowDropping(after: nil)
        #expect(job.take(now: 11) != nil)

        let late = FrameJob(frame(1), request(1))
        late.allowDropping(after: 10)
        #expect(late.take(now: 11) == nil)
        #expect(late.isExpired)
        #expect(!late.replace(with: frame(2), request(2)))

        let punctual = FrameJob(frame(1), request(1))
        punctual.allowDropping(after: 10)
        #expect(punctual.take(now: 10) != nil)
    }

    private func frame(_ id: UInt64) -> ReceivedFrame {
        ReceivedFrame(
            message: FrameMessage(frameID: id, payloadByteCount: 0),
            storage: PixelStorage(byteCount: 0), startsFresh: false, readTime: 0, completedAt: 0)
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
