// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameProtocol
import FrameTypes

/// The client's half of the protocol, written by itself: engines use the C client.
extension MessageEncoder {
    package static func open(
        _ request: OpenRequest, history: HistoryDescription? = nil
    ) -> [UInt8] {
        let body = openBody(request) + (history.map(historyBody) ?? [])
        let header = MessageHeader(
            type: FL_OPEN, flags: history == nil ? 0 : FL_OPEN_HISTORY, bodyByteCount: body.count,
            payloadByteCount: UInt64(history?.byteCount ?? 0))
        return header.encoded(body: body)
    }

    package static func reconfigure(_ request: OpenRequest, keepsHistory: Bool) -> [UInt8] {
        let body = openBody(request)
        return MessageHeader(
            type: FL_RECONFIGURE, flags: keepsHistory ? FL_OPEN_KEEP_HISTORY : 0,
            bodyByteCount: body.count
        ).encoded(body: body)
    }

    package static func frame(_ frame: FrameMessage) -> [UInt8] {
        let slotByteCount = frame.slot == nil ? 0 : WireSlot.byteCount
        var body = ByteWriter(byteCount: WireFrame.byteCount + slotByteCount)
        body.put(frame.motionFrom ?? 0, at: WireFrame.motionFrom)
        body.put(frame.clientTime, at: WireFrame.clientTime)
        body.put(Float(1), at: WireFrame.exposure)
        body.put(Float(1), at: WireFrame.historyTrust)
        body.put(frame.jitter.x, at: WireFrame.jitterX)
        body.put(frame.jitter.y, at: WireFrame.jitterY)
        if let camera = frame.camera { body.put(camera, at: WireFrame.camera) }
        var flags: UInt32 = 0
        if frame.isReset { flags |= FL_FRAME_RESET }
        if frame.allowsApproximate { flags |= FL_FRAME_APPROXIMATE }
        if frame.showsPlanes { flags |= FL_FRAME_SHOW_PLANES }
        if frame.camera != nil { flags |= FL_FRAME_HAS_CAMERA }
        if frame.motionFrom != nil { flags |= FL_FRAME_HAS_MOTION_FROM }
        if let slot = frame.slot {
            flags |= FL_FRAME_IN_SLOT
            body.put(UInt32(clamping: slot), at: WireFrame.byteCount + WireSlot.slot)
        }
        return MessageHeader(
            type: FL_FRAME, flags: flags, bodyByteCount: WireFrame.byteCount + slotByteCount,
            payloadByteCount: frame.payloadByteCount, frameID: frame.frameID
        ).encoded(body: body.bytes)
    }

    /// The byte that carries the descriptor follows.
    package static func share(_ slots: SlotTable) -> [UInt8] {
        var body = ByteWriter(byteCount: WireShare.byteCount)
        body.put(UInt64(clamping: slots.slotByteCount), at: WireShare.slotBytes)
        body.put(UInt64(clamping: slots.pictureOffset), at: WireShare.pictureOffset)
        body.put(UInt32(clamping: slots.slotCount), at: WireShare.slotCount)
        return MessageHeader(
            type: FL_SHARE, bodyByteCount: WireShare.byteCount, payloadByteCount: 1
        ).encoded(body: body.bytes)
    }

    package static func reset() -> [UInt8] {
        MessageHeader(type: FL_RESET, bodyByteCount: 0).encoded(body: [])
    }

    package static func close() -> [UInt8] {
        MessageHeader(type: FL_CLOSE, bodyByteCount: 0).encoded(body: [])
    }

    private static func openBody(_ request: OpenRequest) -> [UInt8] {
        let layout = request.layout
        var body = ByteWriter(byteCount: WireOpen.byteCount)
        body.put(
            (request.wantsIncremental ? FL_FEATURE_INCREMENTAL : 0)
                | (request.wantsSharedMemory ? FL_FEATURE_SHARED_MEMORY : 0)
                | (request.quality?.feature ?? 0)
                | (request.mayFall ? FL_FEATURE_QUALITY_MAY_FALL : 0),
            at: WireOpen.features)
        body.put(UInt32(clamping: layout.size.width), at: WireOpen.width)
        body.put(UInt32(clamping: layout.size.height), at: WireOpen.height)
        body.put(UInt8(clamping: layout.planes.count), at: WireOpen.planeCount)
        body.put(layout.origin.rawValue, at: WireOpen.origin)
        body.put(WireMailbox(request.mailbox).rawValue, at: WireOpen.mailbox)
        body.put(UInt8(clamping: request.viewIndex), at: WireOpen.viewIndex)
        body.put(UInt8(FL_PICTURE_RGBA8_SRGB), at: WireOpen.pictureFormat)
        body.put(request.sent.normalSpace.rawValue, at: WireOpen.normalSpace)
        body.put(
            UInt32(clamping: (request.frameBudgetNanoseconds ?? 0) / 1000),
            at: WireOpen.frameBudget)
        putConventions(request.sent, into: &body)
        if let motion = request.sent.motion {
            body.put(motion.scaleX, at: WireOpen.motionScaleX)
            body.put(motion.scaleY, at: WireOpen.motionScaleY)
            body.put(
                UInt8(motion.isJittered ? FL_MOTION_JITTERED : 0), at: WireOpen.motionFlags)
        }
        body.put(request.scales.controlThousandths, at: WireOpen.controlScale)
        body.put(request.scales.adapterThousandths, at: WireOpen.adapterScale)
        body.put(request.seed, at: WireOpen.seed)
        body.put(request.model ?? "", at: WireOpen.model, byteCount: WireOpen.textByteCount)
        body.put(request.clientName, at: WireOpen.clientName, byteCount: WireOpen.textByteCount)
        var lastOffset: Int?
        for (index, plane) in request.sent.planes.prefix(Int(FL_MAX_PLANES)).enumerated() {
            let offset = WireOpen.planes + index * WirePlane.byteCount
            body.put(plane.kind.rawValue, at: offset + WirePlane.kind)
            body.put(plane.format.rawValue, at: offset + WirePlane.format)
            body.put(UInt8(clamping: plane.channel), at: offset + WirePlane.channel)
            guard plane.format.bytesPerPixel > 0 else { continue }
            if plane.offset == lastOffset {
                body.put(UInt8(FL_PLANE_SAME_BYTES), at: offset + WirePlane.flags)
            }
            body.put(UInt32(clamping: plane.rowStride), at: offset + WirePlane.rowStride)
            lastOffset = plane.offset
        }
        return body.bytes
    }

    private static func putConventions(_ sent: SentLayout, into body: inout ByteWriter) {
        let axes = sent.axes
        let usual = WorldAxes(axes.preset).metresPerUnit
        let unit =
            axes.metresPerUnit == usual
            ? 0 : axes.metresPerUnit == 1 ? FL_UNIT_METRES : FL_UNIT_CENTIMETRES
        body.put(
            UInt8(
                UInt32(axes.preset.rawValue) | unit
                    | (axes.isColumnMajor ? FL_MATRIX_COLUMN_MAJOR : 0)),
            at: WireOpen.axes)
        body.put(sent.depthKind.rawValue, at: WireOpen.depthKind)
        body.put(sent.roughness.rawValue, at: WireOpen.roughnessKind)
        switch sent.depth {
        case .linear(let metresPerUnit, let far):
            body.put(metresPerUnit, at: WireOpen.depthScale)
            body.put(far.isFinite ? far / axes.metresPerUnit : 0, at: WireOpen.depthFar)
        case .deviceReversed(let near, let far):
            body.put(near / axes.metresPerUnit, at: WireOpen.depthNear)
            body.put(far.isFinite ? far / axes.metresPerUnit : 0, at: WireOpen.depthFar)
        }
    }

    private static func historyBody(_ history: HistoryDescription) -> [UInt8] {
        var body = ByteWriter(byteCount: WireHistory.byteCount)
        body.put(UInt32(clamping: history.size.width), at: WireHistory.width)
        body.put(UInt32(clamping: history.size.height), at: WireHistory.height)
        body.put(history.frameID, at: WireHistory.frameID)
        body.put(history.seed, at: WireHistory.seed)
        body.put(history.jitter.x, at: WireHistory.jitterX)
        body.put(history.jitter.y, at: WireHistory.jitterY)
        if let camera = history.camera {
            body.put(FL_HISTORY_HAS_CAMERA, at: WireHistory.flags)
            body.put(camera, at: WireHistory.camera)
        }
        return body.bytes
    }
}

extension ByteWriter {
    fileprivate mutating func put(_ camera: Camera, at offset: Int) {
        put(camera.fx, at: offset + WireCamera.fx)
        put(camera.fy, at: offset + WireCamera.fy)
        put(camera.cx, at: offset + WireCamera.cx)
        put(camera.cy, at: offset + WireCamera.cy)
        put(camera.near, at: offset + WireCamera.near)
        put(camera.far, at: offset + WireCamera.far)
        let matrix = camera.cameraToWorld
        for (row, values) in [matrix.x, matrix.y, matrix.z, matrix.w].enumerated() {
            for column in 0..<4 {
                put(values[column], at: offset + WireCamera.cameraToWorld + 8 * (4 * row + column))
            }
        }
    }
}
