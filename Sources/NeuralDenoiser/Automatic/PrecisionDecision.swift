// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// What one frame took at a precision.
package struct PrecisionTime: Sendable, Hashable {
    package var precision: Precision
    package var milliseconds: Double

    package init(_ precision: Precision, milliseconds: Double) {
        self.precision = precision
        self.milliseconds = milliseconds
    }
}

/// Why a model is served at its precision.
package enum PrecisionReason: Sendable, Hashable, CustomStringConvertible {
    /// The configuration or the model's own files name it.
    case stated
    /// The model's figures allow no other.
    case only
    /// Timed when the model was loaded; the one that was taken first, then the fastest.
    case measured([PrecisionTime])
    /// The same, at an earlier load.
    case remembered([PrecisionTime])
    /// Not timed: why.
    case assumed(String)

    /// For people: at most 95 ASCII characters.
    package var description: String {
        let text =
            switch self {
            case .stated: "stated"
            case .only: "the model's figures allow no other"
            case .measured(let times): "measured: \(Self.list(times))"
            case .remembered(let times): "measured before: \(Self.list(times))"
            case .assumed(let reason): "by the processor's instructions, \(reason)"
            }
        return String(text.prefix(95))
    }

    private static func list(_ times: [PrecisionTime]) -> String {
        times.map {
            let tenths = Int(($0.milliseconds * 10).rounded())
            return "\($0.precision.rawValue) \(tenths / 10).\(tenths % 10)"
        }.joined(separator: ", ") + " ms a frame"
    }
}
