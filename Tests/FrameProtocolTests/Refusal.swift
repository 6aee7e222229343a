// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Testing

@testable import FrameProtocol

/// One changed field, and what the daemon says about it.
struct Refusal: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var code: UInt32
    var field: String
    /// A part of the sentence.
    var text: String

    init(_ name: String, _ bytes: [UInt8], _ code: UInt32, _ field: String, _ text: String) {
        self.name = name
        self.bytes = bytes
        self.code = code
        self.field = field
        self.text = text
    }

    var testDescription: String { name }

    /// Expects the reply to name what was wrong, where, in one sentence that fits its field.
    func expect(_ reply: ErrorReply) {
        #expect(reply.code == code)
        #expect(reply.field == field)
        #expect(reply.text.contains(text), "\(reply.text)")
        #expect(reply.text.hasSuffix(".") || reply.text.hasSuffix(")."), "\(reply.text)")
        #expect(reply.text.utf8.count < WireError.textByteCount, "\(reply.text)")
        #expect(reply.field.utf8.count < WireError.fieldByteCount)
    }
}
