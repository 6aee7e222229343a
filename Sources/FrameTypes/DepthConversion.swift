// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

extension DepthEncoding {
    /// Whether it says how far away things are.
    package var isUsable: Bool {
        switch self {
        case .linear(let metresPerUnit, let far):
            metresPerUnit > 0 && metresPerUnit.isFinite && far > 0
        case .deviceReversed(let near, let far): near > 0 && near.isFinite && far > near
        }
    }

    /// The encoding of one frame: near and far planes that its camera states, above 0, replace those
    /// that were agreed. It may be unusable then, where the two contradict each other.
    package func overruled(by camera: Camera?) -> DepthEncoding {
        func stated(_ value: Double?, else agreed: Double) -> Double {
            if let value, value > 0 { value } else { agreed }
        }
        switch self {
        case .linear(let metresPerUnit, let far):
            return .linear(metresPerUnit: metresPerUnit, far: stated(camera?.far, else: far))
        case .deviceReversed(let near, let far):
            return .deviceReversed(
                near: stated(camera?.near, else: near), far: stated(camera?.far, else: far))
        }
    }
}

/// Turns values of a depth plane into planar z in metres, 0 for the sky.
///
/// Rendering and resuming must agree to the last bit, so this is the definition for both: constants
/// are computed in Float64 and rounded once; values are converted in Float32, every operation rounded
/// by itself (no fused multiply-add).
package struct DepthConversion: Sendable, Hashable {
    /// metres = value * scale
    package let scale: Float
    /// Reversed device depth: metres = numerator / (offset + value * range).
    package let numerator, offset, range: Float
    /// At or beyond it is sky.
    package let far: Float
    package let isReversed: Bool

    /// - Parameter farthest: metres; what lies at or beyond is sky, whatever the encoding says.
    package init(_ encoding: DepthEncoding, farthest: Float = .infinity) {
        switch encoding {
        case .linear(let metresPerUnit, let far):
            isReversed = false
            scale = metresPerUnit
            numerator = 0
            offset = 0
            range = 0
            self.far = min(Float(far), farthest)
        case .deviceReversed(let near, let far):
            isReversed = true
            scale = 0
            // An infinite far plane leaves n / d.
            numerator = far.isFinite ? Float(near * far) : Float(near)
            offset = far.isFinite ? Float(near) : 0
            range = far.isFinite ? Float(far - near) : 1
            self.far = min(Float(far), farthest)
        }
    }

    /// 0, negative, NaN, infinite, or at or beyond the far plane: sky. A 16-bit value is given as
    /// `Float(value)`, so that 65535 is a surface like any other.
    package func metres(_ value: Float) -> Float {
        guard value > 0 else { return 0 }
        let product = value * (isReversed ? range : scale)
        let z = isReversed ? numerator / (offset + product) : product
        return z > 0 && z < far && z.isFinite ? z : 0
    }
}
