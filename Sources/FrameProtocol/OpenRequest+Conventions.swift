// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

extension WorldAxes {
    /// `fl_open.axes`.
    init(_ stated: UInt8) throws(ProtocolError) {
        let value = UInt32(stated)
        let presets = "FL_AXES_OPENGL, FL_AXES_UNITY, FL_AXES_UNREAL or FL_AXES_BLENDER"
        guard let preset = Preset(rawValue: UInt8(value & FL_AXES_PRESET)) else {
            throw .unsupportedValue(
                field: "axes", found: Int(value), name: "preset \(value & FL_AXES_PRESET)",
                allowed: presets)
        }
        let isMetres = value & FL_UNIT_METRES != 0
        let isCentimetres = value & FL_UNIT_CENTIMETRES != 0
        let known = FL_AXES_PRESET | FL_UNIT_METRES | FL_UNIT_CENTIMETRES | FL_MATRIX_COLUMN_MAJOR
        guard value & ~known == 0, !(isMetres && isCentimetres) else {
            throw .unsupportedValue(
                field: "axes", found: Int(value), name: "value \(value)",
                allowed: "a preset, one unit at most, and FL_MATRIX_COLUMN_MAJOR")
        }
        self.init(
            preset, metresPerUnit: isMetres ? 1 : isCentimetres ? 0.01 : nil,
            isColumnMajor: value & FL_MATRIX_COLUMN_MAJOR != 0)
    }
}

/// What `fl_open` says about depth.
struct DepthStatement {
    let kind: SentDepthKind
    /// Of device depth of any kind: the reversed one that it becomes.
    let encoding: DepthEncoding

    init(
        _ body: ByteReader, format: SentFormat, _ axes: WorldAxes
    ) throws(ProtocolError) {
        let kind: SentDepthKind = try body.choice(
            "depth_kind", at: WireOpen.depthKind,
            use: "FL_DEPTH_LINEAR, FL_DEPTH_DEVICE_REVERSED, FL_DEPTH_DEVICE, "
                + "FL_DEPTH_DEVICE_SIGNED or FL_DEPTH_RAY")
        self.kind = kind
        let near = try body.planeDistance("depth_near", at: WireOpen.depthNear) * axes.metresPerUnit
        let statedFar = try body.planeDistance("depth_far", at: WireOpen.depthFar)
        let far = statedFar == 0 ? Double.infinity : statedFar * axes.metresPerUnit
        guard near < far else {
            throw .value(
                field: "depth_near", found: near, limit: far, needs: "must be below depth_far")
        }
        guard kind.canBeSent(format) else {
            let formats = SentFormat.allCases.filter(kind.canBeSent).map {
                SentFormat.name($0.rawValue)
            }
            throw .unsupportedValue(
                field: "depth_kind", found: Int(kind.rawValue),
                name: "\(kind.prose) in \(SentFormat.name(format.rawValue))",
                allowed: "\(formats.joined(separator: ", ")) for the depth plane")
        }
        let scale = body.float(at: WireOpen.depthScale)
        if kind.isScaled {
            encoding = .linear(metresPerUnit: try Self.checked(scale: scale), far: far)
            return
        }
        guard near >= Limits.minNear else {
            throw .value(
                field: "depth_near", found: near, limit: Limits.minNear,
                needs: "must be at least \(Limits.minNear) metres for device depth")
        }
        guard scale == 0 else {
            throw .value(
                field: "depth_scale", found: Double(scale), limit: 0,
                needs: "must be 0 for device depth (depth_near and depth_far say how far)")
        }
        encoding = .deviceReversed(near: near, far: far)
    }

    private static func checked(scale: Float) throws(ProtocolError) -> Float {
        guard scale > 0, scale.isFinite else { throw .depthScaleMissing(found: Double(scale)) }
        let limits = Limits.depthScales
        guard limits.contains(scale) else {
            throw .value(
                field: "depth_scale", found: Double(scale),
                limit: Double(scale < limits.lowerBound ? limits.lowerBound : limits.upperBound),
                needs: "must be \(limits.lowerBound) to \(limits.upperBound) metres a unit")
        }
        return scale
    }
}

extension SentDepthKind {
    /// What it is called in sentences.
    fileprivate var prose: String {
        switch self {
        case .linear: "linear depth"
        case .deviceReversed: "reversed device depth"
        case .device: "device depth"
        case .deviceSigned: "signed device depth"
        case .ray: "depth along the ray"
        }
    }
}

extension MotionEncoding {
    init?(
        _ body: ByteReader, isPresent: Bool, size: FrameSize, origin: RowOrigin
    ) throws(ProtocolError) {
        let direction = UInt32(body.uint8(at: WireOpen.motionDirection))
        guard direction <= FL_MOTION_FROM_PREVIOUS else {
            throw .unsupportedValue(
                field: "motion_direction", found: Int(direction), name: "value \(direction)",
                allowed: "FL_MOTION_TO_PREVIOUS or FL_MOTION_FROM_PREVIOUS")
        }
        let flags = UInt32(body.uint8(at: WireOpen.motionFlags))
        let known = FL_MOTION_JITTERED | FL_MOTION_NDC | FL_MOTION_UV
        guard flags & ~known == 0 else {
            throw .unknownFlags(
                field: "motion_flags", bits: flags & ~known, owner: "motion_flags")
        }
        let unit = try Self.unit(flags, size: size, origin: origin)
        let sign: Float = direction == FL_MOTION_FROM_PREVIOUS ? -1 : 1
        var scales = SIMD2<Float>()
        for (index, (field, offset)) in [
            ("motion_scale_x", WireOpen.motionScaleX), ("motion_scale_y", WireOpen.motionScaleY),
        ].enumerated() {
            let scale = try body.finiteFloat(field, at: offset)
            let isNeeded = isPresent && unit == nil
            guard isNeeded == (scale != 0) else {
                throw .value(
                    field: field, found: Double(scale), limit: 0,
                    needs: isNeeded
                        ? "must state the pixels per unit of the motion plane"
                        : isPresent
                            ? "must be 0 where motion_flags state the unit"
                            : "must be 0 without a motion plane")
            }
            scales[index] = sign * (unit?[index] ?? scale)
        }
        guard isPresent else { return nil }
        self.init(scaleX: scales.x, scaleY: scales.y, isJittered: flags & FL_MOTION_JITTERED != 0)
    }

    /// Pixels of a unit that the flags name, in the axes of the client's origin.
    private static func unit(
        _ flags: UInt32, size: FrameSize, origin: RowOrigin
    ) throws(ProtocolError) -> SIMD2<Float>? {
        let pixels = SIMD2(Float(size.width), Float(size.height))
        switch (flags & FL_MOTION_NDC != 0, flags & FL_MOTION_UV != 0) {
        case (false, false): return nil
        case (false, true): return pixels
        // Up, where the rows go down.
        case (true, false): return pixels / 2 * SIMD2(1, origin == .topLeft ? -1 : 1)
        case (true, true):
            throw .unsupportedValue(
                field: "motion_flags", found: Int(flags), name: "FL_MOTION_NDC with FL_MOTION_UV",
                allowed: "one of them")
        }
    }
}
