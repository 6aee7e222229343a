// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// Makes the layers of a diffusion network from the tensors under their published names.
package struct DiffusionLayers {
    /// Low-rank factors of one layer: weight + scale * up * down.
    package struct Factors {
        package var rank: Int
        /// `[rank, inputs, k, k]`, and `[outputs, rank]` multiplied with alpha / rank.
        package var down: [Float]
        package var up: [Float]

        package init(rank: Int, down: [Float], up: [Float]) {
            self.rank = rank
            self.down = down
            self.up = up
        }
    }

    package var precision: WeightPrecision
    /// Values of a tensor, row-major, which must have this shape.
    package var take: (_ name: String, _ shape: [Int]) throws(ModelError) -> [Float]
    /// Factors to keep apart from a layer's weight, so that their scale can change.
    package var factors: (_ layer: String) throws(ModelError) -> Factors?

    package init(
        precision: WeightPrecision,
        take: @escaping (_ name: String, _ shape: [Int]) throws(ModelError) -> [Float],
        factors: @escaping (_ layer: String) throws(ModelError) -> Factors? = {
            (_: String) throws(ModelError) -> Factors? in nil
        }
    ) {
        self.precision = precision
        self.take = take
        self.factors = factors
    }

    /// - Parameter adapter: kept apart from the weights, so that its scale can change; one that is
    ///   merged into them belongs to `part`.
    package init(
        _ part: PartReader, precision: WeightPrecision, adapter: LowRankAdapter? = nil
    ) {
        self.init(precision: precision) { (name, shape) throws(ModelError) -> [Float] in
            try part.weights.take(name, shape: shape)
        } factors: { (layer) throws(ModelError) -> Factors? in
            adapter?.layers[layer].map {
                let scale = $0.scale
                return Factors(
                    rank: $0.rank, down: $0.down.values, up: $0.up.values.map { $0 * scale })
            }
        }
    }

    func linear(
        _ name: String, _ inputs: Int, _ outputs: Int, hasBias: Bool = true,
        activation: ProductShape.Activation = .identity
    ) throws(ModelError) -> DiffusionLayer {
        try layer(
            name, ProductShape(inputs, outputs, activation: activation), [outputs, inputs],
            hasBias: hasBias)
    }

    /// 1x1.
    func pointwise(
        _ name: String, _ inputs: Int, _ outputs: Int
    ) throws(ModelError) -> DiffusionLayer {
        try layer(name, ProductShape(inputs, outputs), [outputs, inputs, 1, 1], hasBias: true)
    }

    /// 3x3 with a border of zeros.
    func convolution(
        _ name: String, _ inputs: Int, _ outputs: Int, stride: Int = 1, pad: Int = 1,
        hasBias: Bool = true, activation: ProductShape.Activation = .identity
    ) throws(ModelError) -> DiffusionLayer {
        try layer(
            name,
            .convolution3x3(inputs, outputs, stride: stride, pad: pad, activation: activation),
            [outputs, inputs, 3, 3], hasBias: hasBias)
    }

    /// A first convolution. Factors that are kept apart may read more channels than the file's
    /// weight has: those begin at zero.
    func firstConvolution(
        _ name: String, _ inputs: Int, stored: Int, _ outputs: Int
    ) throws(ModelError) -> DiffusionLayer {
        guard try factors(name) != nil, stored < inputs else {
            return try convolution(name, inputs, outputs)
        }
        var padded = self
        let take = take
        padded.take = { (tensor, shape) throws(ModelError) -> [Float] in
            guard shape.count == 4 else { return try take(tensor, shape) }
            let values = try take(tensor, [outputs, stored, 3, 3])
            var result: [Float] = []
            for output in 0..<outputs {
                result += values[output * stored * 9..<(output + 1) * stored * 9]
                result += [Float](repeating: 0, count: (inputs - stored) * 9)
            }
            return result
        }
        return try padded.convolution(name, inputs, outputs)
    }

    func norm(
        _ name: String, _ channels: Int, epsilon: Float
    ) throws(ModelError) -> NormWeights {
        NormWeights(
            name: name, gain: try take("\(name).weight", [channels]),
            offset: try take("\(name).bias", [channels]), epsilon: epsilon)
    }

    private func layer(
        _ name: String, _ shape: ProductShape, _ weightShape: [Int], hasBias: Bool
    ) throws(ModelError) -> DiffusionLayer {
        let weight = try take("\(name).weight", weightShape)
        let bias = hasBias ? try take("\(name).bias", [weightShape[0]]) : nil
        guard let factors = try factors(name) else {
            return DiffusionLayer(
                weights: ProductWeights(
                    name: name, shape: shape, weight: weight, bias: bias, precision: precision))
        }
        guard factors.down.count == factors.rank * shape.depth,
            factors.up.count == factors.rank * shape.couts
        else {
            throw .tensor(
                file: "adapter", name: name,
                expected: "factors of rank \(factors.rank) for a weight of \(weightShape)",
                found: "\(factors.down.count) and \(factors.up.count) values")
        }
        return DiffusionLayer(
            name: name, shape: shape, weight: weight, bias: bias, factors: factors,
            precision: precision)
    }
}

/// A part's files while a network takes its tensors from them.
package final class PartReader {
    package var weights: PartWeights

    package init(_ weights: PartWeights) { self.weights = weights }
}

/// A linear layer or a convolution, with low-rank factors beside it if their scale may change.
struct DiffusionLayer: Sendable {
    private let weights: ProductWeights
    /// `[rank, …]` of the input.
    private let down: ProductWeights?
    /// From there to the result; nil: `weights` read the factors' result after the input.
    private let up: ProductWeights?

    init(weights: ProductWeights) {
        self.weights = weights
        down = nil
        up = nil
    }

    /// A matrix takes the factors' result as further inputs, so that it comes before bias and
    /// activation; a convolution adds it to its own result.
    init(
        name: String, shape: ProductShape, weight: [Float], bias: [Float]?,
        factors: DiffusionLayers.Factors, precision: WeightPrecision
    ) {
        var thin = shape
        thin.couts = factors.rank
        thin.activation = .identity
        down = ProductWeights(
            name: "\(name).down", shape: thin, weight: factors.down, bias: nil,
            precision: precision)
        var wide = ProductShape(factors.rank, shape.couts)
        var weight = weight
        if shape.side == 1 {
            wide = ProductShape(
                shape.inputChannels + factors.rank, shape.couts, activation: shape.activation)
            weight = Self.joined(weight, shape.inputChannels, factors.up, factors.rank)
            up = nil
        } else {
            precondition(shape.activation == .identity, "\(name): factors before an activation")
            up = ProductWeights(
                name: "\(name).up", shape: wide, weight: factors.up, bias: nil,
                precision: precision)
            wide = shape
        }
        weights = ProductWeights(
            name: name, shape: wide, weight: weight, bias: bias, precision: precision)
    }

    /// Rows of both matrices behind each other.
    private static func joined(
        _ a: [Float], _ aColumns: Int, _ b: [Float], _ bColumns: Int
    ) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(a.count + b.count)
        for row in 0..<a.count / aColumns {
            result += a[row * aColumns..<(row + 1) * aColumns]
            result += b[row * bColumns..<(row + 1) * bColumns]
        }
        return result
    }

    var byteCount: Int {
        weights.byteCount + (down?.byteCount ?? 0) + (up?.byteCount ?? 0)
    }

    /// - Parameter adapterScale: `[1, 1, 1]`; needed if there are factors.
    func callAsFunction(
        _ graph: inout TensorGraph, _ inputs: [TensorGraph.Value],
        _ extras: ProductExtras = ProductExtras(), adapterScale: TensorGraph.Value? = nil
    ) -> TensorGraph.Value {
        guard let down, let adapterScale else { return graph.product(weights, inputs, extras) }
        let lowered = graph.product(
            down, inputs,
            ProductExtras(scale: adapterScale, isUpsampled: extras.isUpsampled))
        guard let up else { return graph.product(weights, inputs + [lowered], extras) }
        let result = graph.product(weights, inputs, extras)
        return graph.product(up, lowered, ProductExtras(residual: result))
    }
}
