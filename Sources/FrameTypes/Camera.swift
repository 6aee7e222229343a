// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// A pinhole camera in OpenGL's convention: it looks along -Z, +Y is up. Pixels count from the
/// top-left corner, centers at +0.5; `cx`, `cy` are without the jitter.
package struct Camera: Sendable, Hashable {
    /// Pixels.
    package var fx, fy, cx, cy: Double
    /// Metres; 0 where the camera does not state them and the session's agreement holds.
    package var near, far: Double
    /// Rows of the matrix that takes column vectors from camera to world, metres.
    package var cameraToWorld: Rows

    package struct Rows: Sendable, Hashable {
        package var x, y, z, w: SIMD4<Double>

        package init(x: SIMD4<Double>, y: SIMD4<Double>, z: SIMD4<Double>, w: SIMD4<Double>) {
            self.x = x
            self.y = y
            self.z = z
            self.w = w
        }
    }

    package init(
        fx: Double, fy: Double, cx: Double, cy: Double, near: Double, far: Double,
        cameraToWorld: Rows
    ) {
        self.fx = fx
        self.fy = fy
        self.cx = cx
        self.cy = cy
        self.near = near
        self.far = far
        self.cameraToWorld = cameraToWorld
    }
}
