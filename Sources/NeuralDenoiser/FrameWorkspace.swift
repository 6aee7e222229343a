// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Scratch memory and steps for frames of one size, of a model of any family; used by one job at a
/// time.
package protocol FrameWorkspace: AnyObject, Sendable {
    /// The same for every frame.
    var steps: [RenderStep] { get }
    var size: FrameSize { get }
    /// At which the next history is left behind.
    var quality: FrameQuality { get }
    /// The frame that the history comes from, if this frame uses one. Known after `begin`.
    var usedHistoryFrame: UInt64? { get }
    /// How much of the last frame was rendered. Known after the last step.
    var work: FrameWork { get }
    /// Pixels along a side of the tiles that `work` counts, and which of them the last frame
    /// rendered, row by row: for whoever wants to see it; allocates.
    var tileSide: Int { get }
    var computedTiles: [Bool] { get }

    /// Binds a frame's inputs and outputs.
    func begin(_ request: FrameRequest) throws(DenoiserError)

    /// Paint a sheet of what was understood of a frame instead of its picture, or before `steps`; none
    /// of them changes what `steps` make of it, nor what is kept from one frame to the next.
    var sheetSteps: [RenderStep] { get }

    /// Binds a frame for `sheetSteps`, alone or after `begin`.
    /// - Parameter sheet: RGBA8, rows packed in the order of `origin`.
    func show(
        _ request: FrameRequest, on sheet: PixelStorage, origin: RowOrigin
    ) throws(DenoiserError)

    /// Lets go of the request's storages.
    func finish()
}

extension FrameWorkspace {
    package var quality: FrameQuality { .full }
    package var tileSide: Int { max(size.width, size.height) }
    package var computedTiles: [Bool] { [true] }
}

extension FrameRequest {
    /// Whether the layout is readable, of the workspace's size, and every storage large enough.
    func check(size: FrameSize, quality: FrameQuality = .full) throws(DenoiserError) {
        let layout = gbuffer.layout
        guard layout.size == size else { throw .frameSize(expected: size, found: layout.size) }
        try layout.checkPlanes()
        try Self.check(gbuffer.storage, "payload", holds: layout.byteCount)
        try Self.check(picture, "picture", holds: size.pixelCount * 4)
        try Self.check(
            nextHistory, "next history",
            holds: FrameHistory.byteCount(of: quality.light(of: size)))
        guard let history else { return }
        guard history.size.isSupported else { throw .size(history.size) }
        try Self.check(
            history.storage, "history", holds: FrameHistory.byteCount(of: history.size))
    }

    private static func check(
        _ storage: PixelStorage, _ name: String, holds needed: Int
    ) throws(DenoiserError) {
        guard storage.byteCount >= needed else {
            throw .storage(name: name, byteCount: storage.byteCount, needed: needed)
        }
    }
}
