// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes

/// Pictures as DEC's sixels: bands of six rows, each color of a band a line of letters.
enum Sixel {
    /// Six steps of each of red, green and blue.
    private static let steps = 6
    /// Thresholds of ordered dithering, of 16.
    private static let thresholds = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5]

    /// - Parameter picture: RGB, 8 bits.
    static func text(of picture: PNGImage) -> String {
        let size = picture.size
        var text = "\u{1B}P0;1;0q\"1;1;\(size.width);\(size.height)"
        for color in 0..<steps * steps * steps {
            let parts = [color / (steps * steps), color / steps % steps, color % steps]
            let percent = parts.map { "\($0 * 100 / (steps - 1))" }.joined(separator: ";")
            text += "#\(color);2;\(percent)"
        }
        for top in stride(from: 0, to: size.height, by: 6) {
            text += band(of: picture, rows: top..<min(top + 6, size.height)) + "-"
        }
        return text + "\u{1B}\\"
    }

    /// The color's lines one over the other, "$" between them.
    private static func band(of picture: PNGImage, rows: Range<Int>) -> String {
        var lines: [Int: [UInt8]] = [:]
        for y in rows {
            for x in 0..<picture.size.width {
                lines[
                    color(of: picture, x, y),
                    default: [UInt8](
                        repeating: 0, count: picture.size.width)][x] |=
                    1 << UInt8(y - rows.lowerBound)
            }
        }
        return lines.sorted { $0.key < $1.key }.map { "#\($0.key)" + runs(of: $0.value) }
            .joined(separator: "$")
    }

    private static func color(of picture: PNGImage, _ x: Int, _ y: Int) -> Int {
        let at = (y * picture.size.width + x) * 3
        let threshold = thresholds[y % 4 * 4 + x % 4]
        return (0..<3).reduce(0) { color, channel in
            // Between two steps, the larger one as often as it is near.
            let sixteenths = Int(picture.bytes[at + channel]) * (steps - 1) * 16 / 255
            return color * steps + min(steps - 1, (sixteenths + threshold) / 16)
        }
    }

    /// Letters from "?" on, six pixels each; "!12A" is twelve of them.
    private static func runs(of line: [UInt8]) -> String {
        var text = ""
        var x = 0
        while x < line.count {
            let end = line[x...].firstIndex { $0 != line[x] } ?? line.count
            let letter = String(UnicodeScalar(line[x] + 63))
            let count = end - x
            text += count > 3 ? "!\(count)\(letter)" : String(repeating: letter, count: count)
            x = end
        }
        return text
    }
}
