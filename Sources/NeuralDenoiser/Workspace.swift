// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

/// Scratch memory and steps for frames of one size; used by one job at a time.
///
/// `@unchecked Sendable`: `begin` and `finish` are called by the job's owner while no tile runs;
/// the scheduler orders them with the render threads.
package final class Workspace: FrameWorkspace, @unchecked Sendable {
    /// The same for every frame.
    package let steps: [RenderStep]
    package let size: FrameSize
    /// The frame that the history comes from, if this frame uses one. Known after `begin`.
    package private(set) var usedHistoryFrame: UInt64?
    /// How much of the last frame was rendered. Known after the last step.
    package var work: FrameWork { .full }

    let plan: FramePlan
    let arena: Arena
    let kernels: FrameKernels

    init(_ plan: FramePlan, model: CompactModel) {
        self.plan = plan
        size = plan.size
        arena = Arena(byteCount: plan.layers.byteCount)
        kernels = FrameKernels(
            model: model.pixels, size: plan.size, places: plan.places, plan: plan.layers,
            arena: arena)
        steps =
            kernels.inputSteps().map { RenderStep($0, stage: .convert) }
            + plan.layers.steps(in: arena).map { RenderStep($0, stage: .render) }
            + kernels.pictureSteps().map { RenderStep($0, stage: .encode) }
    }

    /// Binds a frame's inputs and outputs. Allocates nothing, unless the history comes from a larger
    /// frame: what is left of it after one frame has this workspace's size.
    package func begin(_ request: FrameRequest) throws(DenoiserError) {
        try request.check(size: size)
        let geometry = try FrameGeometry(request)
        usedHistoryFrame = geometry.motion == .none ? nil : request.history?.frameID
        kernels.bind(request, geometry: geometry)
    }

    /// Lets go of the request's storages.
    package func finish() {
        kernels.release()
        usedHistoryFrame = nil
    }
}

extension RenderStep {
    init(_ step: OpStep, stage: Stage) {
        self.init(
            name: step.name, stage: stage, tileCount: step.tileCount, runTile: step.runTile)
    }
}
