// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameProtocol
import FrameTypes

/// A message from the daemon.
package enum Reply: Sendable, Equatable {
    case opened(OpenedReply)
    /// The picture's bytes follow as payload.
    case picture(PictureReply)
    case error(ErrorReply)
    case closed
    /// Frames may come in slots.
    case shared

    package var payloadByteCount: UInt64 {
        switch self {
        case .picture(let picture): picture.payloadByteCount
        case .opened, .error, .closed, .shared: 0
        }
    }
}

/// Turns bytes from the daemon into replies: the other end of `MessageDecoder`.
package struct ReplyDecoder: Sendable {
    private var framing = MessageFraming(limits: .version1)

    package init() {}

    /// How many bytes to read next; never 0. Fewer may be appended, more never.
    package var wantedByteCount: Int { framing.wantedByteCount }

    /// - Returns: nil while the reply is incomplete.
    package mutating func append(_ bytes: ArraySlice<UInt8>) throws(ProtocolError) -> Reply? {
        let complete = try framing.append(bytes) { header throws(ProtocolError) in
            try Self.check(header)
        }
        guard let (header, body) = complete else { return nil }
        switch header.type {
        case FL_OPENED: return .opened(try OpenedReply(body))
        case FL_PICTURE: return .picture(try PictureReply(header, body))
        case FL_ERROR: return .error(try ErrorReply(header, body))
        case FL_SHARED: return .shared
        default: return .closed
        }
    }

    package mutating func append(_ bytes: [UInt8]) throws(ProtocolError) -> Reply? {
        try append(bytes[...])
    }

    private static func check(_ header: MessageHeader) throws(ProtocolError) {
        switch header.type {
        case FL_OPENED: try header.requireBody(WireOpened.byteCount)
        case FL_PICTURE: try header.requireBody(WirePicture.byteCount)
        case FL_ERROR: try header.requireBody(WireError.byteCount)
        case FL_CLOSED, FL_SHARED: break
        default: throw .messageType(found: UInt16(truncatingIfNeeded: header.type))
        }
        if header.type != FL_PICTURE { try header.requirePayload(0) }
    }
}

extension OpenedReply {
    fileprivate init(_ body: ByteReader) throws(ProtocolError) {
        let start = body.uint32(at: WireOpened.history)
        guard let history = HistoryStart(rawValue: start) else {
            throw .unsupportedValue(
                field: "history", found: Int(start), name: "value \(start)", allowed: "0, 1 or 2")
        }
        self.init(
            sessionID: body.uint64(at: WireOpened.sessionID),
            features: body.uint64(at: WireOpened.features),
            plannedBytes: body.uint64(at: WireOpened.plannedBytes),
            framePayloadByteCount: body.uint64(at: WireOpened.payloadBytes),
            pictureByteCount: body.uint64(at: WireOpened.pictureBytes),
            maxFramesInFlight: Int(body.uint32(at: WireOpened.maxFramesInFlight)),
            history: history,
            model: try body.text(
                "model", at: WireOpened.model, byteCount: WireOpened.modelByteCount),
            modelVersion: try body.text(
                "model_version", at: WireOpened.modelVersion,
                byteCount: WireOpened.modelVersionByteCount),
            precision: try body.text(
                "precision", at: WireOpened.precision, byteCount: WireOpened.precisionByteCount),
            kernelPath: try body.text(
                "kernel_path", at: WireOpened.kernelPath, byteCount: WireOpened.kernelPathByteCount),
            precisionReason: try body.text(
                "precision_reason", at: WireOpened.precisionReason,
                byteCount: WireOpened.precisionReasonByteCount)
        )
    }
}

extension PictureReply {
    fileprivate init(_ header: MessageHeader, _ body: ByteReader) throws(ProtocolError) {
        let format = body.uint32(at: WirePicture.format)
        guard format == FL_PICTURE_RGBA8_SRGB else {
            throw .unsupportedValue(
                field: "format", found: Int(format), name: "value \(format)",
                allowed: "FL_PICTURE_RGBA8_SRGB")
        }
        self.init(
            frameID: header.frameID,
            size: FrameSize(
                width: try body.side("width", at: WirePicture.width, .version1),
                height: try body.side("height", at: WirePicture.height, .version1)))
        isInSlot = header.flags & FL_PICTURE_IN_SLOT != 0
        isLate = header.flags & FL_PICTURE_LATE != 0
        quality =
            FrameQuality.allCases.first {
                $0 != .full && header.flags & $0.pictureFlag != 0
            } ?? .full
        isApproximate = header.flags & FL_PICTURE_APPROXIMATE != 0
        historyFrame =
            header.flags & FL_PICTURE_HISTORY != 0
            ? body.uint64(at: WirePicture.historyFrame) : nil
        clientTime = body.uint64(at: WirePicture.clientTime)
        times.read = body.uint64(at: WirePicture.read)
        times.queue = body.uint64(at: WirePicture.queue)
        times.convert = body.uint64(at: WirePicture.convert)
        times.render = body.uint64(at: WirePicture.render)
        times.encode = body.uint64(at: WirePicture.encode)
        age = body.uint64(at: WirePicture.age)
        nextSend = body.uint64(at: WirePicture.nextSend)
        load = body.float(at: WirePicture.load)
        computedShare = body.float(at: WirePicture.computedShare)
        func seen(_ offset: Int) -> Double? {
            let byte = body.uint8(at: offset)
            return byte == 0 ? nil : Double(byte - 1)
        }
        self.seen = SeenPlanes(
            historyShare: seen(WirePicture.historyPercent).map { $0 / 100 },
            skyShare: seen(WirePicture.skyPercent).map { $0 / 100 },
            awayShare: seen(WirePicture.awayPercent).map { $0 / 100 },
            colorError: seen(WirePicture.colorError))
        rowStride = Int(body.uint32(at: WirePicture.rowStride))
        droppedCount = body.uint32(at: WirePicture.droppedCount)
        let listed = min(Int(droppedCount), Self.maxDroppedIDs)
        droppedIDs = (0..<listed).map { body.uint64(at: WirePicture.droppedIDs + 8 * $0) }
        payloadByteCount = header.payloadByteCount
        let (expected, overflow) = rowStride.multipliedReportingOverflow(by: size.height)
        guard !overflow, rowStride >= size.width * 4 else {
            throw .rowStride(
                field: "row_stride", found: rowStride,
                limits: size.width * 4...Limits.maxRowStride(packed: size.width * 4))
        }
        try header.requirePayload(isInSlot ? 0 : UInt64(expected))
    }
}

extension ErrorReply {
    fileprivate init(_ header: MessageHeader, _ body: ByteReader) throws(ProtocolError) {
        let level = body.uint32(at: WireError.severity)
        guard let severity = ErrorSeverity(rawValue: level) else {
            throw .unsupportedValue(
                field: "severity", found: Int(level), name: "value \(level)", allowed: "1 or 2")
        }
        self.init(
            frameID: header.frameID, code: body.uint32(at: WireError.code), severity: severity,
            value: body.double(at: WireError.value), limit: body.double(at: WireError.limit),
            field: try body.text(
                "field", at: WireError.field, byteCount: WireError.fieldByteCount),
            text: try body.text("text", at: WireError.text, byteCount: WireError.textByteCount))
    }
}
