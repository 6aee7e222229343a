// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// The numbers that a network computes with. Sums are fp32 or exact integers at every precision.
package enum Precision: String, CaseIterable, Sendable {
    /// 32-bit floats throughout: the judge of the others.
    case fp32
    /// Weights and activations are bfloat16.
    case bf16
    /// 8-bit weights and activations of the 3x3 convolutions, 16-bit integers for all else that
    /// passes between layers.
    case int8
}
