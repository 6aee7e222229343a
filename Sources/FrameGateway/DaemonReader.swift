// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import Glibc

/// Cuts what the daemon sends into replies. A picture is read straight into its own buffer, behind the
/// room for its header and body.
struct DaemonReader {
    enum Result {
        case reply(OutgoingMessage)
        /// The line before all replies, without its newline.
        case line([UInt8])
        /// Nothing more at the moment.
        case wait
        case end
    }

    /// The largest picture; more is not a reply of ours.
    private static let maxPayload = UInt64(FL_MAX_SIDE) * UInt64(FL_MAX_SIDE) * 4

    private var head: [UInt8] = []
    private var payload: MessageBuffer?
    private var payloadByteCount = 0
    private var filled = 0
    private var awaitsLine: Bool

    private static let maxLine = 64 << 10

    init(startsWithLine: Bool) { awaitsLine = startsWithLine }

    /// Reads until a reply is complete or nothing is there. The descriptor does not block.
    mutating func next(from descriptor: Int32, pool: inout BufferPool) -> Result {
        while awaitsLine {
            var byte: UInt8 = 0
            let count = recv(descriptor, &byte, 1, 0)
            guard count > 0, head.count < Self.maxLine else { return Self.ending(count) }
            if byte == UInt8(ascii: "\n") {
                awaitsLine = false
                defer { head.removeAll(keepingCapacity: true) }
                return .line(head)
            }
            head.append(byte)
        }
        while true {
            if let payload {
                guard filled < payloadByteCount else { return .reply(finish()) }
                let count = recv(
                    descriptor, payload.start + head.count + filled, payloadByteCount - filled, 0)
                guard count > 0 else { return Self.ending(count) }
                filled += count
                continue
            }
            let wanted = wantedHeadBytes - head.count
            if wanted == 0 {
                guard prepare(pool: &pool) else { return .end }
                if payload == nil { return .reply(finish()) }
                continue
            }
            var bytes = [UInt8](repeating: 0, count: wanted)
            let count = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress, wanted, 0)
            }
            guard count > 0 else { return Self.ending(count) }
            head += bytes[..<count]
        }
    }

    private var wantedHeadBytes: Int {
        guard head.count >= Int(FL_HEADER_BYTES) else { return Int(FL_HEADER_BYTES) }
        return Int(FL_HEADER_BYTES)
            + min(
                Int(Outbox.word32(head, 12)), Int(FL_MAX_BODY_BYTES))
    }

    /// - Returns: false if these bytes are no reply.
    private mutating func prepare(pool: inout BufferPool) -> Bool {
        let claimed = Outbox.word64(head, 16)
        guard Outbox.word32(head, 0) == FL_MAGIC, claimed <= Self.maxPayload else { return false }
        guard claimed > 0 else { return true }
        payloadByteCount = Int(claimed)
        filled = 0
        payload = pool.take(capacity: head.count + payloadByteCount)
        return true
    }

    private mutating func finish() -> OutgoingMessage {
        let message = OutgoingMessage(head: head, payload: payload)
        head.removeAll(keepingCapacity: true)
        payload = nil
        return message
    }

    private static func ending(_ count: Int) -> Result {
        count < 0 && (errno == EAGAIN || errno == EINTR) ? .wait : .end
    }
}
