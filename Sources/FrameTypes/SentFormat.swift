// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// How one pixel of a plane lies in memory when a client sends it. Raw values are those of the wire
/// (`FL_RGBA8_SRGB` …). Those of them that models read as they are stand in `PixelFormat` too.
package enum SentFormat: UInt8, Sendable, Hashable, CaseIterable {
    case rgba8sRGB = 1
    case rgb8sRGB = 2
    case rgba8Linear = 3
    case rgb8UNorm = 4
    case rgb10a2 = 5
    case rgba16Float = 6
    case rg16Octahedral = 7
    case r8 = 8
    case r16 = 9
    case r16Float = 10
    case r32Float = 11
    case rg16Float = 12
    case rg32Float = 13
    case bgra8sRGB = 14
    case rgba8UNorm = 15
    /// byte / 127, signed.
    case rgba8SNorm = 16
    case rg8Octahedral = 17
    case rg16FloatOctahedral = 18
    /// Twelve bits each in red, green and blue.
    case rgba8Octahedral = 19
    case depth24Low = 20
    case depth24High = 21
    /// No bytes: computed from depth and camera.
    case fromDepth = 22
    /// No bytes: the same everywhere.
    case constant = 23

    /// 0 for planes without bytes.
    package var bytesPerPixel: Int {
        switch self {
        case .fromDepth, .constant: 0
        case .r8: 1
        case .r16, .r16Float, .rg8Octahedral: 2
        case .rgb8sRGB, .rgb8UNorm: 3
        case .rgba8sRGB, .rgba8Linear, .rgb10a2, .rg16Octahedral, .r32Float, .rg16Float, .bgra8sRGB,
            .rgba8UNorm, .rgba8SNorm, .rg16FloatOctahedral, .rgba8Octahedral, .depth24Low,
            .depth24High:
            4
        case .rgba16Float, .rg32Float: 8
        }
    }

    /// Of which one can be roughness or metallic.
    package var channelCount: Int {
        switch self {
        case .r8: 1
        case .rgb8UNorm: 3
        case .rgba8UNorm, .rgba8SNorm: 4
        default: 0
        }
    }
}

extension PlaneKind {
    package func canBeSent(_ format: SentFormat) -> Bool {
        if let read = PixelFormat(rawValue: format.rawValue), canBe(read) { return true }
        return switch (self, format) {
        case (.baseColor, .rgba8Linear), (.baseColor, .rgba16Float), (.baseColor, .bgra8sRGB),
            (.known, .bgra8sRGB), (.emissive, .bgra8sRGB),
            (.normals, .rgba8UNorm), (.normals, .rgba8SNorm), (.normals, .rgba16Float),
            (.normals, .rg16Octahedral), (.normals, .rg8Octahedral),
            (.normals, .rg16FloatOctahedral), (.normals, .rgba8Octahedral), (.normals, .fromDepth),
            (.depth, .r16Float), (.depth, .depth24Low), (.depth, .depth24High),
            (.roughness, .rgb8UNorm), (.roughness, .rgba8UNorm), (.roughness, .rgba8SNorm),
            (.roughness, .constant),
            (.metallic, .rgb8UNorm), (.metallic, .rgba8UNorm), (.metallic, .rgba8SNorm),
            (.metallic, .constant),
            (.motion, .rg32Float):
            true
        default: false
        }
    }

    package var sentFormats: [SentFormat] { SentFormat.allCases.filter(canBeSent) }
}

/// What the numbers of a depth plane are. Raw values are those of the wire (`FL_DEPTH_LINEAR` …).
package enum SentDepthKind: UInt8, Sendable, Hashable, CaseIterable {
    /// Planar z.
    case linear = 1
    /// 1 at near, 0 at far.
    case deviceReversed = 2
    /// 0 at near, 1 at far.
    case device = 3
    /// -1 at near, 1 at far.
    case deviceSigned = 4
    /// Distance from the camera along the ray of the pixel.
    case ray = 5

    /// In metres by a scale, not by near and far.
    package var isScaled: Bool { self == .linear || self == .ray }

    /// Device depth needs all the digits that it can get: 16 bits are too few, and halves have none
    /// near 1, where forward depth has everything.
    package func canBeSent(_ format: SentFormat) -> Bool {
        switch self {
        case .linear, .ray: format == .r16 || format == .r16Float || format == .r32Float
        case .deviceReversed:
            format == .r32Float || format == .r16Float || format == .depth24Low
                || format == .depth24High
        case .device: format == .r32Float || format == .depth24Low || format == .depth24High
        case .deviceSigned: format == .r32Float
        }
    }
}

/// What the numbers of a roughness plane are. Raw values are those of the wire.
package enum RoughnessKind: UInt8, Sendable, Hashable {
    case direct = 0
    /// 1 - roughness.
    case smoothness = 1
    /// Godot 4's normal_roughness: roughness * 127 / 255, or 1 minus that where something moves.
    case godot = 2
}
