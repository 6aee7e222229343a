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
    package let sheetSteps: [RenderStep]
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
    /// What renders an incremental session's frames whose camera moved: the very steps of a session
    /// that keeps nothing, in the same memory, which values that are never kept fill more tightly.
    private let moving: FrameKernels?
    /// Metres; what lies at or beyond is sky.
    private let farthest: Float
    /// Of the two, what renders the frame under way.
    private var bound: FrameKernels?
    private let sheet: LabelledSheet

    /// - Parameter level: what brings this frame's light to a larger size, and shows it on sheets of
    ///   that size.
    init(
        _ plan: FramePlan, model: CompactModel,
        incremental: (layout: GBufferLayout, settings: IncrementalSettings)? = nil,
        level: LevelKernels? = nil
    ) throws(MemoryRefusal) {
        self.plan = plan
        size = plan.size
        farthest = model.pixels.settings.farthestSurface
        sheet = LabelledSheet(size: level?.size ?? plan.size)
        guard let incremental else {
            arena = try Arena(reserving: plan.layers.byteCount)
            kernels = FrameKernels(plan, model: model, arena: arena, level: level)
            self.incremental = nil
            moving = nil
            steps = kernels.steps(of: plan, in: arena)
            sheetSteps = sheet.steps(kernels.sheetSteps(sheet.panels))
            return
        }
        let movingPlan = FramePlan(size: plan.size, model: model)
        arena = try Arena(reserving: max(plan.layers.byteCount, movingPlan.layers.byteCount))
        let levelCount = model.manifest.channels.count
        let region = RenderRegion(
            grid: TileGrid(size: plan.size, multiple: model.manifest.sizeMultiple),
            levelCount: levelCount + 1, blockSide: plan.layers.blockSide)
        kernels = FrameKernels(plan, model: model, arena: arena, region: region, level: level)
        sheetSteps = sheet.steps(kernels.sheetSteps(sheet.panels))
        let moving = FrameKernels(movingPlan, model: model, arena: arena, level: level)
        self.moving = moving
        let frame = try IncrementalFrame(
            layout: incremental.layout, settings: incremental.settings, levelCount: levelCount,
            kernels: kernels, region: region)
        self.incremental = frame
        steps =
            frame.firstSteps().map { RenderStep($0, stage: .convert) }
            + moving.steps(of: movingPlan, in: arena) { frame.keepsPlanes }
            // Of a frame that is carried over whole only the ends are left.
            + kernels.steps(of: plan, in: arena, region: region) {
                !frame.keepsPlanes || region.tilesComputed == 0
            }
            + frame.lastSteps().map { RenderStep($0, stage: .encode) }
    }

    static func incrementalByteCount(
        _ model: CompactModel, _ layout: GBufferLayout
    ) -> Int {
        let plans = [true, false].map {
            FramePlan(size: layout.size, model: model, isIncremental: $0).layers.byteCount
        }
        return max(plans[0], plans[1]) + IncrementalFrame.byteCount(for: layout)
    }

    /// Binds a frame's inputs and outputs. Allocates nothing, unless the history comes from a larger
    /// frame: what is left of it after one frame has this workspace's size.
    package func begin(_ request: FrameRequest) throws(DenoiserError) {
        try request.check(size: size)
        let geometry = try FrameGeometry(request, farthest: farthest)
        usedHistoryFrame = geometry.motion == .none ? nil : request.history?.frameID
        incremental?.begin(request, geometry)
        var used = kernels
        if let incremental, let moving, !incremental.keepsPlanes { used = moving }
        do {
            try used.bind(request, geometry: geometry)
        } catch {
            used.release()
            throw .memory(error)
        }
        bound = used
    }

    /// The expanded history of the `kernels` lies beside everything that an incremental session keeps.
    package func show(
        _ request: FrameRequest, on sheet: PixelStorage, origin: RowOrigin
    ) throws(DenoiserError) {
        try request.check(size: size)
        let geometry = try FrameGeometry(request, farthest: farthest)
        usedHistoryFrame = geometry.motion == .none ? nil : request.history?.frameID
        do {
            try kernels.bind(request, geometry: geometry)
        } catch {
            kernels.release()
            throw .memory(error)
        }
        try self.sheet.bind(request, historyFrame: usedHistoryFrame, to: sheet, origin: origin)
    }

    /// Lets go of the request's storages.
    package func finish() {
        bound?.release()
        bound = nil
        if sheet.isBound {
            kernels.release()
            sheet.release()
        }
        incremental?.finish()
        usedHistoryFrame = nil
    }
}

extension FrameKernels {
    fileprivate convenience init(
        _ plan: FramePlan, model: CompactModel, arena: Arena, region: RenderRegion? = nil,
        level: LevelKernels? = nil
    ) {
        self.init(
            model: model.pixels, size: plan.size, places: plan.places, plan: plan.layers,
            arena: arena, region: region, level: level)
    }

    /// A frame from its planes to its picture.
    fileprivate func steps(
        of plan: FramePlan, in arena: Arena, region: RenderRegion? = nil,
        isIdle: (@Sendable () -> Bool)? = nil
    ) -> [RenderStep] {
        historySteps().map { RenderStep($0, stage: .convert, isIdle: isIdle) }
            // The network's first layer runs in the same steps.
            + featureSteps().map { RenderStep($0, stage: .render, isIdle: isIdle) }
            + plan.layers.steps(in: arena, region: region).map {
                RenderStep($0, stage: .render, isIdle: isIdle)
            }
            + pictureSteps().map { RenderStep($0, stage: .encode, isIdle: isIdle) }
    }
}

extension RenderStep {
    /// - Parameter isIdle: of the whole frame's steps; a step may be idle by itself as well.
    init(_ step: OpStep, stage: Stage, isIdle: (@Sendable () -> Bool)? = nil) {
        self.init(
            name: step.name, stage: stage, tileCount: step.tileCount,
            isIdle: Self.either(isIdle, step.isIdle), runTile: step.runTile)
    }

    private static func either(
        _ first: (@Sendable () -> Bool)?, _ second: (@Sendable () -> Bool)?
    ) -> (@Sendable () -> Bool)? {
        guard let first, let second else { return first ?? second }
        return { first() || second() }
    }
}
