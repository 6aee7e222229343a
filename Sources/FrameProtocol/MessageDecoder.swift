// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

/// Turns bytes from a client into messages.
///
/// It is fed header and body in any split and never sees payload: after a message the caller reads
/// `message.payloadByteCount` bytes wherever they belong and then goes on here. A length is refused
/// before anything is buffered for it. After an error the stream cannot be read any further.
package struct MessageDecoder: Sendable {
    private let limits: Limits
    private var framing: MessageFraming
    /// Of the cameras in frames, as opened or reconfigured last.
    private var axes = WorldAxes()

    package init(limits: Limits = .version1) {
        self.limits = limits
        framing = MessageFraming(limits: limits)
    }

    /// How many bytes to read next; never 0. Fewer may be appended, more never.
    package var wantedByteCount: Int { framing.wantedByteCount }

    /// - Returns: nil while the message is incomplete.
    package mutating func append(_ bytes: ArraySlice<UInt8>) throws(ProtocolError) -> Message? {
        let complete = try framing.append(bytes) { header throws(ProtocolError) in
            try Self.check(header)
        }
        guard let (header, body) = complete else { return nil }
        return try message(header, body)
    }

    package mutating func append(_ bytes: [UInt8]) throws(ProtocolError) -> Message? {
        try append(bytes[...])
    }

    /// What can be refused before the body is read.
    private static func check(_ header: MessageHeader) throws(ProtocolError) {
        switch header.type {
        case FL_OPEN:
            try header.requireFlags(FL_OPEN_HISTORY, message: "FL_OPEN")
            try header.requireNoFrame()
            let resumes = header.flags & FL_OPEN_HISTORY != 0
            try header.requireBody(WireOpen.byteCount + (resumes ? WireHistory.byteCount : 0))
            if !resumes { try header.requirePayload(0) }
        case FL_FRAME:
            try header.requireFlags(
                FL_FRAME_RESET | FL_FRAME_APPROXIMATE | FL_FRAME_HAS_CAMERA
                    | FL_FRAME_HAS_MOTION_FROM | FL_FRAME_SHOW_PLANES | FL_FRAME_IN_SLOT,
                message: "FL_FRAME")
            let isInSlot = header.flags & FL_FRAME_IN_SLOT != 0
            try header.requireBody(WireFrame.byteCount + (isInSlot ? WireSlot.byteCount : 0))
            if isInSlot { try header.requirePayload(0) }
        case FL_SHARE:
            try header.requireFlags(0, message: "FL_SHARE")
            try header.requireNoFrame()
            try header.requireBody(WireShare.byteCount)
            // The byte that the descriptor is attached to.
            try header.requirePayload(1)
        case FL_RESET, FL_CLOSE:
            try header.requireFlags(0, message: header.type == FL_RESET ? "FL_RESET" : "FL_CLOSE")
            try header.requireNoFrame()
            try header.requirePayload(0)
        case FL_RECONFIGURE:
            try header.requireFlags(FL_OPEN_KEEP_HISTORY, message: "FL_RECONFIGURE")
            try header.requireNoFrame()
            try header.requireBody(WireOpen.byteCount)
            try header.requirePayload(0)
        default:
            throw .messageType(found: UInt16(truncatingIfNeeded: header.type))
        }
    }

    private mutating func message(
        _ header: MessageHeader, _ body: ByteReader
    ) throws(ProtocolError) -> Message {
        switch header.type {
        case FL_OPEN:
            let request = try OpenRequest(body, limits: limits)
            axes = request.axes
            guard header.flags & FL_OPEN_HISTORY != 0 else { return .open(request, history: nil) }
            let history = try HistoryDescription(
                body.part(at: WireOpen.byteCount, byteCount: WireHistory.byteCount),
                sent: request.sent, limits: limits)
            try header.requirePayload(UInt64(history.byteCount))
            return .open(request, history: history)
        case FL_FRAME:
            // The stream stays readable after a bad frame, so only the frame is refused.
            do throws(ProtocolError) {
                return .frame(try FrameMessage(header, body, axes: axes))
            } catch {
                return .refusedFrame(
                    RefusedFrame(
                        frameID: header.frameID, isReset: header.flags & FL_FRAME_RESET != 0,
                        payloadByteCount: header.payloadByteCount,
                        isInSlot: header.flags & FL_FRAME_IN_SLOT != 0, error: error))
            }
        case FL_SHARE: return .share(try SlotTable(body))
        case FL_RECONFIGURE:
            let request = try OpenRequest(body, limits: limits)
            axes = request.axes
            return .reconfigure(
                request,
                keepsHistory: header.flags & FL_OPEN_KEEP_HISTORY != 0)
        case FL_RESET: return .reset
        default: return .close
        }
    }
}
