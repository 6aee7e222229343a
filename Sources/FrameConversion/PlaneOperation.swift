// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CPlaneKernels
import FrameTypes

/// What happens to the rows of one plane.
enum PlaneOperation: Sendable {
    /// Their bytes are what models read.
    case copy
    case swapRedAndBlue
    case linearColor
    case linearHalfColor
    case turn8(p_turn)
    case turn10(p_normals, p_turn)
    /// Float32, halves or 16-bit numbers as they are.
    case floats(SentFormat)
    /// (1 - d) * scale of Float32.
    case reversed(scale: Float)
    case depth24(shift: Int32, isForward: Bool)
    /// What `floats` leaves, along the ray.
    case ray(SentFormat)
    case scalar(channel: Int, isSigned: Bool, p_scalar)
    case constant(UInt8)
    case motion(SIMD2<Float>)
    /// Nothing here: a step of its own, after depth.
    case fromDepth

    init(_ plane: SentPlane, in layout: SentLayout) {
        switch plane.kind {
        case .baseColor, .known, .emissive: self = Self.color(plane)
        case .normals: self = Self.normals(plane, p_turn(layout.normalTurn))
        case .depth: self = Self.depth(plane.format, layout.depthKind)
        case .roughness:
            let meanings: [RoughnessKind: p_scalar] = [.smoothness: P_INVERTED, .godot: P_GODOT]
            self = Self.scalar(plane, meanings[layout.roughness] ?? P_DIRECT)
        case .metallic: self = Self.scalar(plane, P_DIRECT)
        case .motion:
            self = plane.format == .rg32Float ? .motion(layout.motion.scale) : .copy
        }
    }

    /// Of normals in a format that cannot say that there is none.
    var isOctahedral: Bool {
        guard case .turn10(let format, _) = self else { return false }
        return format == P_RG16_OCTAHEDRAL || format == P_RG8_OCTAHEDRAL
            || format == P_RG16F_OCTAHEDRAL || format == P_RGBA8_OCTAHEDRAL
    }

    private static func color(_ plane: SentPlane) -> PlaneOperation {
        switch (plane.kind, plane.format) {
        case (_, .bgra8sRGB): .swapRedAndBlue
        case (_, .rgba8Linear): .linearColor
        case (.baseColor, .rgba16Float): .linearHalfColor
        default: .copy
        }
    }

    private static func normals(_ plane: SentPlane, _ turn: p_turn) -> PlaneOperation {
        switch plane.format {
        case .fromDepth: .fromDepth
        case .rgb10a2: .turn10(P_RGB10A2, turn)
        case .rgba8SNorm: .turn10(P_RGBA8_SNORM, turn)
        case .rgba16Float: .turn10(P_RGBA16F, turn)
        case .rg16Octahedral: .turn10(P_RG16_OCTAHEDRAL, turn)
        case .rg8Octahedral: .turn10(P_RG8_OCTAHEDRAL, turn)
        case .rg16FloatOctahedral: .turn10(P_RG16F_OCTAHEDRAL, turn)
        case .rgba8Octahedral: .turn10(P_RGBA8_OCTAHEDRAL, turn)
        default: .turn8(turn)
        }
    }

    private static func depth(_ format: SentFormat, _ kind: SentDepthKind) -> PlaneOperation {
        let is24 = format == .depth24Low || format == .depth24High
        let shift: Int32 = format == .depth24High ? 8 : 0
        return switch kind {
        case .linear: format == .r16Float ? .floats(format) : .copy
        case .ray: .ray(format)
        case .deviceReversed:
            is24
                ? .depth24(shift: shift, isForward: false)
                : format == .r16Float ? .floats(format) : .copy
        case .device: is24 ? .depth24(shift: shift, isForward: true) : .reversed(scale: 1)
        case .deviceSigned: .reversed(scale: 0.5)
        }
    }

    private static func scalar(_ plane: SentPlane, _ meaning: p_scalar) -> PlaneOperation {
        if plane.format == .constant { return .constant(UInt8(clamping: plane.channel)) }
        if plane.format == .r8, meaning == P_DIRECT { return .copy }
        return .scalar(
            channel: plane.channel, isSigned: plane.format == .rgba8SNorm, meaning)
    }
}

extension p_turn {
    fileprivate init(_ turn: AxisTurn) {
        func isNegative(_ axis: Int) -> Int32 { turn.signs[axis] < 0 ? 1 : 0 }
        self.init(
            axis: (Int32(turn.axes.x), Int32(turn.axes.y), Int32(turn.axes.z)),
            negative: (isNegative(0), isNegative(1), isNegative(2)))
    }
}

extension MotionEncoding? {
    fileprivate var scale: SIMD2<Float> {
        map { SIMD2($0.scaleX, $0.scaleY) } ?? SIMD2(1, 1)
    }
}

/// sRGB of linear light, made once.
enum ColorTables {
    /// Written before anybody has it and never again.
    struct Table: @unchecked Sendable {
        let bytes: UnsafeMutablePointer<UInt8>

        init(count: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) {
            bytes = .allocate(capacity: count)
            fill(bytes)
        }
    }

    static let bytes = Table(count: 256) { p_fill_srgb_table($0) }
    static let halves = Table(count: 65536) { p_fill_half_srgb_table($0) }
}
