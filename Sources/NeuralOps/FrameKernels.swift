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

        package init(
            features: LayerGraph.Value, head: LayerGraph.Value,
            trustedLight: LayerGraph.Scratch, history: LayerGraph.Scratch
        ) {
            self.features = features
            self.head = head
            self.trustedLight = trustedLight
            self.history = history
        }
    }

    package let size: FrameSize
    let frame: UnsafeMutablePointer<k_frame>
    private let model: PixelModel
    let kernels: Kernels
    private let arena: Arena
    private let ownHistory: UnsafeMutablePointer<Float>
    /// Keeps the bound storages alive.
    private var request: FrameRequest?
    private var foreignHistory: PixelStorage?

    /// Floats of the expanded history of a frame.
    package static func historyFloatCount(_ size: FrameSize) -> Int { size.pixelCount * 8 }

    package init(
        model: PixelModel, size: FrameSize, places: Places, plan: LayerPlan, arena: Arena
    ) {
        self.model = model
        self.size = size
        self.arena = arena
        kernels = model.kernelPath.kernels
        guard let features = plan.memory(of: places.features, in: arena),
            let head = plan.memory(of: places.head, in: arena)
        else { preconditionFailure("the plan has no memory for the network's ends") }
        precondition(features.border == 0, "features are written without a border")
        ownHistory = plan.memory(of: places.history, in: arena)
        // Freed in `deinit`; its pointers lead into `model`, `arena` and `request`.
        frame = .allocate(capacity: 1)
        frame.initialize(to: k_frame())
        frame.pointee.model = UnsafePointer(model.description)
        frame.pointee.width = Int32(size.width)
        frame.pointee.height = Int32(size.height)
        frame.pointee.cells_x = Int32(features.shape.width)
        frame.pointee.cells_y = Int32(features.shape.height)
        frame.pointee.features = features.origin
        frame.pointee.feature_stride = features.shape.paddedChannels
        frame.pointee.trusted_light = plan.memory(of: places.trustedLight, in: arena)
        frame.pointee.head = UnsafePointer(head.origin)
        frame.pointee.head_row = head.rowStride
        frame.pointee.head_stride = head.shape.paddedChannels
    }

    deinit { frame.deallocate() }

    /// Takes a frame whose layout and storages have been checked. Allocates only for a history of
    /// another size.
    package func bind(_ request: FrameRequest, geometry: FrameGeometry) {
        let layout = request.gbuffer.layout
        precondition(layout.size == size, "a frame of another size")
        self.request = request
        let source = request.gbuffer.storage.bytes
        bindPlanes(layout, source: source)
        frame.pointee.turns_normals = layout.normalSpace == .view ? 1 : 0
        bindDepth(geometry.depth)
        bindView(geometry.view)
        bindMotion(geometry.motion)
        bindHistory(geometry.motion == .none ? nil : request.history)
        bindResults(request)
    }

    /// Lets go of the frame's storages.
    package func release() {
        request = nil
        foreignHistory = nil
    }

    private func bindPlanes(_ layout: GBufferLayout, source: UnsafeMutableRawBufferPointer) {
        frame.pointee.metallic = k_plane()
        frame.pointee.motion = k_plane()
        frame.pointee.known = k_plane()
        // A counted loop: an unoptimised iterator allocates.
        var index = 0
        while index < layout.planes.count {
            let place = layout.planes[index]
            let plane = plane(place, isFlipped: layout.origin == .bottomLeft, source: source)
            switch place.kind {
            case .baseColor: frame.pointee.base = plane
            case .normals: frame.pointee.normals = plane
            case .depth: frame.pointee.depth = plane
            case .roughness: frame.pointee.roughness = plane
            case .metallic: frame.pointee.metallic = plane
            case .motion: frame.pointee.motion = plane
            case .known: frame.pointee.known = plane
            }
            index += 1
        }
    }

    private func plane(
        _ place: PlaneLayout, isFlipped: Bool, source: UnsafeMutableRawBufferPointer
    ) -> k_plane {
        let last = place.offset + (size.height - 1) * place.rowStride
        let end = last + size.width * place.format.bytesPerPixel
        guard let base = source.baseAddress, place.offset >= 0, end <= source.count else {
            preconditionFailure("a plane outside its storage")
        }
        return k_plane(
            top: UnsafePointer(base.assumingMemoryBound(to: UInt8.self))
                + (isFlipped ? last : place.offset),
            row_stride: isFlipped ? -place.rowStride : place.rowStride,
            format: Int32(Self.format(place.format).rawValue))
    }

    private static func format(_ format: PixelFormat) -> k_format {
        switch format {
        case .rgba8sRGB: K_RGBA8
        case .rgb8sRGB, .rgb8UNorm: K_RGB8
        case .rgb10a2: K_RGB10A2
        case .r8: K_R8
        case .r16: K_R16
        case .r32Float: K_R32F
        case .rg16Float: K_RG16F
        }
    }

    private func bindDepth(_ depth: FrameGeometry.Depth) {
        switch depth {
        case .linear(let metresPerUnit, let far):
            frame.pointee.depth_is_device = 0
            frame.pointee.depth_scale = metresPerUnit
            frame.pointee.depth_far = far
        case .device(let product, let near, let span, let far):
            frame.pointee.depth_is_device = 1
            frame.pointee.depth_product = product
            frame.pointee.depth_near = near
            frame.pointee.depth_span = span
            frame.pointee.depth_far = far
        }
    }

    private func bindView(_ view: FrameGeometry.View?) {
        frame.pointee.has_camera = view == nil ? 0 : 1
        guard let view else { return }
        frame.pointee.ray_x = view.rayOffset.x
        frame.pointee.ray_y = view.rayOffset.y
        frame.pointee.ray_sx = view.rayScale.x
        frame.pointee.ray_sy = view.rayScale.y
        frame.pointee.rotation = view.rotation.tuple
        frame.pointee.position = (view.position.x, view.position.y, view.position.z)
    }

    private func bindMotion(_ motion: FrameGeometry.Motion) {
        var reprojection: FrameGeometry.Reprojection?
        switch motion {
        case .none: frame.pointee.motion_kind = Int32(K_MOTION_NONE.rawValue)
        case .still: frame.pointee.motion_kind = Int32(K_MOTION_STILL.rawValue)
        case .camera(let camera):
            frame.pointee.motion_kind = Int32(K_MOTION_CAMERA.rawValue)
            reprojection = camera
        case .plane(let plane, let camera):
            frame.pointee.motion_kind = Int32(K_MOTION_PLANE.rawValue)
            reprojection = camera
            (frame.pointee.motion_x, frame.pointee.motion_y) = (plane.offset.x, plane.offset.y)
            (frame.pointee.motion_sx, frame.pointee.motion_sy) = (plane.scale.x, plane.scale.y)
            (frame.pointee.motion_rx, frame.pointee.motion_ry) = (plane.ratio.x, plane.ratio.y)
            (frame.pointee.motion_px, frame.pointee.motion_py) = (plane.shift.x, plane.shift.y)
        }
        frame.pointee.has_camera_depth = reprojection == nil ? 0 : 1
        guard let reprojection else { return }
        frame.pointee.to_previous = reprojection.toPrevious.tuple
        frame.pointee.previous_origin = (
            reprojection.origin.x, reprojection.origin.y, reprojection.origin.z
        )
        frame.pointee.previous_sx = reprojection.scale.x
        frame.pointee.previous_sy = reprojection.scale.y
        frame.pointee.previous_cx = reprojection.center.x
        frame.pointee.previous_cy = reprojection.center.y
    }

    private func bindHistory(_ history: FrameHistory?) {
        foreignHistory = nil
        frame.pointee.history = ownHistory
        frame.pointee.previous_width = 0
        frame.pointee.previous_height = 0
        guard let history else { return }
        let (bytes, size) = (history.storage.bytes, history.size)
        precondition(
            bytes.count >= FrameHistory.byteCount(of: size), "a history outside its storage")
        guard let base = bytes.baseAddress.map(UnsafePointer.init(bytes:)) else { return }
        frame.pointee.previous_width = Int32(size.width)
        frame.pointee.previous_height = Int32(size.height)
        frame.pointee.previous_picture = base + FrameHistory.pictureOffset
        frame.pointee.previous_base = base + FrameHistory.baseColorOffset(of: size)
        // 8 bytes a pixel from an aligned start: aligned for Float.
        frame.pointee.previous_depth =
            UnsafeRawPointer(base + FrameHistory.depthOffset(of: size))
            .assumingMemoryBound(to: Float.self)
        frame.pointee.previous_coverage = base + FrameHistory.coverageOffset(of: size)
        if size.pixelCount > self.size.pixelCount {
            let storage = PixelStorage(byteCount: Self.historyFloatCount(size) * 4)
            foreignHistory = storage
            frame.pointee.history = storage.bytes.baseAddress?.assumingMemoryBound(to: Float.self)
        }
    }

    private func bindResults(_ request: FrameRequest) {
        let next = request.nextHistory.bytes
        let picture = request.picture.bytes
        precondition(
            next.count >= FrameHistory.byteCount(of: size)
                && picture.count >= size.pixelCount * 4, "results outside their storage")
        guard let nextBase = next.baseAddress.map(UnsafeMutablePointer.init(bytes:)),
            let top = picture.baseAddress.map(UnsafeMutablePointer.init(bytes:))
        else { return }
        frame.pointee.next_picture = nextBase + FrameHistory.pictureOffset
        frame.pointee.next_base = nextBase + FrameHistory.baseColorOffset(of: size)
        frame.pointee.next_depth =
            UnsafeMutableRawPointer(nextBase + FrameHistory.depthOffset(of: size))
            .assumingMemoryBound(to: Float.self)
        frame.pointee.next_coverage = nextBase + FrameHistory.coverageOffset(of: size)
        let rowStride = size.width * 4
        let isFlipped = request.gbuffer.layout.origin == .bottomLeft
        frame.pointee.picture = isFlipped ? top + (size.height - 1) * rowStride : top
        frame.pointee.picture_row_stride = isFlipped ? -rowStride : rowStride
    }
}

extension UnsafePointer where Pointee == UInt8 {
    fileprivate init(bytes: UnsafeMutableRawPointer) {
        self.init(bytes.assumingMemoryBound(to: UInt8.self))
    }
}

extension UnsafeMutablePointer where Pointee == UInt8 {
    fileprivate init(bytes: UnsafeMutableRawPointer) {
        self = bytes.assumingMemoryBound(to: UInt8.self)
    }
}
