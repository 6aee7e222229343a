// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// Blocks around one attention among all pixels, in the middle of both halves of the autoencoder.
private struct AutoencoderMiddle: Sendable {
    let entry: ResNetBlock
    let norm: NormWeights
    let attention: AttentionLayer
    let exit: ResNetBlock
    let groups: Int

    init(
        _ layers: DiffusionLayers, _ name: String, _ config: AutoencoderConfig
    ) throws(ModelError) {
        let width = config.channels[config.channels.count - 1]
        entry = try ResNetBlock(
            layers, "\(name).resnets.0", width, width, timeChannels: nil, norm: config.norm)
        norm = try layers.norm(
            "\(name).attentions.0.group_norm", width, epsilon: config.norm.epsilon)
        attention = try AttentionLayer(
            layers, "\(name).attentions.0", width, context: width, heads: 1, hasBias: true)
        exit = try ResNetBlock(
            layers, "\(name).resnets.1", width, width, timeChannels: nil, norm: config.norm)
        groups = config.norm.groups
    }

    var byteCount: Int {
        entry.byteCount + norm.byteCount + attention.byteCount + exit.byteCount
    }

    func callAsFunction(
        _ context: inout DiffusionContext, _ input: TensorGraph.Value
    ) -> TensorGraph.Value {
        var x = entry(&context, [input])
        let normed = context.graph.groupNorm(norm, [x], groups: groups, silu: false)
        x = attention(&context, normed, to: normed, adding: x)
        return exit(&context, [x])
    }
}

/// One level of either half.
private struct AutoencoderLevel: Sendable {
    var resnets: [ResNetBlock] = []
    /// To the next level, at half or twice the size.
    var resampling: DiffusionLayer?

    var byteCount: Int {
        resnets.reduce(0) { $0 + $1.byteCount } + (resampling?.byteCount ?? 0)
    }
}

/// Pictures to latents. Checked against diffusers' `AutoencoderKL.encode`, whose distribution's mode
/// it computes.
package struct AutoencoderEncoder: Sendable {
    package let config: AutoencoderConfig
    private let convIn: DiffusionLayer
    private var levels: [AutoencoderLevel] = []
    private let middle: AutoencoderMiddle
    private let normOut: NormWeights
    private let convOut: DiffusionLayer
    private let quantConv: DiffusionLayer

    package init(_ layers: DiffusionLayers, _ config: AutoencoderConfig) throws(ModelError) {
        self.config = config
        convIn = try layers.convolution(
            "encoder.conv_in", config.pictureChannels, config.channels[0])
        var inputs = config.channels[0]
        for (index, width) in config.channels.enumerated() {
            let name = "encoder.down_blocks.\(index)"
            var level = AutoencoderLevel()
            for block in 0..<config.blocksPerLevel {
                level.resnets.append(
                    try ResNetBlock(
                        layers, "\(name).resnets.\(block)", inputs, width, timeChannels: nil,
                        norm: config.norm))
                inputs = width
            }
            if index < config.channels.count - 1 {
                // Zeros only below and to the right.
                level.resampling = try layers.convolution(
                    "\(name).downsamplers.0.conv", width, width, stride: 2, pad: 0)
            }
            levels.append(level)
        }
        middle = try AutoencoderMiddle(layers, "encoder.mid_block", config)
        normOut = try layers.norm("encoder.conv_norm_out", inputs, epsilon: config.norm.epsilon)
        let moments = config.latentChannels * 2
        convOut = try layers.convolution("encoder.conv_out", inputs, moments)
        quantConv = DiffusionLayer(
            weights: try Self.means(layers, "quant_conv", config))
    }

    /// The half of the layer that gives the mean, with the latents' scale in it.
    private static func means(
        _ layers: DiffusionLayers, _ name: String, _ config: AutoencoderConfig
    ) throws(ModelError) -> ProductWeights {
        let (moments, count) = (config.latentChannels * 2, config.latentChannels)
        let weight = try layers.take("\(name).weight", [moments, moments, 1, 1])
        let bias = try layers.take("\(name).bias", [moments])
        return ProductWeights(
            name: name, shape: ProductShape(moments, count),
            weight: weight[..<(count * moments)].map { $0 * config.scale },
            bias: bias[..<count].map { $0 * config.scale }, precision: layers.precision)
    }

    package var byteCount: Int {
        levels.reduce(0) { $0 + $1.byteCount } + middle.byteCount + convIn.byteCount
            + convOut.byteCount + quantConv.byteCount
    }

    /// - Parameter picture: `[h, w, 3]` in -1...1.
    /// - Returns: `[h/8, w/8, latentChannels]`, multiplied with the latents' scale.
    package func forward(
        _ graph: inout TensorGraph, picture: TensorGraph.Value
    ) -> TensorGraph.Value {
        var context = DiffusionContext(graph: graph)
        var x = context.apply(convIn, picture)
        for level in levels {
            for resnet in level.resnets { x = resnet(&context, [x]) }
            if let down = level.resampling { x = context.apply(down, x) }
        }
        x = middle(&context, x)
        x = context.graph.groupNorm(normOut, [x], groups: config.norm.groups, silu: true)
        x = context.apply(quantConv, context.apply(convOut, x))
        graph = context.graph
        return x
    }
}

/// Latents to pictures. Checked against diffusers' `AutoencoderKL.decode`.
package struct AutoencoderDecoder: Sendable {
    package let config: AutoencoderConfig
    private let postQuantConv: DiffusionLayer
    private let convIn: DiffusionLayer
    private let middle: AutoencoderMiddle
    /// From the coarsest level to the finest.
    private var levels: [AutoencoderLevel] = []
    private let normOut: NormWeights
    private let convOut: DiffusionLayer

    package init(_ layers: DiffusionLayers, _ config: AutoencoderConfig) throws(ModelError) {
        self.config = config
        let count = config.latentChannels
        // The latents' scale is taken out here.
        postQuantConv = DiffusionLayer(
            weights: ProductWeights(
                name: "post_quant_conv", shape: ProductShape(count, count),
                weight: try layers.take("post_quant_conv.weight", [count, count, 1, 1])
                    .map { $0 / config.scale },
                bias: try layers.take("post_quant_conv.bias", [count]),
                precision: layers.precision))
        var inputs = config.channels[config.channels.count - 1]
        convIn = try layers.convolution("decoder.conv_in", count, inputs)
        middle = try AutoencoderMiddle(layers, "decoder.mid_block", config)
        for (index, width) in config.channels.reversed().enumerated() {
            let name = "decoder.up_blocks.\(index)"
            var level = AutoencoderLevel()
            for block in 0...config.blocksPerLevel {
                level.resnets.append(
                    try ResNetBlock(
                        layers, "\(name).resnets.\(block)", inputs, width, timeChannels: nil,
                        norm: config.norm))
                inputs = width
            }
            if index < config.channels.count - 1 {
                level.resampling = try layers.convolution(
                    "\(name).upsamplers.0.conv", width, width)
            }
            levels.append(level)
        }
        normOut = try layers.norm("decoder.conv_norm_out", inputs, epsilon: config.norm.epsilon)
        convOut = try layers.convolution("decoder.conv_out", inputs, config.pictureChannels)
    }

    package var byteCount: Int {
        levels.reduce(0) { $0 + $1.byteCount } + middle.byteCount + convIn.byteCount
            + convOut.byteCount + postQuantConv.byteCount
    }

    /// - Parameter latent: `[h/8, w/8, latentChannels]`, multiplied with the latents' scale.
    /// - Returns: `[h, w, 3]`, -1...1 and somewhat beyond.
    package func forward(
        _ graph: inout TensorGraph, latent: TensorGraph.Value
    ) -> TensorGraph.Value {
        var context = DiffusionContext(graph: graph)
        var x = context.apply(convIn, context.apply(postQuantConv, latent))
        x = middle(&context, x)
        for level in levels {
            for resnet in level.resnets { x = resnet(&context, [x]) }
            if let upConvolution = level.resampling {
                x = context.apply(upConvolution, x, ProductExtras(isUpsampled: true))
            }
        }
        x = context.graph.groupNorm(normOut, [x], groups: config.norm.groups, silu: true)
        x = context.apply(convOut, x)
        graph = context.graph
        return x
    }
}
