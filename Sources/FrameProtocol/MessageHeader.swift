// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol

/// The 32 bytes before every body.
package struct MessageHeader: Sendable, Equatable {
    package var type: UInt32
    package var flags: UInt32 = 0
    package var bodyByteCount: Int
    package var payloadByteCount: UInt64 = 0
    package var frameID: UInt64 = 0

    package init(
        type: UInt32, flags: UInt32 = 0, bodyByteCount: Int, payloadByteCount: UInt64 = 0,
        frameID: UInt64 = 0
    ) {
        self.type = type
        self.flags = flags
        self.bodyByteCount = bodyByteCount
        self.payloadByteCount = payloadByteCount
        self.frameID = frameID
    }

    /// - Throws: what makes the rest of the stream unreadable: magic, version, a body too large.
    package init(_ bytes: ArraySlice<UInt8>, limits: Limits) throws(ProtocolError) {
        let reader = ByteReader(bytes)
        let magic = reader.uint32(at: WireHeader.magic)
        guard magic == FL_MAGIC else { throw .magic(found: magic) }
        let version = reader.uint16(at: WireHeader.version)
        guard version == FL_VERSION else { throw .version(found: version) }
        type = UInt32(reader.uint16(at: WireHeader.type))
        flags = reader.uint32(at: WireHeader.flags)
        bodyByteCount = Int(reader.uint32(at: WireHeader.bodyBytes))
        guard bodyByteCount <= limits.bodyByteCount else {
            throw .bodyTooLarge(claimed: bodyByteCount, limit: limits.bodyByteCount)
        }
        payloadByteCount = reader.uint64(at: WireHeader.payloadBytes)
        frameID = reader.uint64(at: WireHeader.frameID)
    }

    /// The header, then `body`.
    package func encoded(body: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(byteCount: WireHeader.byteCount)
        writer.put(FL_MAGIC, at: WireHeader.magic)
        writer.put(UInt16(FL_VERSION), at: WireHeader.version)
        writer.put(UInt16(truncatingIfNeeded: type), at: WireHeader.type)
        writer.put(flags, at: WireHeader.flags)
        writer.put(UInt32(body.count), at: WireHeader.bodyBytes)
        writer.put(payloadByteCount, at: WireHeader.payloadBytes)
        writer.put(frameID, at: WireHeader.frameID)
        return writer.bytes + body
    }

    package func requireBody(_ needed: Int) throws(ProtocolError) {
        guard bodyByteCount >= needed else {
            throw .bodyTooShort(claimed: bodyByteCount, needed: needed)
        }
    }

    package func requirePayload(_ expected: UInt64) throws(ProtocolError) {
        guard payloadByteCount == expected else {
            throw .payloadSize(claimed: payloadByteCount, expected: expected)
        }
    }

    package func requireFlags(_ known: UInt32, message: String) throws(ProtocolError) {
        guard flags & ~known == 0 else {
            throw .unknownFlags(field: "flags", bits: flags & ~known, owner: message)
        }
    }

    /// A message about no frame carries frame id 0.
    package func requireNoFrame() throws(ProtocolError) {
        guard frameID == 0 else { throw .reserved(field: "frame_id") }
    }
}

/// Collects one header and its body from bytes in any split.
package struct MessageFraming: Sendable {
    private let limits: Limits
    private var buffer: [UInt8] = []
    private var header: MessageHeader?

    package init(limits: Limits) {
        self.limits = limits
        buffer.reserveCapacity(WireHeader.byteCount + WireOpen.byteCount + WireHistory.byteCount)
    }

    /// Bytes until the header, then until the body, is complete; never 0.
    package var wantedByteCount: Int {
        WireHeader.byteCount + (header?.bodyByteCount ?? 0) - buffer.count
    }

    /// - Parameter check: sees the header before any of the body is asked for.
    package mutating func append(
        _ bytes: ArraySlice<UInt8>,
        check: (MessageHeader) throws(ProtocolError) -> Void
    ) throws(ProtocolError) -> (MessageHeader, ByteReader)? {
        precondition(bytes.count <= wantedByteCount, "more bytes than the decoder asked for")
        buffer += bytes
        // Whoever speaks another protocol may send less than a header, and wait for an answer.
        if header == nil, buffer.count >= 4 {
            let magic = ByteReader(buffer[...]).uint32(at: WireHeader.magic)
            guard magic == FL_MAGIC else { throw .magic(found: magic) }
        }
        if header == nil, buffer.count == WireHeader.byteCount {
            let newHeader = try MessageHeader(buffer[...], limits: limits)
            try check(newHeader)
            header = newHeader
        }
        guard let complete = header,
            buffer.count == WireHeader.byteCount + complete.bodyByteCount
        else { return nil }
        let body = ByteReader(buffer[WireHeader.byteCount...])
        header = nil
        buffer.removeAll(keepingCapacity: true)
        return (complete, body)
    }
}
