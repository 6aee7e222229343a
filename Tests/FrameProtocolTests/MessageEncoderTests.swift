// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import TestSupport
import Testing

@testable import FrameProtocol

@Suite struct MessageEncoderTests {
    @Test func textsAreCutBetweenCharacters() throws {
        var request = Samples.open
        // 62 bytes and a character of two: one too many beside the zero byte.
        request.clientName = String(repeating: "a", count: 62) + "é"
        var decoder = MessageDecoder()
        guard case .open(let decoded, _) = try decoder.decode(MessageEncoder.open(request)).first
        else {
            Issue.record("no FL_OPEN")
            return
        }
        #expect(decoded.clientName == String(repeating: "a", count: 62))
    }

    @Test func headerBytesAreThoseOfTheDocumentation() {
        #expect(
            Array(MessageEncoder.open(Samples.open).prefix(32)) == [
                0x4C, 0x4F, 0x4F, 0x4D, 0x01, 0x00, 0x01, 0x00,
                0x00, 0x00, 0x00, 0x00, 0x48, 0x01, 0x00, 0x00,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
            ])
    }

    @Test func errorsOfTheDaemonsLifeHaveTheirCodes() {
        let expected: [(ProtocolError, UInt32)] = [
            (.unexpectedMessage(name: "FL_FRAME", reason: "no"), FL_ERROR_UNEXPECTED_MESSAGE),
            (.frameOrder(found: 3, last: 4), FL_ERROR_FRAME_ORDER),
            (.cameraMissing(reason: "no"), FL_ERROR_CAMERA),
            (.model(name: "x", reason: "no"), FL_ERROR_MODEL),
            (.modelRefuses(field: "planes", found: 0, reason: "No."), FL_ERROR_MODEL),
            (.sessionLimit(open: 2, limit: 2), FL_ERROR_LIMIT_SESSIONS),
            (.identityLimit(open: 2, limit: 2, key: "k", reason: "No."), FL_ERROR_LIMIT_IDENTITY),
            (.pixelLimit(found: 2, limit: 1, key: "k", reason: "No."), FL_ERROR_LIMIT_PIXELS),
            (.memoryLimit(needed: 2, available: 1, key: "k", reason: "No."), FL_ERROR_LIMIT_MEMORY),
            (.notOpened(seconds: 10), FL_ERROR_IDLE), (.idle(seconds: 300), FL_ERROR_IDLE),
            (.slowReader(seconds: 10), FL_ERROR_SLOW_READER), (.draining, FL_ERROR_DRAINING),
            (.renderFailed(reason: "No."), FL_ERROR_RENDER),
        ]
        for (error, code) in expected {
            #expect(ErrorReply(error, severity: .session).code == code)
        }
        let order = ErrorReply(.frameOrder(found: 3, last: 4), severity: .session)
        #expect(order.value == 3)
        #expect(order.limit == 4)
        #expect(order.field == "frame_id")
    }
}
