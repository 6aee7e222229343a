// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// RGB pixels to put pictures and short labels on.
struct Canvas {
    private(set) var image: PNGImage

    init(size: FrameSize, background: [UInt8]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size.pixelCount * 3)
        for _ in 0..<size.pixelCount { bytes += background }
        image = PNGImage(size: size, channels: 3, bytes: bytes)
    }

    /// What does not fit is cut off.
    mutating func paste(_ picture: PNGImage, x: Int, y: Int) {
        let width = min(picture.size.width, image.size.width - x)
        guard width > 0 else { return }
        for row in 0..<min(picture.size.height, image.size.height - y) {
            let from = row * picture.size.width * 3
            let to = ((y + row) * image.size.width + x) * 3
            image.bytes.replaceSubrange(
                to..<to + width * 3, with: picture.bytes[from..<from + width * 3])
        }
    }

    /// Capital letters, digits and spaces, 5x7 pixels with one pixel between.
    mutating func write(_ text: String, x: Int, y: Int) {
        for (index, character) in text.enumerated() {
            guard let glyph = Self.glyphs[character] else { continue }
            for (row, bits) in glyph.enumerated() {
                for column in 0..<5 where bits & (1 << (4 - column)) != 0 {
                    dot(x: x + index * 6 + column, y: y + row)
                }
            }
        }
    }

    private mutating func dot(x: Int, y: Int) {
        guard x < image.size.width, y < image.size.height else { return }
        let at = (y * image.size.width + x) * 3
        for channel in 0..<3 { image.bytes[at + channel] = 200 }
    }

    /// Seven rows of five bits, the leftmost pixel highest: what the labels of the sheet need.
    private static let glyphs: [Character: [UInt8]] = [
        "A": [0x0E, 0x11, 0x11, 0x1F, 0x11, 0x11, 0x11],
        "B": [0x1E, 0x11, 0x11, 0x1E, 0x11, 0x11, 0x1E],
        "C": [0x0E, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0E],
        "D": [0x1E, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1E],
        "E": [0x1F, 0x10, 0x10, 0x1E, 0x10, 0x10, 0x1F],
        "F": [0x1F, 0x10, 0x10, 0x1E, 0x10, 0x10, 0x10],
        "H": [0x11, 0x11, 0x11, 0x1F, 0x11, 0x11, 0x11],
        "L": [0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1F],
        "M": [0x11, 0x1B, 0x15, 0x15, 0x11, 0x11, 0x11],
        "N": [0x11, 0x19, 0x15, 0x13, 0x11, 0x11, 0x11],
        "O": [0x0E, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0E],
        "P": [0x1E, 0x11, 0x11, 0x1E, 0x10, 0x10, 0x10],
        "R": [0x1E, 0x11, 0x11, 0x1E, 0x14, 0x12, 0x11],
        "S": [0x0F, 0x10, 0x10, 0x0E, 0x01, 0x01, 0x1E],
        "T": [0x1F, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04],
        "0": [0x0E, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0E],
        "1": [0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E],
        "2": [0x0E, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1F],
        "3": [0x1E, 0x01, 0x01, 0x0E, 0x01, 0x01, 0x1E],
        "4": [0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02],
        "5": [0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E],
        "6": [0x06, 0x08, 0x10, 0x1E, 0x11, 0x11, 0x0E],
        "7": [0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
        "8": [0x0E, 0x11, 0x11, 0x0E, 0x11, 0x11, 0x0E],
        "9": [0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C],
    ]
}

extension PNGImage {
    /// RGB of a smaller size: every pixel the mean of the 8-bit pixels it covers.
    /// - Parameter isBottomUp: the first row is the lowest; the result's never is.
    package func averaged(to target: FrameSize, isBottomUp: Bool = false) -> PNGImage {
        precondition(
            bitDepth == 8 && target.width <= size.width && target.height <= size.height
                && target.width > 0 && target.height > 0,
            "only 8-bit pictures are made smaller")
        var result: [UInt8] = []
        result.reserveCapacity(target.pixelCount * 3)
        for y in 0..<target.height {
            let row = isBottomUp ? target.height - 1 - y : y
            let rows = row * size.height / target.height..<(row + 1) * size.height / target.height
            for x in 0..<target.width {
                let columns =
                    x * size.width / target.width..<(x + 1) * size.width / target.width
                let sum = colorSum(rows: rows, columns: columns)
                let count = rows.count * columns.count
                for channel in 0..<3 { result.append(UInt8((sum[channel] + count / 2) / count)) }
            }
        }
        return PNGImage(size: target, channels: 3, bytes: result)
    }

    private func colorSum(rows: Range<Int>, columns: Range<Int>) -> SIMD4<Int> {
        var sum = SIMD4<Int>.zero
        for y in rows {
            for x in columns {
                let at = (y * size.width + x) * channels
                for channel in 0..<3 {
                    sum[channel] += Int(bytes[at + (channels >= 3 ? channel : 0)])
                }
            }
        }
        return sum
    }
}
