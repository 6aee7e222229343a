// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

extension FrameMessage {
    init(_ header: MessageHeader, _ body: ByteReader) throws(ProtocolError) {
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
                isPresent: header.flags & FL_FRAME_HAS_CAMERA != 0),
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
        _ body: ByteReader, layout: GBufferLayout, limits: Limits
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
            isPresent: flags & FL_HISTORY_HAS_CAMERA != 0)
        let description = HistoryDescription(
            size: size, frameID: body.uint64(at: WireHistory.frameID),
            seed: body.uint64(at: WireHistory.seed), camera: camera,
            jitter: try body.jitter(xAt: WireHistory.jitterX, yAt: WireHistory.jitterY),
            layout: layout)
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

extension Camera {
    /// - Parameter isPresent: false: the bytes mean nothing.
    init?(_ body: ByteReader, isPresent: Bool) throws(ProtocolError) {
        guard isPresent else { return nil }
        var rows: [SIMD4<Double>] = []
        for row in 0..<4 {
            var values = SIMD4<Double>()
            for column in 0..<4 {
                values[column] = body.double(at: WireCamera.cameraToWorld + 8 * (4 * row + column))
            }
            rows.append(values)
        }
        self.init(
            fx: body.double(at: WireCamera.fx), fy: body.double(at: WireCamera.fy),
            cx: body.double(at: WireCamera.cx), cy: body.double(at: WireCamera.cy),
            near: body.double(at: WireCamera.near), far: body.double(at: WireCamera.far),
            cameraToWorld: Rows(x: rows[0], y: rows[1], z: rows[2], w: rows[3]))
        try check()
    }

    /// Everything that the geometry divides by, inverts or rounds to integers.
    private func check() throws(ProtocolError) {
        for (field, value) in [("camera.fx", fx), ("camera.fy", fy)] {
            guard value >= Limits.minFocalLength, value <= Limits.maxCameraPixels else {
                throw .camera(
                    field: field, found: value,
                    needs: "must be \(Limits.minFocalLength) to \(Limits.maxCameraPixels) pixels")
            }
        }
        for (field, value) in [("camera.cx", cx), ("camera.cy", cy)] {
            guard value.magnitude <= Limits.maxCameraPixels else {
                throw .camera(
                    field: field, found: value,
                    needs: "must be within \(Limits.maxCameraPixels) pixels")
            }
        }
        for (field, value) in [("camera.near_plane", near), ("camera.far_plane", far)] {
            guard value >= 0, value <= Limits.maxCameraMetres else {
                throw .camera(
                    field: field, found: value,
                    needs: "must be 0 to \(Limits.maxCameraMetres) metres")
            }
        }
        guard near == 0 || near >= Limits.minNear else {
            throw .camera(
                field: "camera.near_plane", found: near,
                needs: "must be 0 (as agreed) or at least \(Limits.minNear) metres")
        }
        guard near == 0 || far == 0 || near < far else {
            throw .camera(
                field: "camera.near_plane", found: near, needs: "must be below the far plane")
        }
        try checkMatrix()
    }

    private func checkMatrix() throws(ProtocolError) {
        let rows = [cameraToWorld.x, cameraToWorld.y, cameraToWorld.z]
        for (index, row) in rows.enumerated() {
            guard row.w.magnitude <= Limits.maxCameraMetres else {
                throw .camera(
                    field: "camera.camera_to_world[\(4 * index + 3)]", found: row.w,
                    needs: "must be within \(Limits.maxCameraMetres) metres")
            }
            for other in index..<3 {
                let product = (row * rows[other] * SIMD4(1, 1, 1, 0)).sum()
                // Written so that NaN fails.
                guard (product - (other == index ? 1 : 0)).magnitude <= 1e-3 else {
                    throw .camera(
                        field: "camera.camera_to_world[\(4 * index)]", found: product,
                        needs: "must make rows \(index) and \(other) a rotation (unit length, "
                            + "orthogonal within 0.001)")
                }
            }
        }
        let determinant =
            rows[0].x * (rows[1].y * rows[2].z - rows[1].z * rows[2].y)
            - rows[0].y * (rows[1].x * rows[2].z - rows[1].z * rows[2].x)
            + rows[0].z * (rows[1].x * rows[2].y - rows[1].y * rows[2].x)
        guard determinant > 0 else {
            throw .camera(
                field: "camera.camera_to_world", found: determinant,
                needs: "must not mirror (its determinant must be 1)")
        }
        let last = cameraToWorld.w
        for (column, expected) in [0.0, 0, 0, 1].enumerated() {
            guard (last[column] - expected).magnitude <= 1e-6 else {
                throw .camera(
                    field: "camera.camera_to_world[\(12 + column)]", found: last[column],
                    needs: "must be \(expected)")
            }
        }
    }
}
