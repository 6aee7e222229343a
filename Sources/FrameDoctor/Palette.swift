// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// What the surfaces of a model's training looked like: how often each base color came up with each
/// roughness. Linear color, swapped channels and smoothness show in nothing else.
package struct Palette: Sendable, Equatable {
    package static let colorLevels = 6
    package static let roughnessLevels = 8
    package static let shareCount = colorLevels * colorLevels * colorLevels * roughnessLevels
    /// Of what never came up.
    static let floor: Float = 1e-5

    /// Logarithms of the shares: red slowest, roughness fastest.
    private let logarithms: [Float]
    /// What one frame in fifty of the training scores less than.
    package let typicalScore: Float

    /// - Returns: nil where these are not as many shares as there should be.
    package init?(shares: [Float], typicalScore: Float) {
        guard shares.count == Self.shareCount, shares.allSatisfy({ (0...1).contains($0) }),
            typicalScore.isFinite
        else { return nil }
        logarithms = shares.map { log(max($0, Self.floor)) }
        self.typicalScore = typicalScore
    }

    /// Mean logarithm of the shares of these colors (x, y, z, sRGB 0 to 1) and roughnesses (w).
    func score(_ surfaces: [SIMD4<Float>]) -> Float {
        let levels = SIMD4<Float>(
            SIMD3(repeating: Float(Self.colorLevels)), Float(Self.roughnessLevels))
        let sum = surfaces.reduce(into: Float(0)) { sum, value in
            let level = SIMD4<Int>(
                (value * levels).clamped(lowerBound: .zero, upperBound: levels - 0.5))
            let color = (level.x * Self.colorLevels + level.y) * Self.colorLevels + level.z
            sum += logarithms[color * Self.roughnessLevels + level.w]
        }
        return sum / Float(max(1, surfaces.count))
    }
}

/// The exact sRGB curve, both ways, of values 0 to 1.
enum TransferCurve {
    static func encoded(_ value: Float) -> Float {
        value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055
    }

    static func linear(_ value: Float) -> Float {
        value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
}
