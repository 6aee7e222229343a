// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

/// Header and body of messages from the daemon; the payload, where there is one, follows from wherever it lies.
package enum MessageEncoder {
    package static func opened(_ opened: OpenedReply) -> [UInt8] {
        var body = ByteWriter(byteCount: WireOpened.byteCount)
        body.put(opened.sessionID, at: WireOpened.sessionID)
        body.put(opened.features, at: WireOpened.features)
        body.put(opened.plannedBytes, at: WireOpened.plannedBytes)
        body.put(opened.framePayloadByteCount, at: WireOpened.payloadBytes)
        body.put(opened.pictureByteCount, at: WireOpened.pictureBytes)
        body.put(UInt32(clamping: opened.maxFramesInFlight), at: WireOpened.maxFramesInFlight)
        body.put(opened.history.rawValue, at: WireOpened.history)
        body.put(opened.model, at: WireOpened.model, byteCount: WireOpened.modelByteCount)
        body.put(
            opened.modelVersion, at: WireOpened.modelVersion,
            byteCount: WireOpened.modelVersionByteCount)
        body.put(
            opened.precision, at: WireOpened.precision, byteCount: WireOpened.precisionByteCount)
        body.put(
            opened.kernelPath, at: WireOpened.kernelPath, byteCount: WireOpened.kernelPathByteCount)
        body.put(
            opened.precisionReason, at: WireOpened.precisionReason,
            byteCount: WireOpened.precisionReasonByteCount)
        return MessageHeader(type: FL_OPENED, bodyByteCount: WireOpened.byteCount)
            .encoded(body: body.bytes)
    }

    package static func picture(_ picture: PictureReply) -> [UInt8] {
        var body = ByteWriter(byteCount: WirePicture.byteCount)
        body.put(picture.clientTime, at: WirePicture.clientTime)
        body.put(picture.historyFrame ?? 0, at: WirePicture.historyFrame)
        body.put(picture.times.read, at: WirePicture.read)
        body.put(picture.times.queue, at: WirePicture.queue)
        body.put(picture.times.convert, at: WirePicture.convert)
        body.put(picture.times.render, at: WirePicture.render)
        body.put(picture.times.encode, at: WirePicture.encode)
        body.put(picture.age, at: WirePicture.age)
        body.put(picture.nextSend, at: WirePicture.nextSend)
        body.put(picture.load, at: WirePicture.load)
        body.put(picture.computedShare, at: WirePicture.computedShare)
        body.put(UInt32(clamping: picture.size.width), at: WirePicture.width)
        body.put(UInt32(clamping: picture.size.height), at: WirePicture.height)
        body.put(UInt32(clamping: picture.rowStride), at: WirePicture.rowStride)
        body.put(FL_PICTURE_RGBA8_SRGB, at: WirePicture.format)
        let seen = picture.seen
        for (value, offset) in [
            (seen.historyShare.map { $0 * 100 }, WirePicture.historyPercent),
            (seen.skyShare.map { $0 * 100 }, WirePicture.skyPercent),
            (seen.awayShare.map { $0 * 100 }, WirePicture.awayPercent),
            (seen.colorError, WirePicture.colorError),
        ] {
            body.put(SeenPlanes.byte(value), at: offset)
        }
        body.put(picture.droppedCount, at: WirePicture.droppedCount)
        for (index, id) in picture.droppedIDs.suffix(PictureReply.maxDroppedIDs).enumerated() {
            body.put(id, at: WirePicture.droppedIDs + 8 * index)
        }
        var flags = picture.quality.pictureFlag
        if picture.isLate { flags |= FL_PICTURE_LATE }
        if picture.isApproximate { flags |= FL_PICTURE_APPROXIMATE }
        if picture.historyFrame != nil { flags |= FL_PICTURE_HISTORY }
        if picture.isInSlot { flags |= FL_PICTURE_IN_SLOT }
        return MessageHeader(
            type: FL_PICTURE, flags: flags, bodyByteCount: WirePicture.byteCount,
            payloadByteCount: picture.isInSlot ? 0 : picture.payloadByteCount,
            frameID: picture.frameID
        ).encoded(body: body.bytes)
    }

    package static func error(_ error: ErrorReply) -> [UInt8] {
        var body = ByteWriter(byteCount: WireError.byteCount)
        body.put(error.code, at: WireError.code)
        body.put(error.severity.rawValue, at: WireError.severity)
        body.put(error.value, at: WireError.value)
        body.put(error.limit, at: WireError.limit)
        body.put(error.field, at: WireError.field, byteCount: WireError.fieldByteCount)
        body.put(error.text, at: WireError.text, byteCount: WireError.textByteCount)
        return MessageHeader(
            type: FL_ERROR, bodyByteCount: WireError.byteCount, frameID: error.frameID
        ).encoded(body: body.bytes)
    }

    package static func shared() -> [UInt8] {
        MessageHeader(type: FL_SHARED, bodyByteCount: 0).encoded(body: [])
    }

    package static func closed() -> [UInt8] {
        MessageHeader(type: FL_CLOSED, bodyByteCount: 0).encoded(body: [])
    }
}
