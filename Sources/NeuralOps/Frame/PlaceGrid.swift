// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// Where a model keeps what it learned about each place of its environment: hashed levels of cells
/// whose corners hold two features each, read where a pixel's surface is.
package struct PlaceGridSettings: Sendable, Equatable {
    /// Of each level's table; powers of two, at most `maxRows`.
    package var rows: [Int]
    /// Metres, coarse to fine, each half of the one before.
    package var cellSides: [Float]
    /// The last so many levels are read in each 2x2 block of pixels, the others once a 4x4 cell.
    package var fineLevels: Int
    /// World positions, metres: what lies outside is read at the edge.
    package var boundsMin: SIMD3<Float>
    package var boundsMax: SIMD3<Float>
    /// Metres that a surface's point is moved along its normal.
    package var normalOffset: Float

    package static let features = 2
    package static let maxRows = 1 << 22
    package static let maxLevels = Int(K_MAX_PLACE_LEVELS)
    /// Cells along a side: fp32 still tells sixteenths of a cell apart.
    package static let maxCells: Float = 0x1p20

    package init(
        rows: [Int], cellSides: [Float], fineLevels: Int, boundsMin: SIMD3<Float>,
        boundsMax: SIMD3<Float>, normalOffset: Float
    ) {
        self.rows = rows
        self.cellSides = cellSides
        self.fineLevels = fineLevels
        self.boundsMin = boundsMin
        self.boundsMax = boundsMax
        self.normalOffset = normalOffset
    }

    package var coarseLevels: Int { cellSides.count - fineLevels }
    /// Of the network's input: coarse levels' features, then of each fine level's features the four
    /// blocks of a cell.
    package var channels: Int {
        Self.features * (coarseLevels + fineLevels * Int(K_BLOCKS))
    }

    /// The level whose feature a channel holds.
    func source(ofChannel channel: Int) -> (level: Int, feature: Int) {
        let coarse = coarseLevels * Self.features
        if channel < coarse { return (channel / Self.features, channel % Self.features) }
        let read = (channel - coarse) / Int(K_BLOCKS)
        return (coarseLevels + read / Self.features, read % Self.features)
    }
}

/// One level's features: a word a row, the first feature's half in its low part.
package struct PlaceTable: Sendable {
    package let rows: [UInt32]
    /// Of each feature, the largest number.
    let largest: SIMD2<Float>

    /// - Returns: nil if a number is NaN or infinite.
    package init?(rows: [UInt32]) {
        var largest: (Float, Float) = (0, 0)
        let isFinite = withUnsafeMutableBytes(of: &largest) { bytes in
            // Two floats, as the kernel writes them.
            k_measure_halves(
                bytes.bindMemory(to: Float.self).baseAddress, rows, rows.count) != 0
        }
        guard isFinite else { return nil }
        self.rows = rows
        self.largest = SIMD2(largest.0, largest.1)
    }
}
