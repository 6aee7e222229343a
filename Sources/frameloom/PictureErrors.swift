// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Histogram

/// Differences of two pictures' color bytes, over many frames.
struct PictureErrors {
    private var counts = Array(repeating: UInt64(0), count: 256)
    private(set) var largest = 0
    /// Where the largest is: frame and pixel.
    private(set) var place = (frame: 0, x: 0, y: 0)

    /// Of the tiles in `mask`.
    mutating func add(
        _ a: [UInt8], _ b: [UInt8], size: FrameSize, tiles mask: [Bool], side: Int, frame: Int
    ) {
        let columns = (size.width + side - 1) / side
        for tile in mask.indices where mask[tile] {
            let (row, column) = (tile / columns, tile % columns)
            for y in row * side..<min((row + 1) * side, size.height) {
                for x in column * side..<min((column + 1) * side, size.width) {
                    add(a, b, pixel: y * size.width + x, (frame, x, y))
                }
            }
        }
    }

    private mutating func add(
        _ a: [UInt8], _ b: [UInt8], pixel: Int, _ place: (frame: Int, x: Int, y: Int)
    ) {
        for index in pixel * 4..<pixel * 4 + 3 {
            let apart = abs(Int(a[index]) - Int(b[index]))
            counts[apart] += 1
            if apart > largest { (largest, self.place) = (apart, place) }
        }
    }

    /// Every value has a place of its own.
    private var histogram: Histogram<UInt64> {
        var histogram = Histogram<UInt64>(
            highestTrackableValue: 255, numberOfSignificantValueDigits: .three)
        for (apart, count) in counts.enumerated() where count > 0 {
            histogram.record(UInt64(apart), count: count)
        }
        return histogram
    }

    var mean: Double { histogram.mean }

    /// The smallest difference that so many percent of all are not above; 0 without any.
    func percentile(_ percentile: Double) -> Int {
        let histogram = histogram
        return histogram.totalCount == 0 ? 0 : Int(histogram.valueAtPercentile(percentile))
    }

    /// All tiles within one of those in `mask`.
    static func widened(_ mask: [Bool], columns: Int) -> [Bool] {
        let rows = mask.count / max(columns, 1)
        return mask.indices.map { tile in
            let (row, column) = (tile / columns, tile % columns)
            for y in max(0, row - 1)...min(rows - 1, row + 1) {
                for x in max(0, column - 1)...min(columns - 1, column + 1)
                where mask[y * columns + x] { return true }
            }
            return false
        }
    }
}
