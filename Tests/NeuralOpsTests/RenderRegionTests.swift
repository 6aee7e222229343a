// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes
import TestSupport
import Testing

@testable import NeuralOps

@Suite struct RenderRegionTests {
    @Test func coversTheTilesAndTheirHalosAtEachLevelAndNothingElse() {
        var random = SeededGenerator()
        let (side, halos) = (8, [0, 1, 2])
        for size in [
            FrameSize(width: 97, height: 130), FrameSize(width: 512, height: 32),
            FrameSize(width: 33, height: 300),
        ] {
            let grid = TileGrid(size: size, multiple: 32)
            let region = RenderRegion(grid: grid, levelCount: halos.count)
            let tiles = (0..<grid.tileCount).map { _ in Int.random(in: 0..<6, using: &random) == 0 }
            region.set(tiles, halos: halos)
            for (level, halo) in halos.enumerated() {
                let (width, height) = (grid.columns * side - 3, grid.rows * side - 1)
                var counts = Array(repeating: 0, count: width * height)
                // Rows in uneven bands, as tiles of steps are.
                var start = 0
                while start < height {
                    let end = min(height, start + Int.random(in: 1...11, using: &random))
                    region.forEachPart(of: start..<end, width: width, level: level, tileSide: side)
                    {
                        for y in $0 { for x in $1 { counts[y * width + x] += 1 } }
                    }
                    start = end
                }
                for y in 0..<height {
                    for x in 0..<width {
                        let (row, column) = (y / side, x / side)
                        let expected = tiles.indices.contains {
                            tiles[$0] && abs($0 / grid.columns - row) <= halo
                                && abs($0 % grid.columns - column) <= halo
                        }
                        #expect(
                            counts[y * width + x] == (expected ? 1 : 0),
                            "seed \(random.seed): level \(level), \(x), \(y)")
                        #expect(region.contains(row: row, column: column, level: level) == expected)
                    }
                }
            }
            #expect(region.tilesComputed == tiles.count { $0 })
        }
    }

    /// Two 3x3 convolutions read two values around: less than the halo of one tile.
    @Test(arguments: supportedPaths)
    func aRegionEqualsTheWholeWhereItsHaloReachesFarEnough(path: KernelPath) {
        var random = SeededGenerator()
        let shape = ActivationShape(height: 40, width: 48, channels: 20)
        func convolution(_ name: String) -> Convolution {
            Convolution(
                name: name, weight: random.floats(20 * 20 * 9, in: -0.2...0.2),
                bias: random.floats(20, in: -1...1), inputChannels: 20, outputChannels: 20,
                kernel: .three, kernelPath: path)
        }
        let (first, second) = (convolution("first"), convolution("second"))
        func plan(keeps: Bool) -> (LayerPlan, LayerGraph.Value, LayerGraph.Value) {
            var graph = LayerGraph()
            let input = graph.input("input", shape)
            let hidden = graph.convolve(first, input)
            let output = graph.convolve(second, hidden, relu: true)
            graph.read(output)
            return (LayerPlan(graph, keepsValues: keeps), input, output)
        }
        var values = random.floats(20 * 40 * 48, in: -1...1)
        let (kept, input, output) = plan(keeps: true)
        let arena = Arena(byteCount: kept.byteCount)
        let grid = TileGrid(size: FrameSize(width: 192, height: 160), multiple: 32)
        let region = RenderRegion(grid: grid, levelCount: 1)
        let steps = kept.steps(in: arena, region: region)
        kept.fill(input, with: values, in: arena)
        StepRunner.forwards.run(steps)

        // Values of one tile of 8x8 change.
        let tile = 2 * grid.columns + 3
        for channel in 0..<20 {
            for y in 16..<24 { for x in 24..<32 { values[(channel * 40 + y) * 48 + x] += 1 } }
        }
        kept.fill(input, with: values, in: arena)
        region.set((0..<grid.tileCount).map { $0 == tile }, halos: [1])
        #expect(region.tilesComputed == 9)
        StepRunner.twoThreads.run(steps)
        let found = kept.copy(of: output, in: arena)

        let (whole, wholeInput, wholeOutput) = plan(keeps: false)
        let wholeArena = Arena(byteCount: whole.byteCount)
        whole.fill(wholeInput, with: values, in: wholeArena)
        StepRunner.forwards.run(whole.steps(in: wholeArena))
        #expect(found == whole.copy(of: wholeOutput, in: wholeArena), "seed \(random.seed)")
        #expect(found?.contains { $0 > 0 } == true)
    }

    @Test func rowsOfTilesThatRenderTheSameColumnsComeTogether() {
        let grid = TileGrid(size: FrameSize(width: 256, height: 256), multiple: 32)
        let region = RenderRegion(grid: grid, levelCount: 1)
        // Rows 1 to 3 alike, row 4 one column wider, row 6 in two runs.
        let columns: [Int: [Int]] = [1: [2, 3], 2: [2, 3], 3: [2, 3], 4: [2, 3, 4], 6: [0, 7]]
        region.set(
            (0..<grid.tileCount).map { columns[$0 / 8]?.contains($0 % 8) == true }, halos: [0])
        var parts: [[Range<Int>]] = []
        region.forEachPart(of: 2..<62, width: 64, level: 0, tileSide: 8) { parts.append([$0, $1]) }
        #expect(
            parts == [
                [8..<32, 16..<32], [32..<40, 16..<40], [48..<56, 0..<8], [48..<56, 56..<64],
            ])
    }

    @Test func restingLevelsRenderNothing() {
        let grid = TileGrid(size: FrameSize(width: 128, height: 128), multiple: 32)
        let region = RenderRegion(grid: grid, levelCount: 4)
        let tiles = (0..<grid.tileCount).map { $0 == 5 }
        region.set(tiles, halos: [0, 0, 1, 1], resting: 1..<3)
        #expect((0..<4).map { region.isEmpty(level: $0) } == [false, true, true, false])
        #expect((0..<4).map { region.contains(row: 0, column: 0, level: $0) }.last == true)
        #expect(region.valueCount(in: 0..<16, level: 2, tileSide: 4) == 0)
        region.set(tiles, halos: [0, 0, 1, 1])
        #expect(!(0..<4).contains { region.isEmpty(level: $0) })
        region.setEmpty()
        #expect((0..<4).allSatisfy { region.isEmpty(level: $0) })
        region.setFull()
        #expect(!(0..<4).contains { region.isEmpty(level: $0) })
    }

    /// Parts of rows follow each other, keep units whole and hold about as much to render each.
    @Test func partsShareWhatIsRendered() {
        var random = SeededGenerator()
        let (side, unit) = (8, 4)
        let grid = TileGrid(size: FrameSize(width: 512, height: 512), multiple: 32)
        let region = RenderRegion(grid: grid, levelCount: 1)
        for round in 0..<20 {
            let corner = (
                Int.random(in: 0..<12, using: &random), Int.random(in: 0..<12, using: &random)
            )
            let tiles = (0..<grid.tileCount).map {
                (corner.0..<corner.0 + 5).contains($0 / 16)
                    && (corner.1..<corner.1 + 5).contains($0 % 16)
            }
            if round == 0 { region.setFull() } else { region.set(tiles, halos: [0]) }
            let rows = 0..<grid.rows * side - 2
            let total = region.valueCount(in: rows, level: 0, tileSide: side)
            let most =
                (0..<rows.count / unit).map {
                    region.valueCount(
                        in: $0 * unit..<($0 + 1) * unit, level: 0, tileSide: side)
                }.max() ?? 0
            for count in [1, 2, 3, 8] {
                var next = 0
                for index in 0..<count {
                    let part = region.part(
                        index, of: count, of: rows, unit: unit, level: 0, tileSide: side)
                    #expect(part.lowerBound == next && part.lowerBound % unit == 0)
                    next = part.upperBound
                    let found = region.valueCount(in: part, level: 0, tileSide: side)
                    #expect(
                        abs(found * count - total) <= most * count,
                        "seed \(random.seed): part \(index) of \(count), \(found) of \(total)")
                }
                #expect(next == rows.upperBound)
            }
        }
    }
}
