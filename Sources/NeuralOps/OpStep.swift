// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// A part of a frame's work: tiles that may run in any order and at the same time.
package struct OpStep: Sendable {
    package var name: String
    package var tileCount: Int
    /// Whether it has nothing to do in this frame, as for `RenderStep`; nil: never.
    package var isIdle: (@Sendable () -> Bool)?
    package var runTile: @Sendable (_ tile: Int, _ memory: WorkerMemory) -> Void

    package init(
        name: String, tileCount: Int,
        runTile: @escaping @Sendable (_ tile: Int, _ memory: WorkerMemory) -> Void
    ) {
        self.name = name
        self.tileCount = tileCount
        self.runTile = runTile
    }

    /// How many tiles fill a step of 3 ms on one core, a yield point behind each: an even number, so
    /// that two threads finish together.
    /// - Parameters:
    ///   - tileWork: multiply-adds of a tile.
    static func tilesPerStep(tileWork: Int, _ path: KernelPath) -> Int {
        max(1, path.workPerMillisecond * 3 / 2 / max(1, tileWork)) * 2
    }

    /// Steps over `count` rows, `perTile` in a tile and `tilesPerStep` in a step.
    package static func rows(
        _ name: String, count: Int, perTile: Int, tilesPerStep: Int,
        run: @escaping @Sendable (_ rows: Range<Int>) -> Void
    ) -> [OpStep] {
        rows(name, count: count, perTile: perTile, tilesPerStep: tilesPerStep) { rows, _ in
            run(rows)
        }
    }

    /// The same with the render thread's memory.
    package static func rows(
        _ name: String, count: Int, perTile: Int, tilesPerStep: Int,
        run: @escaping @Sendable (_ rows: Range<Int>, _ memory: WorkerMemory) -> Void
    ) -> [OpStep] {
        let tileCount = (count + perTile - 1) / perTile
        return stride(from: 0, to: tileCount, by: tilesPerStep).map { first in
            OpStep(name: name, tileCount: min(tilesPerStep, tileCount - first)) { tile, memory in
                let start = (first + tile) * perTile
                run(start..<min(start + perTile, count), memory)
            }
        }
    }
}
