// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// How weights are kept. Activations and sums are fp32 with both.
package enum WeightPrecision: String, Sendable, CaseIterable {
    case fp32, bf16
}

/// What a linear layer or a convolution does, apart from its weights.
package struct ProductShape: Sendable, Hashable {
    package enum Activation: Sendable {
        case identity, silu
        /// max(x, 0), before or after a residual is added.
        case relu, reluLast
        /// The couts are values, then as many gates: value * gelu(gate).
        case geglu
    }

    package var inputChannels: Int
    /// Rows of the weight; with `geglu` twice what comes out.
    package var couts: Int
    /// 1: linear or 1x1; 3: 3x3.
    package var side = 1
    package var stride = 1
    /// Pixels of zeros above and to the left; below and to the right as many as are needed.
    package var pad = 0
    package var activation = Activation.identity

    package init(
        _ inputChannels: Int, _ couts: Int, activation: Activation = .identity
    ) {
        self.inputChannels = inputChannels
        self.couts = couts
        self.activation = activation
    }

    package static func convolution3x3(
        _ inputChannels: Int, _ couts: Int, stride: Int = 1, pad: Int = 1,
        activation: Activation = .identity
    ) -> ProductShape {
        var shape = ProductShape(inputChannels, couts, activation: activation)
        shape.side = 3
        shape.stride = stride
        shape.pad = pad
        return shape
    }

    package var outputChannels: Int { activation == .geglu ? couts / 2 : couts }
    /// Numbers that one result sums over.
    package var depth: Int { inputChannels * side * side }

    var code: Int32 {
        switch activation {
        case .identity: Int32(K_IDENTITY.rawValue)
        case .silu: Int32(K_SILU.rawValue)
        case .relu, .reluLast: Int32(K_RELU.rawValue)
        case .geglu: Int32(K_GEGLU.rawValue)
        }
    }
}

/// Weights of one linear layer or convolution, packed for every kernel path.
///
/// `@unchecked Sendable`: written in `init`, read only afterwards.
package final class ProductWeights: @unchecked Sendable {
    package let name: String
    package let shape: ProductShape
    package let precision: WeightPrecision
    /// Memory that the packed weights and biases take.
    package let byteCount: Int
    let paddedCouts: Int
    let packed: UnsafeMutableRawPointer
    let bias: UnsafeMutablePointer<Float>

    /// - Parameters:
    ///   - weight: `[couts, inputChannels, side, side]`.
    ///   - bias: `[couts]`; nil: 0.
    ///   - precision: bf16 needs an even number of input channels; an odd one stays fp32.
    package init(
        name: String, shape: ProductShape, weight: [Float], bias: [Float]?,
        precision: WeightPrecision
    ) {
        precondition(
            weight.count == shape.couts * shape.depth
                && bias.map { $0.count == shape.couts } ?? true, "weights of another shape")
        self.name = name
        self.shape = shape
        self.precision = shape.inputChannels % 2 == 0 ? precision : .fp32
        paddedCouts = k_padded_couts(shape.couts, shape.code)
        let weightBytes = paddedCouts * shape.depth * (self.precision == .bf16 ? 2 : 4)
        byteCount = weightBytes + paddedCouts * 4
        // One allocation, freed in `deinit`: the weights, then the biases.
        packed = .allocate(byteCount: byteCount, alignment: 64)
        let taps = shape.side * shape.side
        switch self.precision {
        case .fp32:
            k_pack_weights(
                packed.bindMemory(to: Float.self, capacity: weightBytes / 4), weight, shape.couts,
                shape.inputChannels, taps, shape.code)
        case .bf16:
            k_pack_weights_bf16(
                packed.bindMemory(to: UInt32.self, capacity: weightBytes / 4), weight,
                shape.couts, shape.inputChannels, taps, shape.code)
        }
        self.bias = (packed + weightBytes).bindMemory(to: Float.self, capacity: paddedCouts)
        for column in 0..<paddedCouts {
            let cout = k_packed_cout(column, shape.couts, shape.code)
            self.bias[column] = cout < shape.couts ? bias?[cout] ?? 0 : 0
        }
    }

    deinit { packed.deallocate() }
}
