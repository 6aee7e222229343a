// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

extension FrameKernels {
    /// Pixels in a tile: about half a millisecond; 16 tiles in a step: about 4 ms on two cores.
    private static let tilePixels = 8192
    private static let tilesPerStep = 16

    /// Planes and history to features, and what reads them band by band.
    package func featureSteps() -> [OpStep] {
        cellSteps(features.stepName) { row, columns, memory in
            self.features.run(row: row, columns: columns, memory) { features, columns in
                self.kernels.table.pointee.cells(
                    self.frame, features, row, columns.lowerBound, columns.upperBound)
            }
        }
    }

    /// The network's output to a picture.
    package func pictureSteps() -> [OpStep] {
        cellSteps(head.stepName) { row, columns, memory in
            let head = self.head.row(row, columns: columns, memory)
            self.kernels.table.pointee.pictures(
                self.frame, head, row, columns.lowerBound, columns.upperBound)
            self.level?.keep(self.frame, head, row: row, columns: columns)
        }
    }

    /// The previous frame to what the warp reads. Its height is known only when a frame is bound: each
    /// tile takes its share of it.
    package func historySteps() -> [OpStep] {
        let tileCount = max(1, size.pixelCount / (Self.tilePixels * 2))
        return OpStep.rows(
            "history", count: tileCount, perTile: 1, tilesPerStep: Self.tilesPerStep
        ) { tiles in
            let height = Int(self.frame.pointee.previous_height)
            self.expandHistory(
                tiles.lowerBound * height / tileCount..<tiles.upperBound * height / tileCount)
        }
    }

    /// Where nothing moved, the warp reads one pixel and gives its neighbours no weight: they only
    /// must be numbers, which they are since the frame that was rendered whole.
    private func expandHistory(_ rows: Range<Int>) {
        let width = Int(frame.pointee.previous_width)
        guard let region, frame.pointee.motion_kind == Int32(K_MOTION_STILL.rawValue) else {
            if region?.tilesComputed == 0 { return }
            return kernels.table.pointee.expand_history(
                frame, rows.lowerBound, rows.upperBound, 0, width)
        }
        region.forEachPart(of: rows, width: width, level: 0, tileSide: region.grid.side) {
            kernels.table.pointee.expand_history(
                frame, $0.lowerBound, $0.upperBound, $1.lowerBound, $1.upperBound)
        }
    }

    private func cellSteps(
        _ name: String,
        run: @escaping @Sendable (_ row: Int, _ columns: Range<Int>, WorkerMemory) -> Void
    ) -> [OpStep] {
        let width = Int(frame.pointee.cells_x)
        return OpStep.rows(
            name, count: Int(frame.pointee.cells_y),
            perTile: max(1, Self.tilePixels / (width * Int(K_LANES))),
            tilesPerStep: Self.tilesPerStep
        ) { rows, memory in
            for row in rows {
                self.forEachPart(ofCells: row, width: width) { run($0, $1, memory) }
            }
        }
    }

    private func forEachPart(
        ofCells row: Int, width: Int, _ run: (_ row: Int, _ columns: Range<Int>) -> Void
    ) {
        guard let region else { return run(row, 0..<width) }
        region.forEachPart(
            of: row..<row + 1, width: width, level: 0, tileSide: region.grid.side / 4
        ) { run($0.lowerBound, $1) }
    }
}
