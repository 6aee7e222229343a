// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

extension FrameKernels {
    /// Pixels in a tile: about half a millisecond; 16 tiles in a step: about 4 ms on two cores.
    private static let tilePixels = 8192
    private static let tilesPerStep = 16

    /// Planes and history to features.
    package func inputSteps() -> [OpStep] {
        historySteps() + cellSteps("features") { self.kernels.table.pointee.cells(self.frame, $0) }
    }

    /// The network's output to a picture.
    package func pictureSteps() -> [OpStep] {
        cellSteps("picture") { self.kernels.table.pointee.pictures(self.frame, $0) }
    }

    /// The history's height is known only when a frame is bound: each tile takes its share of it.
    private func historySteps() -> [OpStep] {
        let tileCount = max(1, size.pixelCount / (Self.tilePixels * 2))
        return OpStep.rows(
            "history", count: tileCount, perTile: 1, tilesPerStep: Self.tilesPerStep
        ) { tiles in
            let height = Int(self.frame.pointee.previous_height)
            self.kernels.table.pointee.expand_history(
                self.frame, tiles.lowerBound * height / tileCount,
                tiles.upperBound * height / tileCount)
        }
    }

    private func cellSteps(
        _ name: String, run: @escaping @Sendable (_ row: Int) -> Void
    ) -> [OpStep] {
        let pixelsPerRow = Int(frame.pointee.cells_x) * Int(K_LANES)
        return OpStep.rows(
            name, count: Int(frame.pointee.cells_y),
            perTile: max(1, Self.tilePixels / pixelsPerRow),
            tilesPerStep: Self.tilesPerStep
        ) { rows in
            var row = rows.lowerBound
            while row < rows.upperBound {
                run(row)
                row += 1
            }
        }
    }
}
