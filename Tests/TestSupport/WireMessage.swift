// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol

/// A message of the frame protocol as raw parts, so that tests can also say what no client would.
package struct WireMessage: Sendable {
    package var header: fl_header
    package var body: [UInt8]
    package var payload: [UInt8]

    /// `type`: `FL_OPEN` and so on; sizes in the header are those of the parts.
    package init(
        _ type: UInt32, flags: UInt32 = 0, frameID: UInt64 = 0, body: [UInt8] = [],
        payload: [UInt8] = []
    ) {
        header = fl_header(
            magic: FL_MAGIC, version: UInt16(FL_VERSION), type: UInt16(type), flags: flags,
            body_bytes: UInt32(body.count), payload_bytes: UInt64(payload.count),
            frame_id: frameID)
        self.body = body
        self.payload = payload
    }

    package static func open(_ open: fl_open) -> WireMessage {
        WireMessage(FL_OPEN, body: bytes(of: open))
    }

    package static func reconfigure(_ open: fl_open, keepHistory: Bool) -> WireMessage {
        WireMessage(
            FL_RECONFIGURE, flags: keepHistory ? FL_OPEN_KEEP_HISTORY : 0, body: bytes(of: open))
    }

    package static func frame(
        _ frameID: UInt64, _ frame: SyntheticFrame, flags: UInt32 = 0
    ) -> WireMessage {
        WireMessage(
            FL_FRAME, flags: flags | frame.flags, frameID: frameID, body: bytes(of: frame.body),
            payload: frame.planes.flatMap { $0 })
    }

    package var bytes: [UInt8] { Self.bytes(of: header) + body + payload }

    /// A struct of the wire as it lies in memory.
    package static func bytes<Value>(of value: Value) -> [UInt8] {
        withUnsafeBytes(of: value) { Array($0) }
    }

    /// The body as a struct of the wire; the body must be as long.
    package func body<Value>(as type: Value.Type) -> Value {
        precondition(body.count >= MemoryLayout<Value>.size, "the body is shorter than its struct")
        return body.withUnsafeBytes { $0.loadUnaligned(as: type) }
    }
}

extension UnixSocket {
    @discardableResult
    package func send(_ message: WireMessage, seconds: Double = 20) throws -> Bool {
        try write(message.bytes, seconds: seconds)
    }

    /// nil: the peer closed.
    package func receive(seconds: Double = 20) throws -> WireMessage? {
        let head = try read(MemoryLayout<fl_header>.size, seconds: seconds)
        guard head.count == MemoryLayout<fl_header>.size else { return nil }
        let header = head.withUnsafeBytes { $0.loadUnaligned(as: fl_header.self) }
        var message = WireMessage(UInt32(header.type))
        message.header = header
        message.body = try read(Int(header.body_bytes), seconds: seconds)
        message.payload = try read(Int(header.payload_bytes), seconds: seconds)
        let isWhole =
            message.body.count == Int(header.body_bytes)
            && message.payload.count == Int(header.payload_bytes)
        return isWhole ? message : nil
    }
}

/// Writes a text into a field of a C struct, padded with zeros.
package func setText<Field>(_ field: inout Field, _ text: String) {
    withUnsafeMutableBytes(of: &field) { bytes in
        for index in bytes.indices { bytes[index] = 0 }
        bytes.copyBytes(from: text.utf8.prefix(bytes.count - 1))
    }
}

/// The text in a field of a C struct.
package func text<Field>(_ field: Field) -> String {
    withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
