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

    /// In letters of `PixelFont`.
    mutating func write(_ text: String, x: Int, y: Int) {
        for (index, character) in text.enumerated() {
            for place in PixelFont.dots(of: character) {
                dot(x: x + index * PixelFont.advance + place.column, y: y + place.row)
            }
        }
    }

    private mutating func dot(x: Int, y: Int) {
        guard x < image.size.width, y < image.size.height else { return }
        let at = (y * image.size.width + x) * 3
        for channel in 0..<3 { image.bytes[at + channel] = 200 }
    }
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
