// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// One plane of a frame's payload as the client sends it.
package struct SentPlane: Sendable, Hashable {
    package var kind: PlaneKind
    package var format: SentFormat
    /// Which one is roughness or metallic; of a constant the value, of 255.
    package var channel: Int
    /// Bytes from one row to the next; 0 for planes without bytes.
    package var rowStride: Int
    /// Bytes from the start of the payload. Two planes may lie in the same bytes.
    package var offset: Int

    package init(
        kind: PlaneKind, format: SentFormat, channel: Int = 0, rowStride: Int, offset: Int
    ) {
        self.kind = kind
        self.format = format
        self.channel = channel
        self.rowStride = rowStride
        self.offset = offset
    }
}

/// What a client agreed to send with every frame, in the formats and conventions of its engine.
package struct SentLayout: Sendable, Hashable {
    package var size: FrameSize
    package var origin: RowOrigin
    package var planes: [SentPlane]
    /// Bytes of one frame's payload.
    package var byteCount: Int
    package var depthKind: SentDepthKind
    /// Linear depth and rays: metres a unit and the far plane; device depth of any kind: near and far.
    package var depth: DepthEncoding
    package var roughness: RoughnessKind
    package var normalSpace: NormalSpace
    package var axes: WorldAxes
    /// Of the motion plane, in pixels.
    package var motion: MotionEncoding?

    package init(
        size: FrameSize, origin: RowOrigin, planes: [SentPlane], byteCount: Int,
        depthKind: SentDepthKind, depth: DepthEncoding, roughness: RoughnessKind = .direct,
        normalSpace: NormalSpace = .world, axes: WorldAxes = WorldAxes(),
        motion: MotionEncoding? = nil
    ) {
        self.size = size
        self.origin = origin
        self.planes = planes
        self.byteCount = byteCount
        self.depthKind = depthKind
        self.depth = depth
        self.roughness = roughness
        self.normalSpace = normalSpace
        self.axes = axes
        self.motion = motion
    }

    /// Of the normals in their own space to ours.
    package var normalTurn: AxisTurn { normalSpace == .view ? axes.view : axes.world }

    package func plane(_ kind: PlaneKind) -> SentPlane? { planes.first { $0.kind == kind } }

    /// Why every frame needs a camera, in prose; nil if none is needed.
    package var needsCamera: String? {
        if depthKind == .ray { return "depth along the ray is turned into planar depth by it" }
        if plane(.normals)?.format == .fromDepth { return "normals are computed from depth by it" }
        if normalSpace == .view { return "view-space normals are turned by camera_to_world" }
        return nil
    }
}

/// From what a client sends to what models read.
package struct PlaneConversion: Sendable, Hashable {
    package let sent: SentLayout
    /// Planes in the same order, in the client's origin; rows packed, unless nothing is to be done.
    package let layout: GBufferLayout
    /// Whether models cannot read the planes as they are sent.
    package let isNeeded: Bool

    package init(_ sent: SentLayout) {
        self.sent = sent
        let direct = sent.direct
        isNeeded = direct == nil
        layout =
            direct
            ?? GBufferLayout(
                packed: sent.planes.map { ($0.kind, sent.readFormat(of: $0)) }, size: sent.size,
                origin: sent.origin,
                normalSpace: sent.plane(.normals)?.format == .fromDepth
                    ? .world : sent.normalSpace,
                depth: sent.depth, motion: sent.convertedMotion)
    }
}

extension SentLayout {
    /// Planes that are sent as models read them.
    package init(_ layout: GBufferLayout, axes: WorldAxes = WorldAxes()) {
        let depthKind: SentDepthKind =
            if case .linear = layout.depth { .linear } else { .deviceReversed }
        self.init(
            size: layout.size, origin: layout.origin,
            planes: layout.planes.map {
                SentPlane(
                    kind: $0.kind, format: SentFormat($0.format), rowStride: $0.rowStride,
                    offset: $0.offset)
            }, byteCount: layout.byteCount, depthKind: depthKind, depth: layout.depth,
            normalSpace: layout.normalSpace, axes: axes, motion: layout.motion)
    }

    /// The same as models read it, if there is nothing to convert.
    fileprivate var direct: GBufferLayout? {
        var end = planes.first?.offset ?? 0
        for plane in planes {
            // Planes in the same bytes, or in none, are no planes to models.
            guard isDirect(plane), plane.offset == end else { return nil }
            end += plane.rowStride * size.height
        }
        return GBufferLayout(
            size: size, origin: origin, normalSpace: normalSpace, depth: depth, motion: motion,
            planes: planes.map {
                PlaneLayout(
                    kind: $0.kind, format: readFormat(of: $0), rowStride: $0.rowStride,
                    offset: $0.offset)
            }, byteCount: byteCount)
    }

    private func isDirect(_ plane: SentPlane) -> Bool {
        guard plane.format.rawValue == readFormat(of: plane).rawValue else { return false }
        switch plane.kind {
        case .normals: return normalTurn == .same
        case .depth: return depthKind == .linear || depthKind == .deviceReversed
        case .roughness: return roughness == .direct
        case .baseColor, .metallic, .motion, .known, .emissive: return true
        }
    }

    /// What the plane becomes.
    fileprivate func readFormat(of plane: SentPlane) -> PixelFormat {
        switch (plane.kind, plane.format) {
        case (.normals, .rgb8UNorm), (.normals, .rgba8UNorm): .rgb8UNorm
        case (.normals, _): .rgb10a2
        case (.depth, .r16): depthKind == .linear ? .r16 : .r32Float
        case (.depth, _): .r32Float
        case (.roughness, _), (.metallic, _): .r8
        case (.motion, _): .rg16Float
        case (_, .rgb8sRGB): .rgb8sRGB
        case (.emissive, .rgba16Float): .rgba16Float
        case (.baseColor, _), (.known, _), (.emissive, _): .rgba8sRGB
        }
    }

    /// Floats are scaled to pixels before they become halves: normalized coordinates of slow pixels
    /// would be too small for those.
    fileprivate var convertedMotion: MotionEncoding? {
        guard let motion, plane(.motion)?.format == .rg32Float else { return motion }
        return MotionEncoding(scaleX: 1, scaleY: 1, isJittered: motion.isJittered)
    }
}

extension SentFormat {
    fileprivate init(_ format: PixelFormat) {
        self =
            switch format {
            case .rgba8sRGB: .rgba8sRGB
            case .rgb8sRGB: .rgb8sRGB
            case .rgb8UNorm: .rgb8UNorm
            case .rgb10a2: .rgb10a2
            case .rgba16Float: .rgba16Float
            case .r8: .r8
            case .r16: .r16
            case .r32Float: .r32Float
            case .rg16Float: .rg16Float
            }
    }
}
