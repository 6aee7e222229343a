// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// How strongly a diffusion model follows its conditioning, as a session asks for it in place of
/// what the model states.
///
/// Kept in thousandths, as they are sent: a scale means the same number on both sides of a socket.
package struct ConditioningScales: Sendable, Hashable {
    /// The largest scale, 4, in thousandths.
    package static let limit: UInt16 = 4000

    /// Of the network that reads the planes, thousandths; 0: the model's own.
    package var controlThousandths: UInt16
    /// Of the adapter that reads the previous picture, thousandths; 0: the model's own.
    package var adapterThousandths: UInt16

    package init(controlThousandths: UInt16 = 0, adapterThousandths: UInt16 = 0) {
        self.controlThousandths = controlThousandths
        self.adapterThousandths = adapterThousandths
    }

    /// nil: the model's own.
    package var control: Float? { Self.scale(controlThousandths).map { Float($0) } }
    package var adapter: Float? { Self.scale(adapterThousandths).map { Float($0) } }

    /// For people: 0.4 stays 0.4.
    package var statedControl: Double? { Self.scale(controlThousandths) }
    package var statedAdapter: Double? { Self.scale(adapterThousandths) }

    /// Rounded to thousandths.
    /// - Returns: nil for what is not 0.001 to 4.
    package static func thousandths(of scale: Double) -> UInt16? {
        let rounded = (scale * 1000).rounded()
        guard (1...Double(limit)).contains(rounded) else { return nil }
        return UInt16(rounded)
    }

    private static func scale(_ thousandths: UInt16) -> Double? {
        thousandths == 0 ? nil : Double(thousandths) / 1000
    }
}
