// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// One picture that shows frames of a clip in rows: base color, normals, depth, rendered and, where
/// there is one, the reference.
package struct ContactSheet {
    package struct Row {
        /// Index into the clip's frames.
        package var frame: Int
        /// 8-bit RGB or RGBA, of the clip's size.
        package var rendered: PNGImage

        package init(frame: Int, rendered: PNGImage) {
            self.frame = frame
            self.rendered = rendered
        }
    }

    static let gap = 4
    static let labelHeight = 14
    private static let background: [UInt8] = [24, 24, 26]

    private let clip: Clip
    private let maxCellSide: Int

    /// - Parameter maxCellSide: larger pictures are made smaller by averaging whole pixels.
    package init(clip: Clip, maxCellSide: Int = 256) {
        self.clip = clip
        self.maxCellSide = max(32, maxCellSide)
    }

    /// At most `count` of the clip's frames, from the first to the last.
    package static func sampledFrames(of frameCount: Int, count: Int) -> [Int] {
        guard frameCount > count, count > 1 else {
            return Array(0..<min(frameCount, max(count, 0)))
        }
        return (0..<count).map { $0 * (frameCount - 1) / (count - 1) }
    }

    package var cellSize: FrameSize {
        let longest = max(clip.size.width, clip.size.height)
        let factor = (longest + maxCellSide - 1) / maxCellSide
        return FrameSize(
            width: max(1, clip.size.width / factor), height: max(1, clip.size.height / factor))
    }

    package func draw(_ rows: [Row]) -> PNGImage {
        let cell = cellSize
        var titles = ["BASE COLOR", "NORMALS", "DEPTH", "RENDERED"]
        if clip.hasReferences { titles.append("REFERENCE") }
        let size = FrameSize(
            width: Self.gap + titles.count * (cell.width + Self.gap),
            height: Self.labelHeight + rows.count * (cell.height + Self.labelHeight + Self.gap))
        var canvas = Canvas(size: size, background: Self.background)
        for (column, title) in titles.enumerated() {
            canvas.write(title, x: Self.x(column, cell), y: 4)
        }
        let depthRange = DepthRange(of: clip, frames: rows.map(\.frame))
        for (index, row) in rows.enumerated() {
            let y = Self.labelHeight + index * (cell.height + Self.labelHeight + Self.gap)
            var pictures = [
                plane(.baseColor, of: row.frame), plane(.normals, of: row.frame),
                depthRange.picture(of: clip, frame: row.frame), row.rendered,
            ]
            if clip.hasReferences, let reference = clip.frames[row.frame].reference {
                pictures.append(reference)
            }
            for (column, picture) in pictures.enumerated() {
                let small = picture.averaged(
                    to: cell, isBottomUp: clip.layout.origin == .bottomLeft)
                canvas.paste(small, x: Self.x(column, cell), y: y)
            }
            canvas.write(
                "FRAME \(clip.frames[row.frame].number)", x: Self.gap, y: y + cell.height + 4)
        }
        return canvas.image
    }

    private static func x(_ column: Int, _ cell: FrameSize) -> Int {
        gap + column * (cell.width + gap)
    }

    /// An RGB plane of the payload as it is.
    private func plane(_ kind: PlaneKind, of frame: Int) -> PNGImage {
        let size = clip.size
        guard let plane = clip.layout.plane(kind), plane.rowStride == size.width * 3 else {
            return PNGImage(
                size: size, channels: 3, bytes: [UInt8](repeating: 0, count: size.pixelCount * 3))
        }
        let range = plane.offset..<plane.offset + size.pixelCount * 3
        return PNGImage(size: size, channels: 3, bytes: Array(clip.frames[frame].payload[range]))
    }
}

/// Depth as grey: near is light, the far end of the sheet's frames dark, sky black.
private struct DepthRange {
    private var grey = [UInt8](repeating: 0, count: 65536)

    init(of clip: Clip, frames: [Int]) {
        var counts = [Int](repeating: 0, count: 65536)
        for frame in frames { clip.forEachDepth(of: frame) { counts[$0] += 1 } }
        let surfaces = counts[1...].reduce(0, +)
        // A few far pixels through a window would leave the rest of the picture white.
        var far = 1
        var seen = 0
        for value in 1..<65536 where seen * 100 < surfaces * 99 {
            seen += counts[value]
            far = value
        }
        for value in 1..<65536 {
            let share = min(1, Double(value) / Double(far))
            grey[value] = UInt8(235 - 205 * share.squareRoot())
        }
    }

    func picture(of clip: Clip, frame: Int) -> PNGImage {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(clip.size.pixelCount)
        clip.forEachDepth(of: frame) { bytes.append(grey[$0]) }
        return PNGImage(size: clip.size, channels: 1, bytes: bytes)
    }
}

extension Clip {
    fileprivate func forEachDepth(of frame: Int, _ body: (Int) -> Void) {
        guard let plane = layout.plane(.depth) else { return }
        let payload = frames[frame].payload
        for pixel in 0..<size.pixelCount {
            let at = plane.offset + pixel * 2
            body(Int(payload[at]) | Int(payload[at + 1]) << 8)
        }
    }
}
