// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

extension Clip {
    /// The same walk seen in another size: the largest centered part of the pictures that has the
    /// size's shape, each new pixel the old one at its center. Nothing is mixed, so that depths stay
    /// on their surfaces and normals keep their length.
    ///
    /// - Precondition: the clip's planes are packed, as `ClipReader` makes them.
    package func resized(to size: FrameSize) -> Clip {
        guard size != self.size else { return self }
        let window = Window(from: self.size, to: size)
        var resized = self
        resized.layout = GBufferLayout(
            packed: layout.planes.map { ($0.kind, $0.format) }, size: size, origin: layout.origin,
            normalSpace: layout.normalSpace, depth: layout.depth, motion: layout.motion)
        resized.frames = frames.map { frame in
            var frame = frame
            frame.payload = layout.planes.flatMap { plane in
                let bytes = plane.format.bytesPerPixel
                let start = plane.offset
                return window.samples(
                    of: frame.payload[start..<start + self.size.pixelCount * bytes],
                    pixelBytes: bytes)
            }
            frame.reference = frame.reference.map {
                PNGImage(
                    size: size, channels: $0.channels, bitDepth: $0.bitDepth,
                    bytes: window.samples(
                        of: $0.bytes[...], pixelBytes: $0.channels * $0.bitDepth / 8))
            }
            frame.camera = frame.camera.map(window.camera)
            return frame
        }
        return resized
    }
}

/// The part of a picture that becomes another one.
private struct Window {
    let source: FrameSize
    let columns: [Int]
    let rows: [Int]
    /// New pixels per old one, and the old pixel where the part begins.
    let scale: Double
    let left: Double
    let top: Double

    init(from source: FrameSize, to size: FrameSize) {
        self.source = source
        scale = max(
            Double(size.width) / Double(source.width), Double(size.height) / Double(source.height))
        left = (Double(source.width) - Double(size.width) / scale) / 2
        top = (Double(source.height) - Double(size.height) / scale) / 2
        let (scale, left, top) = (scale, left, top)
        columns = (0..<size.width).map {
            min(source.width - 1, max(0, Int(left + (Double($0) + 0.5) / scale)))
        }
        rows = (0..<size.height).map {
            min(source.height - 1, max(0, Int(top + (Double($0) + 0.5) / scale)))
        }
    }

    func samples(of plane: ArraySlice<UInt8>, pixelBytes: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(rows.count * columns.count * pixelBytes)
        for row in rows {
            let start = plane.startIndex + row * source.width * pixelBytes
            for column in columns {
                let pixel = start + column * pixelBytes
                for byte in 0..<pixelBytes { result.append(plane[pixel + byte]) }
            }
        }
        return result
    }

    func camera(_ camera: Camera) -> Camera {
        var camera = camera
        camera.fx *= scale
        camera.fy *= scale
        camera.cx = (camera.cx - left) * scale
        camera.cy = (camera.cy - top) * scale
        return camera
    }
}
