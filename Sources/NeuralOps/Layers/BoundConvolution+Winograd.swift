// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

extension BoundConvolution {
    /// Outputs along each side of what Winograd's kernel makes at once.
    static let side = 4

    /// What a step is cut into: rows of blocks of 4x4 outputs, and vectors of couts where the rows
    /// are few. Inputs are transformed once for each part of the couts.
    private struct Cut {
        var rowTiles: Int
        var coutTiles: Int

        /// Blocks that share each weight they fetch.
        static let blocksPerTile = 32
        /// The same where a part of the frame is rendered.
        static let leastBlocksPerTile = 16
        /// For two threads, each of which may be held up now and then.
        static let leastTiles = 4

        init(blockRows: Int, blocksPerRow: Int, vectors: Int) {
            let rowsPerTile = max(1, Self.blocksPerTile / blocksPerRow)
            rowTiles = max(1, blockRows / rowsPerTile)
            coutTiles = min(vectors, (Self.leastTiles + rowTiles - 1) / rowTiles)
        }
    }

    /// Bands of rows that take about 4 ms on two cores at most.
    func winogradSteps(_ loops: WinogradLoops) -> [OpStep] {
        precondition(
            Int(K_WINOGRAD_FLOATS) * 4 <= WorkerMemory.byteCount,
            "the kernel's scratch memory is a worker's")
        let blockRows = (shape.height + Self.side - 1) / Self.side
        let blocksPerRow = (shape.width + Self.side - 1) / Self.side
        // A third of the plain work in fp32: a quarter of the products, and the transforms.
        let workPerRow =
            blocksPerRow * Int(K_WINOGRAD_PLACES) * 4 / 3 * shape.paddedChannels
            * convolution.inputChannels / loops.table.pointee.numbers
        let stepWork = convolution.kernelPath.workPerMillisecond * 7
        let stepCount = min(
            blockRows, (blockRows * workPerRow + stepWork - 1) / stepWork)
        return (0..<stepCount).map { step in
            winogradStep(
                loops,
                blockRows: step * blockRows / stepCount..<(step + 1) * blockRows / stepCount,
                blocksPerRow: blocksPerRow)
        }
    }

    private func winogradStep(
        _ loops: WinogradLoops, blockRows: Range<Int>, blocksPerRow: Int
    ) -> OpStep {
        let vectors = description.pointee.out_vectors
        let cut = Cut(blockRows: blockRows.count, blocksPerRow: blocksPerRow, vectors: vectors)
        return OpStep(
            name: convolution.name, tileCount: cut.rowTiles * cut.coutTiles
        ) { tile, memory in
            let (row, part) = tile.quotientAndRemainder(dividingBy: cut.coutTiles)
            let rows =
                blockRows.lowerBound
                * Self.side..<min(
                    blockRows.upperBound * Self.side, self.shape.height)
            let rowTiles = self.rowTiles(of: cut, rows)
            if row >= rowTiles { return }
            self.runWinograd(
                loops, vectors: (0..<vectors).part(part, of: cut.coutTiles),
                rows: self.part(row, of: rowTiles, of: rows, unit: Self.side), memory)
        }
    }

    /// Where little is rendered, fewer tiles: each fetches all weights.
    private func rowTiles(of cut: Cut, _ rows: Range<Int>) -> Int {
        guard let count = partialCount(in: rows) else { return cut.rowTiles }
        let blocks = count / (Self.side * Self.side)
        let tiles = blocks / Cut.leastBlocksPerTile / 2 * 2
        return min(cut.rowTiles, max(tiles, cut.coutTiles > 1 ? 1 : 2))
    }

    private func runWinograd(
        _ loops: WinogradLoops, vectors: Range<Int>, rows: Range<Int>, _ memory: WorkerMemory
    ) {
        forEachPart(of: rows) { rows, columns in
            var tile = k_tile(
                b0: vectors.lowerBound, b1: vectors.upperBound, y0: rows.lowerBound,
                y1: rows.upperBound, x0: columns.lowerBound, x1: columns.upperBound)
            loops.table.pointee.run(description, memory.floats, &tile)
        }
    }
}
