// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// The numbers that place one frame's pixels in the world and in the previous picture.
package struct FrameGeometry: Sendable, Equatable {
    /// Rows of a 3x3 matrix for column vectors.
    package struct Matrix3: Sendable, Equatable {
        package var x, y, z: SIMD3<Float>

        package init(x: SIMD3<Float>, y: SIMD3<Float>, z: SIMD3<Float>) {
            self.x = x
            self.y = y
            self.z = z
        }

        var tuple: (Float, Float, Float, Float, Float, Float, Float, Float, Float) {
            (x.x, x.y, x.z, y.x, y.y, y.z, z.x, z.y, z.z)
        }
    }

    /// The camera: ray of pixel (i, j) = ((i, j) + rayOffset) * rayScale, -1; then turned and moved.
    package struct View: Sendable, Equatable {
        package var rayOffset: SIMD2<Float>
        package var rayScale: SIMD2<Float>
        package var rotation: Matrix3
        package var position: SIMD3<Float>

        package init(
            rayOffset: SIMD2<Float>, rayScale: SIMD2<Float>, rotation: Matrix3,
            position: SIMD3<Float>
        ) {
            self.rayOffset = rayOffset
            self.rayScale = rayScale
            self.rotation = rotation
            self.position = position
        }
    }

    /// From this camera's space to the previous frame's pixels.
    package struct Reprojection: Sendable, Equatable {
        package var toPrevious: Matrix3
        package var origin: SIMD3<Float>
        /// Pixels: fx and -fy.
        package var scale: SIMD2<Float>
        /// Pixels, less the previous jitter.
        package var center: SIMD2<Float>

        package init(
            toPrevious: Matrix3, origin: SIMD3<Float>, scale: SIMD2<Float>, center: SIMD2<Float>
        ) {
            self.toPrevious = toPrevious
            self.origin = origin
            self.scale = scale
            self.center = center
        }
    }

    /// previous = (pixel + offset + value * scale) * ratio - shift
    package struct PlaneMotion: Sendable, Equatable {
        package var offset: SIMD2<Float>
        package var scale: SIMD2<Float>
        package var ratio: SIMD2<Float>
        package var shift: SIMD2<Float>

        package init(
            offset: SIMD2<Float>, scale: SIMD2<Float>, ratio: SIMD2<Float>, shift: SIMD2<Float>
        ) {
            self.offset = offset
            self.scale = scale
            self.ratio = ratio
            self.shift = shift
        }
    }

    /// Where a pixel was in the previous picture.
    package enum Motion: Sendable, Equatable {
        /// No history.
        case none
        /// Nothing moved: exactly where it is.
        case still
        case camera(Reprojection)
        /// With cameras the depth is still reprojected.
        case plane(PlaneMotion, Reprojection?)
    }

    package var view: View?
    package var motion: Motion
    package var depth: DepthConversion

    package init(view: View?, motion: Motion, depth: DepthConversion) {
        self.view = view
        self.motion = motion
        self.depth = depth
    }
}
