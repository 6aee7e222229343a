// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

/// Frames of one size whose light is computed at half or quarter size: planes are reduced, a workspace
/// of that size renders the reduced frame from its own history, and its light is brought back to every
/// pixel and composed with the planes as they came.
///
/// The history that such a frame leaves behind is the reduced one's, so that moving it costs as little
/// as the rest. A history of a better level is reduced first, one of a lower level read as it is: the
/// level may change between any two frames.
///
/// `@unchecked Sendable`: `begin` and `finish` are called by the job's owner while no tile runs; the
/// scheduler orders them with the render threads.
final class LevelWorkspace: FrameWorkspace, @unchecked Sendable {
    let steps: [RenderStep]
    let sheetSteps: [RenderStep]
    let size: FrameSize
    var quality: FrameQuality { level.quality }
    var usedHistoryFrame: UInt64? { inner.usedHistoryFrame }
    var work: FrameWork { inner.work }
    var tileSide: Int { inner.tileSide * quality.side }
    var computedTiles: [Bool] { inner.computedTiles }

    private let inner: Workspace
    private let level: LevelKernels
    /// Metres; what lies at or beyond is sky.
    private let farthest: Float

    /// - Parameter incremental: the layout is the frame's own.
    init(
        _ size: FrameSize, at quality: FrameQuality, model: CompactModel,
        incremental: (layout: GBufferLayout, settings: IncrementalSettings)? = nil
    ) throws(MemoryRefusal) {
        self.size = size
        farthest = model.pixels.settings.farthestSurface
        let light = quality.light(of: size)
        level = try LevelKernels(
            model: model.pixels, size: size, quality: quality,
            padded: light.padded(to: model.manifest.sizeMultiple))
        inner = try Workspace(
            FramePlan(size: light, model: model, isIncremental: incremental != nil), model: model,
            incremental: incremental.map {
                (LevelKernels.reduced($0.layout, at: quality), $0.settings)
            }, level: level)
        let first =
            level.historySteps().map { RenderStep($0, stage: .convert) }
            + level.reduceSteps().map { RenderStep($0, stage: .convert) }
        steps = first + inner.steps + level.raiseSteps().map { RenderStep($0, stage: .encode) }
        sheetSteps = first + inner.sheetSteps
    }

    /// Memory beside the inner workspace's.
    static func addedByteCount(
        _ model: CompactModel, _ size: FrameSize, _ quality: FrameQuality
    ) -> Int {
        guard quality != .full else { return 0 }
        return LevelKernels.byteCount(
            of: size, at: quality,
            padded: quality.light(of: size).padded(to: model.manifest.sizeMultiple))
    }

    func begin(_ request: FrameRequest) throws(DenoiserError) {
        let reduced = try bind(request)
        do {
            try inner.begin(reduced)
        } catch {
            level.release()
            throw error
        }
    }

    func show(
        _ request: FrameRequest, on sheet: PixelStorage, origin: RowOrigin
    ) throws(DenoiserError) {
        try inner.show(try bind(request), on: sheet, origin: origin)
    }

    func finish() {
        inner.finish()
        level.release()
    }

    /// The frame as the network sees it.
    private func bind(_ request: FrameRequest) throws(DenoiserError) -> FrameRequest {
        try request.check(size: size, quality: quality)
        return level.bind(request, geometry: try FrameGeometry(request, farthest: farthest))
    }
}
