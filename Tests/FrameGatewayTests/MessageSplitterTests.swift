// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameGateway
import Testing

@Suite struct MessageSplitterTests {
    private func message(
        _ type: UInt32, body: [UInt8] = [], payload: [UInt8] = [], claimed: UInt64? = nil
    ) -> [UInt8] {
        let header = fl_header(
            magic: FL_MAGIC, version: 1, type: UInt16(type), flags: 0,
            body_bytes: UInt32(body.count), payload_bytes: claimed ?? UInt64(payload.count),
            frame_id: 0)
        return withUnsafeBytes(of: header) { Array($0) } + body + payload
    }

    private func open(format: UInt32, mailbox: UInt32) -> [UInt8] {
        var open = fl_open()
        open.picture_format = UInt8(format)
        open.mailbox = UInt8(mailbox)
        return message(FL_OPEN, body: withUnsafeBytes(of: open) { Array($0) })
    }

    @Test(arguments: [1, 7, 31, 32, 33, 300, 5000]) func passesTheSameBytesInAnySplit(step: Int)
        throws
    {
        let frame = message(
            FL_FRAME, body: Array(repeating: 3, count: 208),
            payload: (0..<4000).map { UInt8(truncatingIfNeeded: $0) })
        var splitter = MessageSplitter(maxMessageBytes: 1 << 20)
        for _ in 0..<2 {
            var passed: [UInt8] = []
            for start in stride(from: 0, to: frame.count, by: step) {
                let end = min(start + step, frame.count)
                passed += try splitter.append(
                    Array(frame[start..<end]), remaining: UInt64(frame.count - end),
                    isLast: end == frame.count)
            }
            #expect(passed == frame)
        }
    }

    @Test func asksTheDaemonForPixelsWhereTheBrowserWantsJPEG() throws {
        var splitter = MessageSplitter(maxMessageBytes: 1 << 20)
        let wanted = open(format: FL_PICTURE_JPEG, mailbox: FL_MAILBOX_EVERY)
        let passed = try splitter.append(wanted, remaining: 0, isLast: true)
        #expect(passed == open(format: FL_PICTURE_RGBA8_SRGB, mailbox: FL_MAILBOX_EVERY))
        #expect(splitter.agreement == .init(wantsJPEG: true, takesEvery: true))
        let plain = open(format: FL_PICTURE_RGBA8_SRGB, mailbox: FL_MAILBOX_LATEST)
        #expect(try splitter.append(plain, remaining: 0, isLast: true) == plain)
        #expect(splitter.agreement == .init())
    }

    private func refusal(
        _ bytes: [UInt8], remaining: UInt64 = 0, isLast: Bool = true
    ) -> CloseReason? {
        var splitter = MessageSplitter(maxMessageBytes: 1 << 20)
        do throws(CloseReason) {
            _ = try splitter.append(bytes, remaining: remaining, isLast: isLast)
            return nil
        } catch {
            return error
        }
    }

    @Test func refusesClaimsBeforeTheirBytes() {
        #expect(refusal([0], remaining: 10 << 30, isLast: false)?.code == 1009)
        #expect(refusal([0], remaining: .max, isLast: false)?.code == 1009)
        let large = message(FL_FRAME, claimed: 10 << 30)
        #expect(refusal(large, isLast: false)?.code == 1009)
        var body = message(FL_FRAME)
        body[13] = 0x20
        #expect(refusal(body, isLast: false)?.code == 1009)
    }

    @Test func refusesMessagesOfAnotherLengthThanTheirHeaders() {
        #expect(refusal(message(FL_FRAME, payload: [1, 2], claimed: 3))?.code == 1002)
        #expect(refusal(message(FL_FRAME, payload: [1, 2], claimed: 1))?.code == 1002)
        #expect(refusal([])?.code == 1002)
        #expect(refusal(Array(message(FL_RESET).dropLast()))?.code == 1002)
        #expect(refusal(message(FL_RESET)) == nil)
    }

    @Test func refusesWhatIsNoFrameloomMessage() {
        #expect(refusal(Array(repeating: 65, count: 64))?.text == "not a Frameloom message")
    }
}
