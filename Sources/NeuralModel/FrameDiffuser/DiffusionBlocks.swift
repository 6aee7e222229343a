// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// A graph being written, with what every block of a network may read.
struct DiffusionContext {
    var graph: TensorGraph
    /// `[1, 1, channels]`: SiLU of the timestep's embedding; nil in a VAE.
    var time: TensorGraph.Value?
    /// `[1, tokens, channels]`: the prompt's embedding.
    var text: TensorGraph.Value?
    /// `[1, 1, 1]`: how strongly an adapter works whose factors are kept apart.
    var adapterScale: TensorGraph.Value?

    mutating func apply(
        _ layer: DiffusionLayer, _ input: TensorGraph.Value,
        _ extras: ProductExtras = ProductExtras()
    ) -> TensorGraph.Value {
        apply(layer, [input], extras)
    }

    mutating func apply(
        _ layer: DiffusionLayer, _ inputs: [TensorGraph.Value],
        _ extras: ProductExtras = ProductExtras()
    ) -> TensorGraph.Value {
        layer(&graph, inputs, extras, adapterScale: adapterScale)
    }
}

/// Two 3x3 convolutions with norms before them, the timestep between them, the input added.
struct ResNetBlock: Sendable {
    private let norm1: NormWeights
    private let conv1: DiffusionLayer
    private let timeProjection: DiffusionLayer?
    private let norm2: NormWeights
    private let conv2: DiffusionLayer
    private let shortcut: DiffusionLayer?
    private let groups: Int

    /// - Parameter timeChannels: of the timestep's embedding; nil: it is not read.
    init(
        _ layers: DiffusionLayers, _ name: String, _ inputs: Int, _ outputs: Int,
        timeChannels: Int?, norm: GroupNormConfig
    ) throws(ModelError) {
        norm1 = try layers.norm("\(name).norm1", inputs, epsilon: norm.epsilon)
        conv1 = try layers.convolution("\(name).conv1", inputs, outputs)
        if let timeChannels {
            timeProjection = try layers.linear("\(name).time_emb_proj", timeChannels, outputs)
        } else {
            timeProjection = nil
        }
        norm2 = try layers.norm("\(name).norm2", outputs, epsilon: norm.epsilon)
        conv2 = try layers.convolution("\(name).conv2", outputs, outputs)
        shortcut =
            inputs == outputs
            ? nil : try layers.pointwise("\(name).conv_shortcut", inputs, outputs)
        groups = norm.groups
    }

    var byteCount: Int {
        [conv1, conv2, timeProjection, shortcut].reduce(0) { $0 + ($1?.byteCount ?? 0) }
            + norm1.byteCount + norm2.byteCount
    }

    /// - Parameter inputs: one or two values whose channels follow each other.
    func callAsFunction(
        _ context: inout DiffusionContext, _ inputs: [TensorGraph.Value]
    ) -> TensorGraph.Value {
        var hidden = context.graph.groupNorm(norm1, inputs, groups: groups, silu: true)
        let shift = timeProjection.flatMap { projection in
            context.time.map { context.apply(projection, $0) }
        }
        hidden = context.apply(conv1, hidden, ProductExtras(shift: shift))
        hidden = context.graph.groupNorm(norm2, [hidden], groups: groups, silu: true)
        let residual = shortcut.map { context.apply($0, inputs) } ?? inputs[0]
        return context.apply(conv2, hidden, ProductExtras(residual: residual))
    }
}

/// Attention with its four projections.
struct AttentionLayer: Sendable {
    private let name: String
    private let heads: Int
    private let precision: WeightPrecision
    private let query: DiffusionLayer
    private let key: DiffusionLayer
    private let value: DiffusionLayer
    private let output: DiffusionLayer

    /// - Parameter context: channels of what keys and values are made of.
    init(
        _ layers: DiffusionLayers, _ name: String, _ channels: Int, context: Int, heads: Int,
        hasBias: Bool = false
    ) throws(ModelError) {
        self.name = name
        self.heads = heads
        precision = layers.precision
        query = try layers.linear("\(name).to_q", channels, channels, hasBias: hasBias)
        key = try layers.linear("\(name).to_k", context, channels, hasBias: hasBias)
        value = try layers.linear("\(name).to_v", context, channels, hasBias: hasBias)
        output = try layers.linear("\(name).to_out.0", channels, channels)
    }

    var byteCount: Int { [query, key, value, output].reduce(0) { $0 + $1.byteCount } }

    /// - Parameter residual: added to the result.
    func callAsFunction(
        _ context: inout DiffusionContext, _ input: TensorGraph.Value, to read: TensorGraph.Value,
        adding residual: TensorGraph.Value
    ) -> TensorGraph.Value {
        let attended = context.graph.attention(
            name, query: context.apply(query, input), key: context.apply(key, read),
            value: context.apply(value, read), heads: heads, precision: precision)
        return context.apply(output, attended, ProductExtras(residual: residual))
    }
}

/// Attention among the pixels, attention to the prompt, and a gated layer; each added to its input.
struct TransformerBlock: Sendable {
    private static let epsilon: Float = 1e-5

    private let norm1: NormWeights
    private let selfAttention: AttentionLayer
    private let norm2: NormWeights
    private let crossAttention: AttentionLayer
    private let norm3: NormWeights
    private let expansion: DiffusionLayer
    private let contraction: DiffusionLayer

    init(
        _ layers: DiffusionLayers, _ name: String, _ channels: Int, text: Int, heads: Int
    ) throws(ModelError) {
        norm1 = try layers.norm("\(name).norm1", channels, epsilon: Self.epsilon)
        selfAttention = try AttentionLayer(
            layers, "\(name).attn1", channels, context: channels, heads: heads)
        norm2 = try layers.norm("\(name).norm2", channels, epsilon: Self.epsilon)
        crossAttention = try AttentionLayer(
            layers, "\(name).attn2", channels, context: text, heads: heads)
        norm3 = try layers.norm("\(name).norm3", channels, epsilon: Self.epsilon)
        expansion = try layers.linear(
            "\(name).ff.net.0.proj", channels, channels * 8, activation: .geglu)
        contraction = try layers.linear("\(name).ff.net.2", channels * 4, channels)
    }

    var byteCount: Int {
        selfAttention.byteCount + crossAttention.byteCount + expansion.byteCount
            + contraction.byteCount + norm1.byteCount * 3
    }

    func callAsFunction(
        _ context: inout DiffusionContext, _ input: TensorGraph.Value
    ) -> TensorGraph.Value {
        var x = input
        let pixels = context.graph.layerNorm(norm1, x)
        x = selfAttention(&context, pixels, to: pixels, adding: x)
        if let text = context.text {
            x = crossAttention(&context, context.graph.layerNorm(norm2, x), to: text, adding: x)
        }
        let hidden = context.apply(expansion, context.graph.layerNorm(norm3, x))
        return context.apply(contraction, hidden, ProductExtras(residual: x))
    }
}

/// Transformer blocks between two 1x1 layers; the input is added to the result.
struct SpatialTransformer: Sendable {
    private static let epsilon: Float = 1e-6

    private let norm: NormWeights
    private let groups: Int
    private let entry: DiffusionLayer
    private let block: TransformerBlock
    private let exit: DiffusionLayer

    init(
        _ layers: DiffusionLayers, _ name: String, _ channels: Int, config: UNetConfig, heads: Int
    ) throws(ModelError) {
        norm = try layers.norm("\(name).norm", channels, epsilon: Self.epsilon)
        groups = config.norm.groups
        entry = try layers.pointwise("\(name).proj_in", channels, channels)
        block = try TransformerBlock(
            layers, "\(name).transformer_blocks.0", channels, text: config.textChannels,
            heads: heads)
        exit = try layers.pointwise("\(name).proj_out", channels, channels)
    }

    var byteCount: Int {
        norm.byteCount + entry.byteCount + block.byteCount + exit.byteCount
    }

    func callAsFunction(
        _ context: inout DiffusionContext, _ input: TensorGraph.Value
    ) -> TensorGraph.Value {
        let normed = context.graph.groupNorm(norm, [input], groups: groups, silu: false)
        let hidden = block(&context, context.apply(entry, normed))
        return context.apply(exit, hidden, ProductExtras(residual: input))
    }
}
