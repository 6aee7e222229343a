// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

/// The ops around the network on frames of one size: planes and history to features, the head to a
/// picture. One frame is bound at a time.
///
/// `@unchecked Sendable`: `bind` and `release` are called between frames only; tiles read the
/// description and write disjoint rows.
package final class FrameKernels: @unchecked Sendable {
    /// Where the ops meet the network's memory.
    package struct Places: Sendable {
        package var features: LayerGraph.Value
        package var head: LayerGraph.Value
        package var trustedLight: LayerGraph.Scratch
        package var history: LayerGraph.Scratch
        /// What may be kept of the previous picture; nil: nothing is.
        package var kept: LayerGraph.Scratch?

        package init(
            features: LayerGraph.Value, head: LayerGraph.Value,
            trustedLight: LayerGraph.Scratch, history: LayerGraph.Scratch,
            kept: LayerGraph.Scratch?
        ) {
            self.features = features
            self.head = head
            self.trustedLight = trustedLight
            self.history = history
            self.kept = kept
        }
    }

    package let size: FrameSize
    let frame: UnsafeMutablePointer<k_frame>
    private let model: PixelModel
    let kernels: Kernels
    /// What is computed of each frame; nil: everything.
    let region: RenderRegion?
    /// Keeps this frame's light, if that is to be brought to a larger size.
    let level: LevelKernels?
    private let arena: Arena
    private let ownHistory: UnsafeMutablePointer<Float>
    let features: FeatureTarget
    let head: HeadSource
    /// Keeps the bound storages alive.
    private var request: FrameRequest?
    private var foreignHistory: PixelStorage?

    /// Floats of the expanded history of a frame.
    package static func historyFloatCount(_ size: FrameSize) -> Int {
        FrameHistory.expandedByteCount(of: size) / 4
    }

    package init(
        model: PixelModel, size: FrameSize, places: Places, plan: LayerPlan, arena: Arena,
        region: RenderRegion? = nil, level: LevelKernels? = nil
    ) {
        self.model = model
        self.level = level
        self.region = region
        self.size = size
        self.arena = arena
        kernels = model.kernelPath.kernels
        features = FeatureTarget(places.features, plan: plan, arena: arena, region: region)
        head = HeadSource(
            places.head, for: "picture", plan: plan, arena: arena, region: region)
        let cells = plan.graph.shape(of: places.features)
        ownHistory = plan.memory(of: places.history, in: arena)
        // Freed in `deinit`; its pointers lead into `model`, `arena` and `request`.
        frame = .allocate(capacity: 1)
        frame.initialize(to: k_frame())
        frame.pointee.model = UnsafePointer(model.description)
        frame.pointee.width = Int32(size.width)
        frame.pointee.height = Int32(size.height)
        frame.pointee.cells_x = Int32(cells.width)
        frame.pointee.cells_y = Int32(cells.height)
        frame.pointee.trusted_light = plan.memory(of: places.trustedLight, in: arena)
        // Light of another size is brought to the frame's own without the previous picture.
        if level == nil, let kept = places.kept {
            frame.pointee.kept = UnsafeMutableRawPointer(plan.memory(of: kept, in: arena))
                .assumingMemoryBound(to: UInt32.self)
        }
        frame.pointee.head_stride = head.shape.paddedChannels
    }

    deinit { frame.deallocate() }

    /// Takes a frame whose layout and storages have been checked. Allocates only for a history of
    /// another size, which the system can refuse.
    package func bind(
        _ request: FrameRequest, geometry: FrameGeometry
    ) throws(MemoryRefusal) {
        let layout = request.gbuffer.layout
        precondition(layout.size == size, "a frame of another size")
        self.request = request
        let source = request.gbuffer.storage.bytes
        frame.pointee.bindPlanes(layout, source: source)
        frame.pointee.bindDepth(geometry.depth)
        frame.pointee.bindView(geometry.view)
        frame.pointee.bindMotion(geometry.motion)
        try bindHistory(geometry.motion == .none ? nil : request.history)
        frame.pointee.bindResults(request)
    }

    /// Lets go of the frame's storages.
    package func release() {
        request = nil
        foreignHistory = nil
    }

    private func bindHistory(_ history: FrameHistory?) throws(MemoryRefusal) {
        foreignHistory = nil
        frame.pointee.history = ownHistory
        frame.pointee.bindHistory(history)
        guard let history, history.size.pixelCount > size.pixelCount else { return }
        let storage = try PixelStorage(
            reserving: FrameHistory.expandedByteCount(of: history.size))
        foreignHistory = storage
        frame.pointee.history = storage.bytes.baseAddress?.assumingMemoryBound(to: Float.self)
    }
}
