// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What a plane of the G-buffer holds. Raw values are those of the wire (`FL_BASE_COLOR` …).
package enum PlaneKind: UInt8, Sendable, Hashable, CaseIterable {
    case baseColor = 1
    case normals = 2
    case depth = 3
    case roughness = 4
    case metallic = 5
    case motion = 6
    case known = 7
    /// What the visible surface gives off by itself, at the picture's exposure.
    case emissive = 9
}

/// How one pixel of a plane lies in memory. Raw values are those of the wire (`FL_RGBA8_SRGB` …).
package enum PixelFormat: UInt8, Sendable, Hashable, CaseIterable {
    case rgba8sRGB = 1
    case rgb8sRGB = 2
    /// Normals: n = byte / 127.5 - 1.
    case rgb8UNorm = 4
    /// One 32-bit word, red in the lowest ten bits. Normals: n = v / 511.5 - 1.
    case rgb10a2 = 5
    /// Linear light.
    case rgba16Float = 6
    /// value / 255.
    case r8 = 8
    case r16 = 9
    case r32Float = 11
    case rg16Float = 12

    package var bytesPerPixel: Int {
        switch self {
        case .r8: 1
        case .r16: 2
        case .rgb8sRGB, .rgb8UNorm: 3
        case .rgba8sRGB, .rgb10a2, .r32Float, .rg16Float: 4
        case .rgba16Float: 8
        }
    }
}

/// Which plane can come in which format, whoever reads it.
extension PlaneKind {
    package func canBe(_ format: PixelFormat) -> Bool {
        switch self {
        case .baseColor: format == .rgba8sRGB || format == .rgb8sRGB
        case .normals: format == .rgb8UNorm || format == .rgb10a2
        case .depth: format == .r16 || format == .r32Float
        case .roughness, .metallic: format == .r8
        case .motion: format == .rg16Float
        case .known: format == .rgba8sRGB
        case .emissive: format == .rgba8sRGB || format == .rgb8sRGB || format == .rgba16Float
        }
    }

    package var formats: [PixelFormat] { PixelFormat.allCases.filter(canBe) }

    /// Without these nothing is rendered.
    package static let required: [PlaneKind] = [.baseColor, .normals, .depth, .roughness]
}

extension DepthEncoding {
    /// Device depth needs all the digits that it can get.
    package func canBe(_ format: PixelFormat) -> Bool {
        switch self {
        case .linear: PlaneKind.depth.canBe(format)
        case .deviceReversed: format == .r32Float
        }
    }
}
