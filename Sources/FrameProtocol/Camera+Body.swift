// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

extension Camera {
    /// In our axes and metres, whatever those of the client are. Fields in errors are the client's.
    /// - Parameter isPresent: false: the bytes mean nothing.
    init?(_ body: ByteReader, isPresent: Bool, axes: WorldAxes) throws(ProtocolError) {
        guard isPresent else { return nil }
        let matrix = try StatedMatrix(body, isColumnMajor: axes.isColumnMajor)
        let unit = axes.metresPerUnit
        self.init(
            fx: body.double(at: WireCamera.fx), fy: body.double(at: WireCamera.fy),
            cx: body.double(at: WireCamera.cx), cy: body.double(at: WireCamera.cy),
            near: body.double(at: WireCamera.near) * unit,
            far: body.double(at: WireCamera.far) * unit,
            cameraToWorld: axes.cameraToWorld(matrix.rows))
        try check()
        guard cameraToWorld.determinant > 0 else {
            let isOwn = axes.preset == .openGL || axes.preset == .blender
            throw .camera(
                field: "camera.camera_to_world", found: cameraToWorld.determinant,
                needs: isOwn
                    ? "must not mirror: a left-handed engine? State its axes (FL_AXES_UNITY, "
                        + "FL_AXES_UNREAL)"
                    : "must not mirror in the axes that were stated: is it another engine's, or "
                        + "turned already?")
        }
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
    }
}

/// The matrix of a camera as a client states it: a rotation, mirrored or not, and a position.
private struct StatedMatrix {
    let rows: Camera.Rows
    private let isColumnMajor: Bool

    init(_ body: ByteReader, isColumnMajor: Bool) throws(ProtocolError) {
        var rows = [SIMD4<Double>](repeating: .zero, count: 4)
        for index in 0..<16 {
            let (row, column) = isColumnMajor ? (index % 4, index / 4) : (index / 4, index % 4)
            rows[row][column] = body.double(at: WireCamera.cameraToWorld + 8 * index)
        }
        self.rows = Camera.Rows(x: rows[0], y: rows[1], z: rows[2], w: rows[3])
        self.isColumnMajor = isColumnMajor
        try checkRotation()
        try checkLastRow()
    }

    private func field(_ row: Int, _ column: Int) -> String {
        "camera.camera_to_world[\(isColumnMajor ? 4 * column + row : 4 * row + column)]"
    }

    private func checkRotation() throws(ProtocolError) {
        let rows = [self.rows.x, self.rows.y, self.rows.z]
        for (index, row) in rows.enumerated() {
            guard row.w.magnitude <= Limits.maxCameraMetres else {
                throw .camera(
                    field: field(index, 3), found: row.w,
                    needs: "must be within \(Limits.maxCameraMetres) metres")
            }
            for other in index..<3 {
                let product = (row * rows[other] * SIMD4(1, 1, 1, 0)).sum()
                // Written so that NaN fails.
                guard (product - (other == index ? 1 : 0)).magnitude <= 1e-3 else {
                    throw .camera(
                        field: field(index, 0), found: product,
                        needs: "must make rows \(index) and \(other) a rotation (unit length, "
                            + "orthogonal within 0.001)\(scaleHint)")
                }
            }
        }
    }

    /// Where all three rows are as long as each other.
    private var scaleHint: String {
        let lengths = [rows.x, rows.y, rows.z].map {
            ($0 * $0 * SIMD4(1, 1, 1, 0)).sum().squareRoot()
        }
        guard let least = lengths.min(), let most = lengths.max(), least > 0,
            most / least < 1.001
        else { return "; is it a projection, or world_to_camera times one?" }
        return "; it is scaled by \(Float(most)): send it without, and the unit in axes"
    }

    private func checkLastRow() throws(ProtocolError) {
        for (column, expected) in [0.0, 0, 0, 1].enumerated() {
            guard (rows.w[column] - expected).magnitude <= 1e-6 else {
                let isTurned =
                    rows.x.w == 0 && rows.y.w == 0 && rows.z.w == 0 && rows.w.w == 1
                let hint =
                    isColumnMajor
                    ? "leave out FL_MATRIX_COLUMN_MAJOR" : "add FL_MATRIX_COLUMN_MAJOR to axes"
                throw .camera(
                    field: field(3, column), found: rows.w[column],
                    needs: "must be \(expected)"
                        + (isTurned ? "; is the matrix transposed? Then \(hint)" : ""))
            }
        }
    }
}
