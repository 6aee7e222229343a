// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralOps

/// One session's frames in their relation to each other: what a frame may carry over from the one
/// before it.
///
/// A frame whose camera moved is rendered whole and costs nothing more: nothing is compared or kept.
/// While the camera stands still the planes are kept; from then on each frame is compared with them,
/// tile by tile, before anything else, and renders what changed, what has not settled yet and what
/// lies around it.
///
/// `@unchecked Sendable`: `begin`, `finish` and steps of one tile run while nothing else does; other
/// steps' tiles only read.
final class IncrementalFrame: @unchecked Sendable {
    /// The last frame that was rendered or answered to its end.
    private struct Last {
        var frameID: UInt64
        var seed: UInt64
        var history: PixelStorage
        /// Rendered whole from planes that were the same bytes as those before, and gave back its
        /// own source: with the same planes again, every input and so every byte would be the same.
        var isFixed: Bool
    }

    private let layout: GBufferLayout
    private let settings: IncrementalSettings
    let region: RenderRegion
    private let kept: KeptFrame
    private var ledger: TileLedger
    private var last: Last?
    /// The history that the last frame rendered at all began with.
    private var earlierHistory: PixelStorage?
    /// Whether the kept planes are those that every tile was rendered from.
    private var hasPlanes = false
    /// A frame was carried over in part since one was rendered whole.
    private var hasCarriedOver = false
    private var lastWhole: UInt64 = 0

    // The frame under way.
    private var request: FrameRequest?
    private var compares = false
    private var verdict = TileLedger.Verdict.full
    private var isSame = false
    private(set) var work = FrameWork.full

    /// Memory beside the activations.
    static func byteCount(for layout: GBufferLayout) -> Int { KeptFrame.byteCount(for: layout) }

    init(
        layout: GBufferLayout, settings: IncrementalSettings, levelCount: Int,
        kernels: FrameKernels, region: RenderRegion
    ) throws(MemoryRefusal) {
        self.layout = layout
        self.settings = settings
        self.region = region
        kept = try KeptFrame(
            layout: layout, tolerances: settings.tolerances, kernels: kernels, region: region)
        ledger = TileLedger(grid: region.grid, levelCount: levelCount, settings: settings)
    }

    var grid: TileGrid { region.grid }

    /// Whether the camera stands still: then this frame's planes are kept to compare the next one with.
    /// Known after `begin`.
    var keepsPlanes: Bool { kept.keepsPlanes }

    var computedTiles: [Bool] {
        (0..<grid.tileCount).map {
            region.contains(row: $0 / grid.columns, column: $0 % grid.columns)
        }
    }

    // MARK: Steps

    /// Before anything is converted.
    func firstSteps() -> [OpStep] {
        let rows = region.grid.rows
        return [
            OpStep(name: "compare", tileCount: rows) { row, _ in
                if self.compares { self.kept.compare(row: row) }
            },
            OpStep(name: "decide", tileCount: 1) { _, _ in self.decide() },
        ]
    }

    /// After the picture.
    func lastSteps() -> [OpStep] {
        let rows = region.grid.rows
        return [
            OpStep(name: "settle", tileCount: rows) { row, _ in
                if !self.region.isFull || self.kept.keepsPlanes { self.kept.settle(row: row) }
            },
            OpStep(name: "commit", tileCount: 1) { _, _ in self.commit() },
        ]
    }

    // MARK: A frame

    func begin(_ request: FrameRequest, _ geometry: FrameGeometry) {
        self.request = request
        let stands = standsStill(request, geometry)
        compares = stands && hasPlanes && continues(request)
        kept.keepsPlanes = stands
        kept.nextHoldsEarlier = request.nextHistory === earlierHistory
        verdict = .full
        isSame = false
        region.setFull()
    }

    /// Forgets a frame that was not rendered to its end, with all that was kept.
    func finish() {
        guard request != nil else { return }
        request = nil
        last = nil
        earlierHistory = nil
        hasPlanes = false
    }

    /// Whether every surface is where it was in the history, as far as the cameras say.
    private func standsStill(_ request: FrameRequest, _ geometry: FrameGeometry) -> Bool {
        guard request.gbuffer.layout == layout, let history = request.history else { return false }
        switch geometry.motion {
        case .still: return !layout.hasMotionPlane
        case .plane:
            return request.gbuffer.camera != nil && request.gbuffer.camera == history.camera
                && request.gbuffer.jitter == history.jitter && layout.size == history.size
        case .none, .camera: return false
        }
    }

    private func continues(_ request: FrameRequest) -> Bool {
        guard let last, let history = request.history else { return false }
        return history.frameID == last.frameID && history.storage === last.history
            && request.seed == last.seed
    }

    private func decide() {
        guard compares, let request else { return ledger.forgetAttempts() }
        let frameID = request.gbuffer.frameID
        let isRefresh =
            hasCarriedOver
            && frameID / settings.refreshFrames != lastWhole / settings.refreshFrames
        isSame = kept.isSame
        verdict = ledger.decide(
            kept, allowsApproximate: request.allowsApproximate,
            isFixed: isSame && last?.isFixed == true, isRefresh: isRefresh)
        switch verdict {
        case .unchanged: region.setEmpty()
        case .partial: break
        case .full: region.setFull()
        }
    }

    private func commit() {
        guard let request else { return }
        let frameID = request.gbuffer.frameID
        let tileCount = region.grid.tileCount
        var next = Last(
            frameID: frameID, seed: request.seed, history: request.nextHistory, isFixed: false)
        switch verdict {
        case .unchanged(let isExact):
            work = FrameWork(
                tilesComputed: 0, tileCount: tileCount, isApproximate: !isExact, keepsHistory: true)
            if let last { next.history = last.history }
            next.isFixed = isExact
        case .partial:
            work = FrameWork(
                tilesComputed: region.tilesComputed, tileCount: tileCount, isApproximate: true)
            hasCarriedOver = true
            earlierHistory = request.history?.storage
            ledger.countExposure(region)
        case .full:
            work = FrameWork(tilesComputed: tileCount, tileCount: tileCount)
            next.isFixed = isSame && ledger.isFixed(kept)
            hasCarriedOver = false
            earlierHistory = request.history?.storage
            lastWhole = frameID
            hasPlanes = kept.keepsPlanes
            ledger.forgetExposure()
        }
        last = next
        self.request = nil
    }
}
