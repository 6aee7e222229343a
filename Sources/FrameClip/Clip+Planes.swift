// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

extension Clip {
    /// One plane of a frame as bytes, rows in the clip's order; empty if the clip has none such.
    package func plane(_ kind: PlaneKind, of frame: Int) -> [UInt8] {
        guard let plane = layout.plane(kind) else { return [] }
        let count = size.pixelCount * plane.format.bytesPerPixel
        return Array(frames[frame].payload[plane.offset..<plane.offset + count])
    }

    /// Depth of a frame as the daemon reads it: planar metres, 0 for the sky.
    package func metres(of frame: Int) -> [Float] {
        guard let plane = layout.plane(.depth) else { return [] }
        let conversion = DepthConversion(layout.depth.overruled(by: frames[frame].camera))
        let bytes = self.plane(.depth, of: frame)
        return (0..<size.pixelCount).map { index in
            var bits: UInt32 = 0
            let width = plane.format.bytesPerPixel
            for byte in 0..<width { bits |= UInt32(bytes[index * width + byte]) << (8 * byte) }
            return conversion.metres(
                plane.format == .r16 ? Float(bits) : Float(bitPattern: bits))
        }
    }
}
