// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

extension FrameMessage {
    /// - Parameter axes: those of the session.
    init(
        _ header: MessageHeader, _ body: ByteReader, axes: WorldAxes
    ) throws(ProtocolError) {
        var slot: Int?
        if header.flags & FL_FRAME_IN_SLOT != 0 {
            let body = body.part(at: WireFrame.byteCount, byteCount: WireSlot.byteCount)
            guard body.uint32(at: WireSlot.reserved) == 0 else {
                throw .reserved(field: "slot.reserved")
            }
            slot = Int(body.uint32(at: WireSlot.slot))
        }
        try Self.requireOne("exposure", body.float(at: WireFrame.exposure))
        try Self.requireOne("history_trust", body.float(at: WireFrame.historyTrust))
        self.init(
            frameID: header.frameID, isReset: header.flags & FL_FRAME_RESET != 0,
            allowsApproximate: header.flags & FL_FRAME_APPROXIMATE != 0,
            showsPlanes: header.flags & FL_FRAME_SHOW_PLANES != 0,
            camera: try Camera(
                body.part(at: WireFrame.camera, byteCount: WireCamera.byteCount),
                isPresent: header.flags & FL_FRAME_HAS_CAMERA != 0, axes: axes),
            motionFrom: header.flags & FL_FRAME_HAS_MOTION_FROM != 0
                ? body.uint64(at: WireFrame.motionFrom) : nil,
            clientTime: body.uint64(at: WireFrame.clientTime),
            jitter: try body.jitter(xAt: WireFrame.jitterX, yAt: WireFrame.jitterY),
            payloadByteCount: header.payloadByteCount, slot: slot)
    }

    private static func requireOne(_ field: String, _ value: Float) throws(ProtocolError) {
        guard value == 1 else {
            throw .value(field: field, found: Double(value), limit: 1, needs: "must be 1")
        }
    }
}

extension HistoryDescription {
    init(
        _ body: ByteReader, sent: SentLayout, limits: Limits
    ) throws(ProtocolError) {
        let size = FrameSize(
            width: try body.side("history.width", at: WireHistory.width, limits),
            height: try body.side("history.height", at: WireHistory.height, limits))
        let flags = body.uint32(at: WireHistory.flags)
        guard flags & ~FL_HISTORY_HAS_CAMERA == 0 else {
            throw .unknownFlags(
                field: "history.flags", bits: flags & ~FL_HISTORY_HAS_CAMERA, owner: "fl_history")
        }
        guard body.uint32(at: WireHistory.reserved) == 0 else {
            throw .reserved(field: "history.reserved")
        }
        let camera = try Camera(
            body.part(at: WireHistory.camera, byteCount: WireCamera.byteCount),
            isPresent: flags & FL_HISTORY_HAS_CAMERA != 0, axes: sent.axes)
        if sent.depthKind == .ray, camera == nil {
            throw .cameraMissing(reason: "depth along the ray is turned into planar depth by it")
        }
        let description = HistoryDescription(
            size: size, frameID: body.uint64(at: WireHistory.frameID),
            seed: body.uint64(at: WireHistory.seed), camera: camera,
            jitter: try body.jitter(xAt: WireHistory.jitterX, yAt: WireHistory.jitterY),
            sent: sent)
        guard let description else {
            throw .camera(
                field: "history.camera.near_plane", found: camera?.near ?? 0,
                needs: "must be below the far plane")
        }
        self = description
    }
}

extension ByteReader {
    package func side(_ field: String, at offset: Int, _ limits: Limits) throws(ProtocolError)
        -> Int
    {
        let value = Int(uint32(at: offset))
        guard limits.sides.contains(value) else {
            throw .side(field: field, found: value, limits: limits.sides)
        }
        return value
    }

    func jitter(xAt x: Int, yAt y: Int) throws(ProtocolError) -> SIMD2<Float> {
        let jitter = SIMD2(float(at: x), float(at: y))
        for (field, value) in [("jitter_x", jitter.x), ("jitter_y", jitter.y)] {
            guard value.magnitude <= Limits.maxJitter else {
                throw .value(
                    field: field, found: Double(value), limit: Double(Limits.maxJitter),
                    needs: "must be within \(Limits.maxJitter) pixels")
            }
        }
        return jitter
    }
}
