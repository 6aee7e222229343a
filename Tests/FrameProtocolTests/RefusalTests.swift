// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import TestSupport
import Testing

@testable import FrameProtocol

private let open = MessageEncoder.open(Samples.open)
private let frame = MessageEncoder.frame(Samples.frame)
private let resume = MessageEncoder.open(Samples.open, history: Samples.history)

/// Messages that end the connection.
@Suite struct RefusalTests {
    static let headers: [Refusal] = [
        Refusal(
            "magic", Samples.changed(open, header: 0, UInt32(0x2054_4547)), FL_ERROR_MAGIC, "magic",
            "LOOM"),
        Refusal(
            "version", Samples.changed(open, header: WireHeader.version, UInt16(2)),
            FL_ERROR_VERSION, "version", "version 2 is not supported"),
        Refusal(
            "type", Samples.changed(open, header: WireHeader.type, UInt16(66)),
            FL_ERROR_MESSAGE_TYPE, "type", "66"),
        Refusal(
            "open flags", Samples.changed(open, header: WireHeader.flags, UInt32(0x80)),
            FL_ERROR_FLAGS, "flags", "FL_OPEN has no flag 0x80"),
        Refusal(
            "open with a flag of reconfigure",
            Samples.changed(open, header: WireHeader.flags, FL_OPEN_KEEP_HISTORY), FL_ERROR_FLAGS,
            "flags", "0x2"),
        Refusal(
            "frame flags", Samples.changed(frame, header: WireHeader.flags, UInt32(0x40)),
            FL_ERROR_FLAGS, "flags", "FL_FRAME has no flag 0x40"),
        Refusal(
            "reset flags",
            Samples.changed(MessageEncoder.reset(), header: WireHeader.flags, UInt32(1)),
            FL_ERROR_FLAGS, "flags", "FL_RESET"),
        Refusal(
            "body too large", Samples.changed(open, header: WireHeader.bodyBytes, UInt32(4097)),
            FL_ERROR_BODY_SIZE, "body_bytes", "at most 4096"),
        Refusal(
            "body too large by far",
            Samples.changed(open, header: WireHeader.bodyBytes, UInt32.max),
            FL_ERROR_BODY_SIZE, "body_bytes", "4294967295"),
        Refusal(
            "open too short", Samples.changed(open, header: WireHeader.bodyBytes, UInt32(327)),
            FL_ERROR_BODY_SIZE, "body_bytes", "at least 328"),
        Refusal(
            "open with history too short",
            Samples.changed(open, header: WireHeader.flags, FL_OPEN_HISTORY), FL_ERROR_BODY_SIZE,
            "body_bytes", "at least 544"),
        Refusal(
            "frame too short", Samples.changed(frame, header: WireHeader.bodyBytes, UInt32(0)),
            FL_ERROR_BODY_SIZE, "body_bytes", "at least 208"),
        Refusal(
            "open with payload", Samples.changed(open, header: WireHeader.payloadBytes, UInt64(1)),
            FL_ERROR_PAYLOAD_SIZE, "payload_bytes", "exactly 0"),
        Refusal(
            "resume with half a payload",
            Samples.changed(resume, header: WireHeader.payloadBytes, UInt64(1) << 63),
            FL_ERROR_PAYLOAD_SIZE, "payload_bytes", "exactly 33280"),
        Refusal(
            "close with payload",
            Samples.changed(MessageEncoder.close(), header: WireHeader.payloadBytes, UInt64(8)),
            FL_ERROR_PAYLOAD_SIZE, "payload_bytes", "exactly 0"),
        Refusal(
            "frame in a slot with a payload",
            Samples.changed(
                MessageEncoder.frame(Samples.frameInSlot), header: WireHeader.payloadBytes,
                UInt64(8)), FL_ERROR_PAYLOAD_SIZE, "payload_bytes", "exactly 0"),
        Refusal(
            "frame in a slot without its number",
            Samples.changed(
                MessageEncoder.frame(Samples.frameInSlot), header: WireHeader.bodyBytes,
                UInt32(208)), FL_ERROR_BODY_SIZE, "body_bytes", "at least 216"),
        Refusal(
            "share without a descriptor's byte",
            Samples.changed(
                MessageEncoder.share(Samples.slots), header: WireHeader.payloadBytes, UInt64(0)),
            FL_ERROR_PAYLOAD_SIZE, "payload_bytes", "exactly 1"),
        Refusal(
            "share with a flag",
            Samples.changed(
                MessageEncoder.share(Samples.slots), header: WireHeader.flags, UInt32(1)),
            FL_ERROR_FLAGS, "flags", "FL_SHARE has no flag"),
        Refusal(
            "reset about a frame",
            Samples.changed(MessageEncoder.reset(), header: WireHeader.frameID, UInt64(8)),
            FL_ERROR_RESERVED, "frame_id", "must be 0"),
    ]

    /// Found in the body of FL_SHARE.
    static let shares: [Refusal] = [
        Refusal(
            "endless slots",
            Samples.changed(
                MessageEncoder.share(Samples.slots), body: WireShare.slotBytes, UInt64.max),
            FL_ERROR_VALUE, "slot_bytes", "must be at most"),
        Refusal(
            "endless picture offset",
            Samples.changed(
                MessageEncoder.share(Samples.slots), body: WireShare.pictureOffset, UInt64.max),
            FL_ERROR_VALUE, "picture_offset", "must be at most"),
        Refusal(
            "share reserved",
            Samples.changed(
                MessageEncoder.share(Samples.slots), body: WireShare.reserved, UInt32(1)),
            FL_ERROR_RESERVED, "reserved", "must be 0"),
    ]

    @Test(arguments: headers + shares + opens + depths + planes + histories)
    func refusedWithCodeFieldAndSentence(refusal: Refusal) throws {
        Samples.takeDenormalsAsTheLoopThreadDoes()
        var decoder = MessageDecoder()
        let error = #expect(throws: ProtocolError.self) { try decoder.decode(refusal.bytes) }
        refusal.expect(ErrorReply(try #require(error), severity: .session))
    }

    @Test func headersAreRefusedBeforeTheirBodyIsAskedFor() {
        for refusal in Self.headers {
            #expect(throws: ProtocolError.self, "\(refusal.name)") {
                // A payload size that depends on the body can only be refused after it.
                guard refusal.name != "resume with half a payload" else {
                    throw ProtocolError.draining
                }
                var decoder = MessageDecoder()
                _ = try decoder.append(refusal.bytes[..<32])
            }
        }
    }
}
