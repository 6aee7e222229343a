// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What a plane of the G-buffer holds. Raw values are those of the wire (`FL_BASE_COLOR` …).
package enum PlaneKind: UInt8, Sendable, Hashable, CaseIterable {
    case baseColor = 1
    case normals = 2
    case depth = 3
    case roughness = 4
    case metallic = 5
    case motion = 6
    case known = 7
}

/// How one pixel of a plane lies in memory. Raw values are those of the wire (`FL_RGBA8_SRGB` …).
package enum PixelFormat: UInt8, Sendable, Hashable, CaseIterable {
    case rgba8sRGB = 1
    case rgb8sRGB = 2
    /// Normals: n = byte / 127.5 - 1.
    case rgb8UNorm = 4
    /// One 32-bit word, red in the lowest ten bits. Normals: n = v / 511.5 - 1.
    case rgb10a2 = 5
    /// value / 255.
    case r8 = 8
    case r16 = 9
    case r32Float = 11
    case rg16Float = 12

    package var bytesPerPixel: Int {
        switch self {
        case .r8: 1
        case .r16: 2
        case .rgb8sRGB, .rgb8UNorm: 3
        case .rgba8sRGB, .rgb10a2, .r32Float, .rg16Float: 4
        }
    }
}

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

    package func plane(_ kind: PlaneKind) -> PlaneLayout? {
        planes.first { $0.kind == kind }
    }
}
