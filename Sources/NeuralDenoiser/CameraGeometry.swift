// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralOps

/// A rotation and a position: a camera's place in the world, in Float64. What leaves for the pixels
/// is rounded to Float32 once, after all matrices are combined.
struct CameraPlace {
    /// Rows.
    var x, y, z: SIMD3<Double>
    var position: SIMD3<Double>

    init(_ rows: Camera.Rows) {
        x = SIMD3(rows.x.x, rows.x.y, rows.x.z)
        y = SIMD3(rows.y.x, rows.y.y, rows.y.z)
        z = SIMD3(rows.z.x, rows.z.y, rows.z.z)
        position = SIMD3(rows.x.w, rows.y.w, rows.z.w)
    }

    /// Rows of the inverse of the 3x3 part; nil if it has none that is usable.
    var inverse: (x: SIMD3<Double>, y: SIMD3<Double>, z: SIMD3<Double>)? {
        let (a, b, c) = (Self.cross(y, z), Self.cross(z, x), Self.cross(x, y))
        let determinant = Self.dot(x, a)
        guard determinant.isFinite, abs(determinant) > 1e-9 else { return nil }
        // The cofactors' columns are the inverse's rows.
        return (
            SIMD3(a.x, b.x, c.x) / determinant, SIMD3(a.y, b.y, c.y) / determinant,
            SIMD3(a.z, b.z, c.z) / determinant
        )
    }

    static func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { (a * b).sum() }

    static func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
    }

    /// `row` times the 3x3 part.
    private func product(_ row: SIMD3<Double>) -> SIMD3<Float> {
        SIMD3<Float>(x * row.x + y * row.y + z * row.z)
    }

    var rotation: FrameGeometry.Matrix3 {
        FrameGeometry.Matrix3(x: SIMD3<Float>(x), y: SIMD3<Float>(y), z: SIMD3<Float>(z))
    }

    /// From this camera's space into that of `previous`, whose 3x3 part has an inverse.
    func reprojection(into previous: Camera, jitter: SIMD2<Float>) -> FrameGeometry.Reprojection? {
        let place = CameraPlace(previous.cameraToWorld)
        guard let inverse = place.inverse else { return nil }
        let moved = position - place.position
        return FrameGeometry.Reprojection(
            toPrevious: FrameGeometry.Matrix3(
                x: product(inverse.x), y: product(inverse.y), z: product(inverse.z)),
            origin: SIMD3<Float>(
                SIMD3(
                    Self.dot(inverse.x, moved), Self.dot(inverse.y, moved),
                    Self.dot(inverse.z, moved))),
            scale: SIMD2(Float(previous.fx), Float(-previous.fy)),
            center: SIMD2(
                Float(previous.cx - Double(jitter.x)), Float(previous.cy - Double(jitter.y))))
    }
}

extension Camera {
    /// Refuses what would make every pixel NaN. `prefix` says whose camera it is.
    func check(prefix: String) throws(DenoiserError) {
        try Self.check(prefix, "fx", fx, fx.isFinite && fx != 0)
        try Self.check(prefix, "fy", fy, fy.isFinite && fy != 0)
        try Self.check(prefix, "cx", cx, cx.isFinite)
        try Self.check(prefix, "cy", cy, cy.isFinite)
        try Self.check(prefix, "near_plane", near, near.isFinite && near >= 0)
        try Self.check(prefix, "far_plane", far, !far.isNaN && far >= 0)
        let place = CameraPlace(cameraToWorld)
        let sum = place.x.sum() + place.y.sum() + place.z.sum() + place.position.sum()
        try Self.check(prefix, "camera_to_world", sum, sum.isFinite && place.inverse != nil)
    }

    private static func check(
        _ prefix: String, _ name: StaticString, _ value: Double, _ isUsable: Bool
    ) throws(DenoiserError) {
        guard isUsable else { throw .camera(field: "\(prefix)\(name)", value: value) }
    }
}
