// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

/// Tells the kernels where a frame's planes, history and results lie and how they are read. Layout
/// and storages have been checked; whoever binds them keeps them alive.
extension k_frame {
    var size: FrameSize { FrameSize(width: Int(width), height: Int(height)) }

    mutating func bindPlanes(_ layout: GBufferLayout, source: UnsafeMutableRawBufferPointer) {
        turns_normals = layout.normalSpace == .view ? 1 : 0
        for kind in 0..<K_PLANE_COUNT.rawValue {
            k_set_plane(&self, k_plane_kind(rawValue: kind), k_plane())
        }
        for place in layout.planes {
            let plane = plane(place, isFlipped: layout.origin == .bottomLeft, source: source)
            k_set_plane(&self, place.kind.code, plane)
        }
    }

    func plane(
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
        case .rgba16Float: K_RGBA16F
        }
    }

    mutating func bindDepth(_ depth: DepthConversion) {
        depth_is_device = depth.isReversed ? 1 : 0
        depth_scale = depth.scale
        depth_product = depth.numerator
        depth_near = depth.offset
        depth_span = depth.range
        depth_far = depth.far
    }

    mutating func bindView(_ view: FrameGeometry.View?) {
        has_camera = view == nil ? 0 : 1
        guard let view else { return }
        ray_x = view.rayOffset.x
        ray_y = view.rayOffset.y
        ray_sx = view.rayScale.x
        ray_sy = view.rayScale.y
        rotation = view.rotation.tuple
        position = (view.position.x, view.position.y, view.position.z)
    }

    mutating func bindMotion(_ motion: FrameGeometry.Motion) {
        var reprojection: FrameGeometry.Reprojection?
        switch motion {
        case .none: motion_kind = Int32(K_MOTION_NONE.rawValue)
        case .still: motion_kind = Int32(K_MOTION_STILL.rawValue)
        case .camera(let camera):
            motion_kind = Int32(K_MOTION_CAMERA.rawValue)
            reprojection = camera
        case .plane(let plane, let camera):
            motion_kind = Int32(K_MOTION_PLANE.rawValue)
            reprojection = camera
            (motion_x, motion_y) = (plane.offset.x, plane.offset.y)
            (motion_sx, motion_sy) = (plane.scale.x, plane.scale.y)
            (motion_rx, motion_ry) = (plane.ratio.x, plane.ratio.y)
            (motion_px, motion_py) = (plane.shift.x, plane.shift.y)
        }
        has_camera_depth = reprojection == nil ? 0 : 1
        guard let reprojection else { return }
        to_previous = reprojection.toPrevious.tuple
        previous_origin = (
            reprojection.origin.x, reprojection.origin.y, reprojection.origin.z
        )
        previous_sx = reprojection.scale.x
        previous_sy = reprojection.scale.y
        previous_cx = reprojection.center.x
        previous_cy = reprojection.center.y
    }

    mutating func bindHistory(_ history: FrameHistory?) {
        previous_width = 0
        previous_height = 0
        guard let history else { return }
        let (bytes, size) = (history.storage.bytes, history.size)
        precondition(
            bytes.count >= FrameHistory.byteCount(of: size), "a history outside its storage")
        guard let base = bytes.baseAddress.map(UnsafePointer.init(bytes:)) else { return }
        previous_width = Int32(size.width)
        previous_height = Int32(size.height)
        previous_picture = base + FrameHistory.pictureOffset
        previous_base = base + FrameHistory.baseColorOffset(of: size)
        // 8 bytes a pixel from an aligned start: aligned for Float.
        previous_depth =
            UnsafeRawPointer(base + FrameHistory.depthOffset(of: size))
            .assumingMemoryBound(to: Float.self)
        previous_coverage = base + FrameHistory.coverageOffset(of: size)
    }

    mutating func bindResults(_ request: FrameRequest) {
        let next = request.nextHistory.bytes
        precondition(
            next.count >= FrameHistory.byteCount(of: size), "a history outside its storage")
        bindPicture(request)
        guard let nextBase = next.baseAddress.map(UnsafeMutablePointer.init(bytes:)) else { return }
        next_picture = nextBase + FrameHistory.pictureOffset
        next_base = nextBase + FrameHistory.baseColorOffset(of: size)
        next_depth =
            UnsafeMutableRawPointer(nextBase + FrameHistory.depthOffset(of: size))
            .assumingMemoryBound(to: Float.self)
        next_coverage = nextBase + FrameHistory.coverageOffset(of: size)
    }

    mutating func bindPicture(_ request: FrameRequest) {
        let picture = request.picture.bytes
        precondition(picture.count >= size.pixelCount * 4, "a picture outside its storage")
        guard let top = picture.baseAddress.map(UnsafeMutablePointer.init(bytes:)) else { return }
        let rowStride = size.width * 4
        let isFlipped = request.gbuffer.layout.origin == .bottomLeft
        self.picture = isFlipped ? top + (size.height - 1) * rowStride : top
        picture_row_stride = isFlipped ? -rowStride : rowStride
    }
}

extension PlaneKind {
    /// The kernels' number.
    var code: k_plane_kind {
        switch self {
        case .baseColor: K_BASE_COLOR
        case .normals: K_NORMALS
        case .depth: K_DEPTH
        case .roughness: K_ROUGHNESS
        case .metallic: K_METALLIC
        case .motion: K_MOTION
        case .known: K_KNOWN
        case .emissive: K_EMISSIVE
        }
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
