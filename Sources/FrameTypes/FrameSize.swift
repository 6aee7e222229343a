// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Width and height of a picture or plane, in pixels.
package struct FrameSize: Sendable, Hashable, CustomStringConvertible {
    package var width: Int
    package var height: Int

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// Pixels of either side that a picture may have; the wire's `FL_MIN_SIDE` and `FL_MAX_SIDE`.
    package static let sides = 32...8192

    package var isSupported: Bool { Self.sides.contains(width) && Self.sides.contains(height) }
    package var pixelCount: Int { width * height }

    /// Both sides rounded up to whole multiples.
    package func padded(to multiple: Int) -> FrameSize {
        FrameSize(
            width: (width + multiple - 1) / multiple * multiple,
            height: (height + multiple - 1) / multiple * multiple)
    }

    package var description: String { "\(width)x\(height)" }
}
