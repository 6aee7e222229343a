// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol

/// Follows the browser's messages on their way to the daemon: one WebSocket message carries exactly
/// one message of the frame protocol.
///
/// Payload is never collected. Header and body are held back until they are complete, because the
/// picture format that only a gateway knows is asked for in the body of `FL_OPEN`.
package struct MessageSplitter {
    /// What the client has agreed for the pictures that follow the next `FL_OPENED`.
    package struct Agreement: Equatable, Sendable {
        package var wantsJPEG = false
        /// Every picture is to arrive; else a newer one replaces one that waits.
        package var takesEvery = false

        package init(wantsJPEG: Bool = false, takesEvery: Bool = false) {
            self.wantsJPEG = wantsJPEG
            self.takesEvery = takesEvery
        }
    }

    private let maxMessageBytes: UInt64
    private var head: [UInt8] = []
    private var headByteCount = Int(FL_HEADER_BYTES)
    private var payloadLeft: UInt64 = 0
    private var isInPayload = false
    /// Set when an `FL_OPEN` or `FL_RECONFIGURE` has passed.
    package private(set) var agreement = Agreement()

    package init(maxMessageBytes: UInt64) { self.maxMessageBytes = maxMessageBytes }

    /// - Parameters:
    ///   - bytes: the next part of the WebSocket message.
    ///   - remaining: bytes of the WebSocket frame that are still to come.
    ///   - isLast: these bytes end the message.
    /// - Returns: what goes to the daemon now.
    package mutating func append(
        _ bytes: [UInt8], remaining: UInt64, isLast: Bool
    ) throws(CloseReason) -> [UInt8] {
        // The claim is refused before anything is read for it.
        let (claimed, overflow) = remaining.addingReportingOverflow(UInt64(bytes.count))
        guard !overflow, claimed <= maxMessageBytes else {
            throw .tooLarge(claimed: overflow ? .max : claimed, limit: maxMessageBytes)
        }
        var out: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            if isInPayload {
                guard UInt64(rest.count) <= payloadLeft else {
                    throw .malformed("the message is longer than its header says")
                }
                payloadLeft -= UInt64(rest.count)
                if out.isEmpty && rest.count == bytes.count {
                    out = bytes
                } else {
                    out += rest
                }
                rest = []
            } else {
                let part = rest.prefix(headByteCount - head.count)
                head += part
                rest = rest.dropFirst(part.count)
                if head.count == headByteCount { try finishHead(into: &out) }
            }
        }
        if isLast {
            guard isInPayload, payloadLeft == 0 else {
                throw .malformed("the message is shorter than its header says")
            }
            startNext()
        }
        return out
    }

    private mutating func finishHead(into out: inout [UInt8]) throws(CloseReason) {
        if headByteCount == Int(FL_HEADER_BYTES) {
            guard word(at: 0) == FL_MAGIC else { throw .malformed("not a Frameloom message") }
            let bodyByteCount = word(at: 12)
            guard bodyByteCount <= FL_MAX_BODY_BYTES else {
                throw .tooLarge(
                    claimed: UInt64(bodyByteCount), limit: UInt64(FL_MAX_BODY_BYTES))
            }
            payloadLeft = UInt64(word(at: 16)) | UInt64(word(at: 20)) << 32
            guard payloadLeft <= maxMessageBytes else {
                throw .tooLarge(claimed: payloadLeft, limit: maxMessageBytes)
            }
            headByteCount += Int(bodyByteCount)
            guard bodyByteCount == 0 else { return }
        }
        noteOpening()
        out += head
        head.removeAll(keepingCapacity: true)
        isInPayload = true
    }

    /// The daemon sends RGBA8 only; the gateway makes JPEG of it.
    private mutating func noteOpening() {
        let type = UInt32(head[6]) | UInt32(head[7]) << 8
        guard type == FL_OPEN || type == FL_RECONFIGURE,
            head.count >= Int(FL_HEADER_BYTES) + MemoryLayout<fl_open>.size
        else { return }
        let format = Int(FL_HEADER_BYTES) + Self.pictureFormatOffset
        agreement = Agreement(
            wantsJPEG: head[format] == UInt8(FL_PICTURE_JPEG),
            takesEvery: head[Int(FL_HEADER_BYTES) + Self.mailboxOffset] == UInt8(FL_MAILBOX_EVERY))
        if agreement.wantsJPEG { head[format] = UInt8(FL_PICTURE_RGBA8_SRGB) }
    }

    private static let mailboxOffset = MemoryLayout<fl_open>.offset(of: \.mailbox) ?? 18
    private static let pictureFormatOffset =
        MemoryLayout<fl_open>.offset(of: \.picture_format) ?? 20

    private mutating func startNext() {
        isInPayload = false
        headByteCount = Int(FL_HEADER_BYTES)
        head.removeAll(keepingCapacity: true)
    }

    private func word(at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(head[offset + $1]) << (8 * UInt32($1)) }
    }
}
