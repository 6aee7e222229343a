// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Testing

@testable import FrameSession

/// Random lives of sessions, seeded: whatever happens in whatever order, the books balance.
@Suite struct SessionSequenceTests {
    @Test(arguments: 0..<40)
    func booksBalanceAtEveryMoment(seed: Int) {
        var random = SplitMix(state: UInt64(seed) + 1)
        var client = SessionHarness()
        let mailbox: Mailbox = Bool.random(using: &random) ? .latest : .every
        client.layout = SessionHarness.layout(motion: Bool.random(using: &random))
        client.open(mailbox: mailbox, budget: Bool.random(using: &random) ? 2_000 : nil)
        client.admission = nil
        var life = Life(random: random)
        for _ in 0..<1500 {
            life.step(&client)
            let counters = client.session.counters
            #expect(counters.frames.isBalanced, "seed \(seed): \(counters)")
            if counters.frames.isBalanced == false { return }
            #expect(client.unwritten <= Session.maxPendingWrites + 3)
        }
        // What was answered, was answered in order and once.
        let ids = client.pictureIDs
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
        #expect(client.session.counters.frames.rendered == UInt64(ids.count))
        #expect(ids.count > 40)
        if mailbox == .every { #expect(client.session.counters.frames.dropped == 0) }
        #expect(client.ends.isEmpty, "seed \(seed): \(client.ends)")

        client.perform(client.session.connectionLost(now: client.now))
        #expect(client.session.counters.frames.isBalanced)
        while !client.jobs.isEmpty { client.render() }
        let last = client.session.counters
        #expect(
            last.frames.received == last.frames.rendered + last.frames.dropped + last.frames.failed)
        #expect(client.session.isDone)
    }

    /// One thing that can happen next.
    private struct Life {
        var random: SplitMix
        var nextID: UInt64 = 1
        var hasBegun = false

        mutating func step(_ client: inout SessionHarness) {
            client.now += UInt64.random(in: 0...3_000, using: &random)
            if Int.random(in: 0..<30, using: &random) == 0 { client.session.modelReplaced() }
            if !client.renewals.isEmpty, Int.random(in: 0..<3, using: &random) == 0 {
                client.renewals.removeFirst()
                client.renew(Bool.random(using: &random) ? SessionHarness.admitted : nil)
            }
            switch Int.random(in: 0..<12, using: &random) {
            case 0...3: send(&client)
            case 4...5: render(&client)
            case 6...9: if client.unwritten > 0 { client.write() }
            case 10: client.tick()
            default:
                if client.admission != nil, !client.isReading { break }
                if isBetweenMessages(client), Int.random(in: 0..<8, using: &random) == 0 {
                    reconfigure(&client)
                }
            }
            if client.admission != nil {
                client.admission = nil
                client.admit()
            }
        }

        private func isBetweenMessages(_ client: SessionHarness) -> Bool {
            client.isReading && client.payloadTarget == nil && client.skippedPayload == nil
        }

        private mutating func send(_ client: inout SessionHarness) {
            if client.payloadTarget != nil || client.skippedPayload != nil {
                return client.finishPayload()
            }
            guard client.isReading else { return }
            let id = nextID
            nextID += UInt64.random(in: 1...3, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: client.receive(.reset)
            case 1:
                client.receive(
                    .refusedFrame(
                        RefusedFrame(
                            frameID: id, isReset: true,
                            payloadByteCount: UInt64(client.layout.byteCount),
                            error: .reserved(field: "x"))))
            default: client.announce(id) { $0.isReset = id % 7 == 0 }
            }
        }

        private mutating func render(_ client: inout SessionHarness) {
            guard !client.jobs.isEmpty else { return }
            if !hasBegun {
                hasBegun = client.begin() != nil
                if hasBegun { return }
            }
            hasBegun = false
            client.finish(
                Int.random(in: 0..<9, using: &random) == 0 ? .failed(reason: "x") : .finished)
        }

        private mutating func reconfigure(_ client: inout SessionHarness) {
            let mailbox = client.session.agreement?.request.mailbox ?? .latest
            client.layout = SessionHarness.layout(
                size: FrameSize(width: Int.random(in: 32...40, using: &random), height: 32),
                motion: client.layout.motion != nil)
            client.receive(
                .reconfigure(
                    OpenRequest(
                        layout: client.layout, mailbox: mailbox, frameBudgetNanoseconds: 2_000),
                    keepsHistory: Bool.random(using: &random)))
        }
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
