// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// Gain and offset of a norm, `[channels]` each.
package struct NormWeights: Sendable {
    package let name: String
    package let epsilon: Float
    let gain: TensorBuffer
    let offset: TensorBuffer

    package init(name: String, gain: [Float], offset: [Float], epsilon: Float) {
        precondition(gain.count == offset.count, "weights of another shape")
        let shape = ActivationShape(height: 1, width: 1, channels: gain.count)
        self.name = name
        self.epsilon = epsilon
        self.gain = TensorBuffer(shape)
        self.offset = TensorBuffer(shape)
        self.gain.fill(gain)
        self.offset.fill(offset)
    }

    package var channels: Int { gain.count }
    package var byteCount: Int { channels * 8 }
}

extension TensorGraph {
    /// Floats that one tile of an op without products works on: about half a millisecond.
    static let tileFloats = 1 << 17
    static let tilesPerStep = 8
    /// Rows whose sums are taken in single precision.
    private static let rowsPerPart = 128

    /// GroupNorm over all pixels of the inputs' channels, which follow each other, then SiLU if
    /// asked for.
    package mutating func groupNorm(
        _ weights: NormWeights, _ inputs: [Value], groups: Int, silu: Bool
    ) -> Value {
        let channels = inputs.reduce(0) { $0 + $1.shape.channels }
        precondition(
            channels == weights.channels && channels % groups == 0
                && (1...2).contains(inputs.count), "\(weights.name): other channels")
        let (rows, name) = (inputs[0].shape.rows, weights.name)
        let partCount = (rows + Self.rowsPerPart - 1) / Self.rowsPerPart
        var shape = inputs[0].shape
        shape.channels = channels
        let output = result(shape)
        let partials = scratch(partCount * 2 * channels)
        let factors = scratch(2 * channels)
        let kernels = kernels
        append(reading: inputs) { memory in
            var kernel = k_norm()
            kernel.sources.0 = memory.source(inputs[0])
            if inputs.count > 1 { kernel.sources.1 = memory.source(inputs[1]) }
            kernel.source_count = inputs.count
            kernel.rows = rows
            kernel.groups = groups
            kernel.rows_per_part = Self.rowsPerPart
            kernel.epsilon = weights.epsilon
            kernel.gain = UnsafePointer(weights.gain.base)
            kernel.offset = UnsafePointer(weights.offset.base)
            kernel.partials = memory.pointer(to: partials)
            kernel.factors = memory.pointer(to: factors)
            kernel.activation = Int32((silu ? K_SILU : K_IDENTITY).rawValue)
            kernel.out = memory.pointer(to: output)
            let norm = OpDescription(
                kernel, memory: memory, weights: [weights.gain, weights.offset])
            let rowsPerTile = max(1, Self.tileFloats / channels)
            return OpStep.rows(
                "\(name) sums", count: partCount,
                perTile: max(1, rowsPerTile / Self.rowsPerPart), tilesPerStep: Self.tilesPerStep
            ) { for part in $0 { kernels.table.pointee.norm_part(norm.pointer, part) } }
                + OpStep.rows(
                    "\(name) factors", count: groups, perTile: (groups + 1) / 2, tilesPerStep: 2
                ) {
                    kernels.table.pointee.norm_factors(
                        norm.pointer, $0.lowerBound, $0.upperBound)
                }
                + OpStep.rows(
                    name, count: rows, perTile: rowsPerTile, tilesPerStep: Self.tilesPerStep
                ) {
                    kernels.table.pointee.norm_rows(norm.pointer, $0.lowerBound, $0.upperBound)
                }
        }
        return output
    }

    /// Every row on its own.
    package mutating func layerNorm(_ weights: NormWeights, _ input: Value) -> Value {
        let channels = input.shape.channels
        precondition(channels == weights.channels, "\(weights.name): other channels")
        let output = result(input.shape)
        let kernels = kernels
        append(reading: [input]) { memory in
            OpStep.rows(
                weights.name, count: input.shape.rows,
                perTile: max(1, Self.tileFloats / channels), tilesPerStep: Self.tilesPerStep
            ) {
                kernels.table.pointee.layer_norm(
                    memory.pointer(to: output), memory.pointer(to: input), weights.gain.base,
                    weights.offset.base, weights.epsilon, channels, $0.lowerBound, $0.upperBound)
            }
        }
        return output
    }
}
