// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

/// Scratch memory and steps for frames of one size; used by one job at a time. An incremental one
/// also keeps what its session's frames have in common.
///
/// `@unchecked Sendable`: `begin` and `finish` are called by the job's owner while no tile runs;
/// the scheduler orders them with the render threads.
package final class Workspace: FrameWorkspace, @unchecked Sendable {
    /// The same for every frame.
    package let steps: [RenderStep]
    package let size: FrameSize
    /// Pixels along a side of the tiles that `work` counts, and which of them the last frame rendered,
    /// row by row: for whoever wants to see it; allocates.
    package var tileSide: Int { incremental?.grid.side ?? max(size.width, size.height) }
    package var computedTiles: [Bool] { incremental?.computedTiles ?? [true] }
    /// The frame that the history comes from, if this frame uses one. Known after `begin`.
    package private(set) var usedHistoryFrame: UInt64?
    /// How much of the last frame was rendered. Known after the last step.
    package var work: FrameWork { incremental?.work ?? .full }

    let plan: FramePlan
    let arena: Arena
    let kernels: FrameKernels
    let incremental: IncrementalFrame?

    init(
        _ plan: FramePlan, model: CompactModel,
        incremental: (layout: GBufferLayout, settings: IncrementalSettings)? = nil
    ) {
        self.plan = plan
        size = plan.size
        arena = Arena(byteCount: plan.layers.byteCount)
        let levelCount = model.manifest.channels.count
        let region = incremental.map { _ in
            RenderRegion(
                grid: TileGrid(size: plan.size, multiple: model.manifest.sizeMultiple),
                levelCount: levelCount + 1, blockSide: plan.layers.blockSide)
        }
        kernels = FrameKernels(
            model: model.pixels, size: plan.size, places: plan.places, plan: plan.layers,
            arena: arena, region: region)
        var frame: IncrementalFrame?
        if let incremental, let region {
            frame = IncrementalFrame(
                layout: incremental.layout, settings: incremental.settings,
                levelCount: levelCount, kernels: kernels, region: region)
        }
        self.incremental = frame
        let (first, last) = (frame?.firstSteps() ?? [], frame?.lastSteps() ?? [])
        let layers = plan.layers.steps(in: arena, region: region)
        // Of a frame that is carried over whole only the ends are left.
        var isIdle: (@Sendable () -> Bool)?
        if let region { isIdle = { region.tilesComputed == 0 } }
        let idle = isIdle
        steps =
            first.map { RenderStep($0, stage: .convert) }
            + kernels.historySteps().map { RenderStep($0, stage: .convert, isIdle: idle) }
            // The network's first layer runs in the same steps.
            + kernels.featureSteps().map { RenderStep($0, stage: .render, isIdle: idle) }
            + layers.map { RenderStep($0, stage: .render, isIdle: idle) }
            + kernels.pictureSteps().map { RenderStep($0, stage: .encode, isIdle: idle) }
            + last.map { RenderStep($0, stage: .encode) }
    }

    /// Binds a frame's inputs and outputs. Allocates nothing, unless the history comes from a larger
    /// frame: what is left of it after one frame has this workspace's size.
    package func begin(_ request: FrameRequest) throws(DenoiserError) {
        try request.check(size: size)
        let geometry = try FrameGeometry(request)
        usedHistoryFrame = geometry.motion == .none ? nil : request.history?.frameID
        kernels.bind(request, geometry: geometry)
        incremental?.begin(request, geometry)
    }

    /// Lets go of the request's storages.
    package func finish() {
        kernels.release()
        incremental?.finish()
        usedHistoryFrame = nil
    }
}

extension RenderStep {
    init(_ step: OpStep, stage: Stage, isIdle: (@Sendable () -> Bool)? = nil) {
        self.init(
            name: step.name, stage: stage, tileCount: step.tileCount,
            isIdle: step.isIdle ?? isIdle, runTile: step.runTile)
    }
}
