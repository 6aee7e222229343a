// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

/// What a message may claim before anything is allocated or read for it. Tighter limits that depend
/// on the daemon's load (sessions, pixels, memory) are decided when a session is admitted.
package struct Limits: Sendable, Hashable {
    /// Pixels of either side.
    package var sides: ClosedRange<Int>
    package var bodyByteCount: Int
    package var planeCount: Int

    package init(sides: ClosedRange<Int>, bodyByteCount: Int, planeCount: Int) {
        self.sides = sides
        self.bodyByteCount = bodyByteCount
        self.planeCount = planeCount
    }

    /// `FL_MIN_SIDE`, `FL_MAX_SIDE`, `FL_MAX_BODY_BYTES`, `FL_MAX_PLANES`.
    package static let version1 = Limits(
        sides: FrameSize.sides, bodyByteCount: Int(FL_MAX_BODY_BYTES),
        planeCount: Int(FL_MAX_PLANES))

    /// The largest row stride: four packed rows, or 1024 bytes where that is more (engines align
    /// rows of small planes to 256 bytes).
    package static func maxRowStride(packed: Int) -> Int { max(4 * packed, 1024) }

    /// Of either jitter component, pixels.
    package static let maxJitter: Float = 16
    /// Of focal lengths and principal points, pixels.
    package static let maxCameraPixels = 1e6
    /// Of focal lengths, pixels: their inverse must be a number.
    package static let minFocalLength = 1e-3
    /// Of a near plane that is stated, metres.
    package static let minNear = 1e-6
    /// Metres per unit of a linear depth plane.
    package static let depthScales: ClosedRange<Float> = 1e-9...1e9
    /// Of a camera's position and its planes, metres.
    package static let maxCameraMetres = 1e9
}
