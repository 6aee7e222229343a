// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// One step of rendering a frame: a fixed number of tiles that the render threads claim in any
/// order. A job may be set aside between two steps, never inside one.
package struct RenderStep: Sendable {
    /// Which time of the reply a step counts for.
    package enum Stage: Sendable, Hashable, CaseIterable {
        case convert, render, encode
    }

    /// As profiles print it, e.g. "encoder.1.0.conv1".
    package var name: String
    package var stage: Stage
    package var tileCount: Int
    /// Work on one tile; called once for each of `0 ..< tileCount`, at the same time from several
    /// threads, each with its own memory. The result does not depend on who runs which tile.
    package var runTile: @Sendable (_ tile: Int, _ memory: WorkerMemory) -> Void
    /// Whether it is no part of this frame: then none of its tiles may be run. Asked before the first
    /// of them, after all steps before. nil: never.
    package var isIdle: (@Sendable () -> Bool)?

    package init(
        name: String, stage: Stage, tileCount: Int, isIdle: (@Sendable () -> Bool)? = nil,
        runTile: @escaping @Sendable (_ tile: Int, _ memory: WorkerMemory) -> Void
    ) {
        self.name = name
        self.stage = stage
        self.tileCount = tileCount
        self.isIdle = isIdle
        self.runTile = runTile
    }
}

extension RenderStep {
    /// What a step goes through at most: two to four milliseconds of copying and converting.
    private static let mostPixels = 1 << 18

    /// Steps over the rows of planes, 32 in a tile, so many in a step that another job can come between.
    package static func rows(
        _ name: String, stage: Stage, of size: FrameSize,
        run: @escaping @Sendable (_ rows: Range<Int>) -> Void
    ) -> [RenderStep] {
        let perTile = 32
        let tileCount = (size.height + perTile - 1) / perTile
        let perStep = max(1, mostPixels / (size.width * perTile))
        return stride(from: 0, to: tileCount, by: perStep).map { first in
            RenderStep(name: name, stage: stage, tileCount: min(perStep, tileCount - first)) {
                tile, _ in
                let start = (first + tile) * perTile
                run(start..<min(size.height, start + perTile))
            }
        }
    }
}
