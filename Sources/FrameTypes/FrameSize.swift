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

    package var pixelCount: Int { width * height }
    package var description: String { "\(width)x\(height)" }
}
