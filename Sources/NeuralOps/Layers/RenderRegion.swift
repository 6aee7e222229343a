// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// A frame cut into square tiles whose corners are pixels of every level of the network.
package struct TileGrid: Sendable, Hashable {
    /// Pixels.
    package let side: Int
    package let columns: Int
    package let rows: Int
    package let size: FrameSize

    /// - Parameter multiple: pixels of one value of the network's coarsest level.
    package init(size: FrameSize, multiple: Int) {
        side = max(32, multiple)
        self.size = size
        columns = (size.width + side - 1) / side
        rows = (size.height + side - 1) / side
    }

    package var tileCount: Int { columns * rows }

    /// The frame's pixels in a row and in a column of tiles.
    package func pixelRows(_ row: Int) -> Range<Int> {
        row * side..<min((row + 1) * side, size.height)
    }

    package func pixelColumns(_ column: Int) -> Range<Int> { pixelColumns(column..<column + 1) }

    package func pixelColumns(_ columns: Range<Int>) -> Range<Int> {
        columns.lowerBound * side..<min(columns.upperBound * side, size.width)
    }
}

/// Which tiles of a frame are rendered, at each level of the network: everything, or some tiles and
/// what lies around them, or nothing.
///
/// `@unchecked Sendable`: changed between two steps of a frame only; tiles of steps read it.
package final class RenderRegion: @unchecked Sendable {
    package let grid: TileGrid
    package let levelCount: Int
    package private(set) var isFull = true
    /// By level and row of tiles: runs of columns, ascending. Room for the most that a row can have.
    private var runs: [Range<Int>]
    private var runCounts: [Int]
    /// By level: nothing is rendered.
    private var isEmptyLevel: [Bool]
    private let runsPerRow: Int
    /// By level: tiles along a side of the squares that are rendered whole.
    private let groups: [Int]
    private var marked: [Bool]
    private var widened: [Bool]
    /// Of the finest level.
    package private(set) var tilesComputed: Int

    /// - Parameter blockSide: values along a side of what the network's kernels make at once;
    ///   where a tile has fewer, its neighbours are rendered with it.
    package init(grid: TileGrid, levelCount: Int, blockSide: Int = 1) {
        self.grid = grid
        groups = (0..<levelCount).map { max(1, blockSide / max(1, (grid.side / 4) >> $0)) }
        self.levelCount = levelCount
        runsPerRow = (grid.columns + 1) / 2
        runs = Array(repeating: 0..<0, count: levelCount * grid.rows * runsPerRow)
        runCounts = Array(repeating: 0, count: levelCount * grid.rows)
        isEmptyLevel = Array(repeating: false, count: levelCount)
        marked = Array(repeating: false, count: grid.tileCount)
        widened = marked
        tilesComputed = grid.tileCount
    }

    package func setFull() {
        isFull = true
        tilesComputed = grid.tileCount
    }

    package func setEmpty() {
        isFull = false
        tilesComputed = 0
        for level in 0..<levelCount { clear(level: level) }
    }

    private func clear(level: Int) {
        isEmptyLevel[level] = true
        for row in 0..<grid.rows { runCounts[level * grid.rows + row] = 0 }
    }

    /// Whether nothing is rendered at a level.
    package func isEmpty(level: Int) -> Bool { !isFull && isEmptyLevel[level] }

    /// - Parameters:
    ///   - tiles: row by row.
    ///   - halos: by level, how many tiles around each of them are rendered too; not falling, since
    ///     a level is made from the one above it.
    ///   - resting: levels that stay as they are.
    package func set(_ tiles: [Bool], halos: [Int], resting: Range<Int> = 0..<0) {
        precondition(tiles.count == grid.tileCount && halos.count == levelCount)
        isFull = false
        for level in 0..<levelCount {
            // What is around the same tiles is there from the level above; its squares are no larger.
            if level == 0 || halos[level] != halos[level - 1] { widen(tiles, by: halos[level]) }
            if groups[level] > 1 { fill(squaresOf: groups[level]) }
            if level == 0 { tilesComputed = 0 }
            clear(level: level)
            if resting.contains(level) { continue }
            for row in 0..<grid.rows { collect(row: row, level: level) }
        }
    }

    /// `widened` = `tiles` and all within `halo` of them: along the rows, then along the columns.
    private func widen(_ tiles: [Bool], by halo: Int) {
        let (columns, rows) = (grid.columns, grid.rows)
        for index in tiles.indices {
            let column = index % columns
            marked[index] = false
            for near in max(0, column - halo)...min(columns - 1, column + halo)
            where tiles[index - column + near] {
                marked[index] = true
            }
        }
        for index in tiles.indices {
            let (row, column) = (index / columns, index % columns)
            widened[index] = false
            for near in max(0, row - halo)...min(rows - 1, row + halo)
            where marked[near * columns + column] {
                widened[index] = true
            }
        }
    }

    /// `widened` = all squares that have one of its tiles.
    private func fill(squaresOf side: Int) {
        let (columns, rows) = (grid.columns, grid.rows)
        for index in widened.indices { marked[index] = widened[index] }
        for index in marked.indices where marked[index] {
            let (top, left) = (index / columns / side * side, index % columns / side * side)
            for row in top..<min(rows, top + side) {
                for column in left..<min(columns, left + side) {
                    widened[row * columns + column] = true
                }
            }
        }
    }

    private func collect(row: Int, level: Int) {
        let place = level * grid.rows + row
        var count = 0
        var column = 0
        while column < grid.columns {
            guard widened[row * grid.columns + column] else {
                column += 1
                continue
            }
            let start = column
            while column < grid.columns, widened[row * grid.columns + column] { column += 1 }
            runs[place * runsPerRow + count] = start..<column
            count += 1
            if level == 0 { tilesComputed += column - start }
        }
        runCounts[place] = count
        if count > 0 { isEmptyLevel[level] = false }
    }

    /// Whether a tile is rendered at a level.
    package func contains(row: Int, column: Int, level: Int = 0) -> Bool {
        if isFull { return true }
        return runs[places(of: level * grid.rows + row)].contains { $0.contains(column) }
    }

    /// Where the runs of a row of tiles lie.
    private func places(of row: Int) -> Range<Int> {
        row * runsPerRow..<row * runsPerRow + runCounts[row]
    }

    /// Values to render in some rows of a level.
    /// - Parameter tileSide: of a tile, in values of the level.
    package func valueCount(in rows: Range<Int>, level: Int, tileSide: Int) -> Int {
        if isFull { return rows.count * grid.columns * tileSide }
        var count = 0
        var start = rows.lowerBound
        while start < rows.upperBound {
            let end = min(rows.upperBound, (start / tileSide + 1) * tileSide)
            count += (end - start) * tilesRendered(row: start / tileSide, level: level) * tileSide
            start = end
        }
        return count
    }

    /// One of `count` parts of some rows that follow each other, with about as much to render in
    /// each.
    /// - Parameter unit: rows that stay together, counted from the first of `rows`.
    package func part(
        _ index: Int, of count: Int, of rows: Range<Int>, unit: Int, level: Int, tileSide: Int
    ) -> Range<Int> {
        let total = isFull ? 0 : valueCount(in: rows, level: level, tileSide: tileSide)
        guard total > 0 else { return rows.part(index, of: count, unit: unit) }
        var done = 0
        var first = index == 0 ? rows.lowerBound : rows.upperBound
        var start = rows.lowerBound
        while start < rows.upperBound {
            let end = min(start + unit, rows.upperBound)
            let work = valueCount(in: start..<end, level: level, tileSide: tileSide)
            // A unit belongs to the part that its middle lies in.
            let part = min((2 * done + work) * count / (2 * total), count - 1)
            if part >= index, first == rows.upperBound { first = start }
            if part > index { return min(first, start)..<start }
            done += work
            start = end
        }
        return first..<rows.upperBound
    }

    private func hasSameRuns(_ place: Int, _ other: Int) -> Bool {
        runs[places(of: place)] == runs[places(of: other)]
    }

    private func tilesRendered(row: Int, level: Int) -> Int {
        runs[places(of: level * grid.rows + row)].reduce(0) { $0 + $1.count }
    }

    /// The parts of some rows of a level's values that are rendered.
    /// - Parameters:
    ///   - rows: of values, `tileSide` values to a tile.
    ///   - width: values in a row.
    package func forEachPart(
        of rows: Range<Int>, width: Int, level: Int, tileSide: Int,
        _ body: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
    ) {
        if isFull { return body(rows, 0..<width) }
        var start = rows.lowerBound
        while start < rows.upperBound {
            let row = start / tileSide
            let place = level * grid.rows + row
            // Rows of tiles that render the same columns go together: a kernel fetches its weights
            // once for all that it is given.
            var next = row + 1
            while next * tileSide < rows.upperBound, hasSameRuns(place, level * grid.rows + next) {
                next += 1
            }
            let end = min(rows.upperBound, next * tileSide)
            for run in runs[places(of: place)] {
                body(start..<end, run.lowerBound * tileSide..<min(run.upperBound * tileSide, width))
            }
            start = end
        }
    }
}

extension Range<Int> {
    /// One of `count` equal parts.
    /// - Parameter unit: numbers that stay together, counted from the first.
    func part(_ index: Int, of count: Int, unit: Int = 1) -> Range<Int> {
        let units = (self.count + unit - 1) / unit
        let first = lowerBound + index * units / count * unit
        let end = lowerBound + (index + 1) * units / count * unit
        return Swift.min(first, upperBound)..<Swift.min(end, upperBound)
    }
}
