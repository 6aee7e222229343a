// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// One plane inside a frame's payload.
package struct PlaneLayout: Sendable, Hashable {
    package var kind: PlaneKind
    package var format: PixelFormat
    /// Bytes from one row to the next, at least `width * bytesPerPixel`.
    package var rowStride: Int
    /// Bytes from the start of the payload to the first row in memory.
    package var offset: Int

    package init(kind: PlaneKind, format: PixelFormat, rowStride: Int, offset: Int) {
        self.kind = kind
        self.format = format
        self.rowStride = rowStride
        self.offset = offset
    }
}

/// Which row of a plane comes first in memory.
package enum RowOrigin: UInt8, Sendable, Hashable {
    case topLeft = 0
    case bottomLeft = 1
}

package enum NormalSpace: UInt8, Sendable, Hashable {
    case world = 0
    /// Turned by the rotation of the frame's `cameraToWorld`.
    case view = 1
}

/// How the numbers of the depth plane become planar z in metres. Depth that comes out as 0, negative,
/// NaN, infinite or at or beyond the far plane is sky.
package enum DepthEncoding: Sendable, Hashable {
    /// metres = value * metresPerUnit; `far` in metres, infinite if none was stated.
    case linear(metresPerUnit: Float, far: Double)
    /// 1 at near, 0 at far: z = n f / (n + d (f - n)); infinite far: n / d. Metres.
    case deviceReversed(near: Double, far: Double)
}

/// How the motion plane gives the previous position of a pixel, in the pixel axes of the client's
/// origin (with a bottom-left origin +y is up).
package struct MotionEncoding: Sendable, Hashable {
    /// Pixels per unit. The sign says the direction: previous = position + scale * value.
    package var scaleX: Float
    package var scaleY: Float
    /// The values contain the difference of the two frames' jitters.
    package var isJittered: Bool

    package init(scaleX: Float, scaleY: Float, isJittered: Bool) {
        self.scaleX = scaleX
        self.scaleY = scaleY
        self.isJittered = isJittered
    }
}

/// What a client agreed to send with every frame: planes, formats and conventions.
package struct GBufferLayout: Sendable, Hashable {
    package var size: FrameSize
    package var origin: RowOrigin
    package var normalSpace: NormalSpace
    package var depth: DepthEncoding
    package var motion: MotionEncoding?
    /// In the order of the payload.
    package var planes: [PlaneLayout]
    /// Bytes of one frame's payload.
    package var byteCount: Int

    package init(
        size: FrameSize, origin: RowOrigin, normalSpace: NormalSpace, depth: DepthEncoding,
        motion: MotionEncoding?, planes: [PlaneLayout], byteCount: Int
    ) {
        self.size = size
        self.origin = origin
        self.normalSpace = normalSpace
        self.depth = depth
        self.motion = motion
        self.planes = planes
        self.byteCount = byteCount
    }

    /// Planes after each other, rows without gaps.
    package init(
        packed planes: [(kind: PlaneKind, format: PixelFormat)], size: FrameSize,
        origin: RowOrigin = .topLeft, normalSpace: NormalSpace = .world,
        depth: DepthEncoding = .linear(metresPerUnit: 1, far: .infinity),
        motion: MotionEncoding? = nil
    ) {
        var byteCount = 0
        let planes = planes.map { kind, format in
            let rowStride = size.width * format.bytesPerPixel
            defer { byteCount += rowStride * size.height }
            return PlaneLayout(kind: kind, format: format, rowStride: rowStride, offset: byteCount)
        }
        self.init(
            size: size, origin: origin, normalSpace: normalSpace, depth: depth, motion: motion,
            planes: planes, byteCount: byteCount)
    }

    package func plane(_ kind: PlaneKind) -> PlaneLayout? {
        planes.first { $0.kind == kind }
    }
}
