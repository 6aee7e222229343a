// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// What a UNet or a ControlNet reads in each step beside its latent.
package struct DiffusionInputs: Sendable {
    /// `[1, 1, 1]`: training step, 0 (clean) to 999 (pure noise).
    package var timestep: TensorGraph.Value
    /// `[1, tokens, textChannels]`: the prompt's embedding.
    package var text: TensorGraph.Value
    /// `[1, 1, 1]`: scale of an adapter whose factors are kept apart; nil: there are none.
    package var adapterScale: TensorGraph.Value?

    package init(
        timestep: TensorGraph.Value, text: TensorGraph.Value,
        adapterScale: TensorGraph.Value? = nil
    ) {
        self.timestep = timestep
        self.text = text
        self.adapterScale = adapterScale
    }
}

/// What a ControlNet adds to a UNet.
package struct ControlResiduals: Sendable {
    /// In the order in which the UNet's encoder makes what they are added to.
    package var encoder: [TensorGraph.Value]
    package var middle: TensorGraph.Value
}

/// The timestep's embedding, as all blocks read it.
struct TimeEmbedding: Sendable {
    private let config: UNetConfig
    private let linear1: DiffusionLayer
    private let linear2: DiffusionLayer

    init(_ layers: DiffusionLayers, _ config: UNetConfig) throws(ModelError) {
        self.config = config
        linear1 = try layers.linear(
            "time_embedding.linear_1", config.channels[0], config.timeChannels, activation: .silu)
        // Every reader applies SiLU to it first: done once.
        linear2 = try layers.linear(
            "time_embedding.linear_2", config.timeChannels, config.timeChannels,
            activation: .silu)
    }

    var byteCount: Int { linear1.byteCount + linear2.byteCount }

    func callAsFunction(
        _ context: inout DiffusionContext, _ timestep: TensorGraph.Value
    ) -> TensorGraph.Value {
        let waves = context.graph.timestepEmbedding(
            timestep, channels: config.channels[0], shift: config.rateShift,
            sinesFirst: config.sinesFirst)
        return context.apply(linear2, context.apply(linear1, waves))
    }
}

/// The first half of a UNet and its middle; a ControlNet has the same.
struct UNetEncoder: Sendable {
    private struct Level: Sendable {
        var resnets: [ResNetBlock] = []
        /// As many as resnets, or none.
        var attentions: [SpatialTransformer] = []
        /// To the next level, at half the size.
        var down: DiffusionLayer?
    }

    private var levels: [Level] = []
    private let middleEntry: ResNetBlock
    private let middleAttention: SpatialTransformer
    private let middleExit: ResNetBlock

    init(_ layers: DiffusionLayers, _ config: UNetConfig) throws(ModelError) {
        var inputs = config.channels[0]
        for (index, width) in config.channels.enumerated() {
            let name = "down_blocks.\(index)"
            var level = Level()
            for block in 0..<config.blocksPerLevel {
                level.resnets.append(
                    try ResNetBlock(
                        layers, "\(name).resnets.\(block)", inputs, width,
                        timeChannels: config.timeChannels, norm: config.norm))
                if config.hasAttention[index] {
                    level.attentions.append(
                        try SpatialTransformer(
                            layers, "\(name).attentions.\(block)", width, config: config,
                            heads: config.heads[index]))
                }
                inputs = width
            }
            if index < config.channels.count - 1 {
                level.down = try layers.convolution(
                    "\(name).downsamplers.0.conv", width, width, stride: 2)
            }
            levels.append(level)
        }
        middleEntry = try ResNetBlock(
            layers, "mid_block.resnets.0", inputs, inputs, timeChannels: config.timeChannels,
            norm: config.norm)
        middleAttention = try SpatialTransformer(
            layers, "mid_block.attentions.0", inputs, config: config,
            heads: config.heads[config.heads.count - 1])
        middleExit = try ResNetBlock(
            layers, "mid_block.resnets.1", inputs, inputs, timeChannels: config.timeChannels,
            norm: config.norm)
    }

    var byteCount: Int {
        let blocks = levels.flatMap(\.resnets) + [middleEntry, middleExit]
        let attentions = levels.flatMap(\.attentions) + [middleAttention]
        return blocks.reduce(0) { $0 + $1.byteCount }
            + attentions.reduce(0) { $0 + $1.byteCount }
            + levels.reduce(0) { $0 + ($1.down?.byteCount ?? 0) }
    }

    /// - Returns: the input and what each block and each downsampling hands on, then the middle.
    func callAsFunction(
        _ context: inout DiffusionContext, _ input: TensorGraph.Value
    ) -> (skips: [TensorGraph.Value], middle: TensorGraph.Value) {
        var x = input
        var skips = [x]
        for level in levels {
            for (index, resnet) in level.resnets.enumerated() {
                x = resnet(&context, [x])
                if !level.attentions.isEmpty { x = level.attentions[index](&context, x) }
                skips.append(x)
            }
            if let down = level.down {
                x = context.apply(down, x)
                skips.append(x)
            }
        }
        x = middleEntry(&context, [x])
        x = middleAttention(&context, x)
        return (skips, middleExit(&context, [x]))
    }

    /// Channels of what is handed on.
    static func skipChannels(_ config: UNetConfig) -> [Int] {
        var channels = [config.channels[0]]
        for (index, width) in config.channels.enumerated() {
            let isLast = index == config.channels.count - 1
            channels += Array(repeating: width, count: config.blocksPerLevel + (isLast ? 0 : 1))
        }
        return channels
    }
}

/// Predicts the noise contained in a latent. Checked against diffusers' `UNet2DConditionModel`.
package struct UNet: Sendable {
    private struct Level: Sendable {
        var resnets: [ResNetBlock] = []
        var attentions: [SpatialTransformer] = []
        /// To the next level, at twice the size.
        var upConvolution: DiffusionLayer?
    }

    package let config: UNetConfig
    private let convIn: DiffusionLayer
    private let time: TimeEmbedding
    private let encoder: UNetEncoder
    /// From the coarsest level to the finest.
    private var levels: [Level] = []
    private let normOut: NormWeights
    private let convOut: DiffusionLayer

    /// - Parameter inputChannels: of the first convolution, if it was widened.
    package init(
        _ layers: DiffusionLayers, _ config: UNetConfig, inputChannels: Int? = nil
    ) throws(ModelError) {
        self.config = config
        let widths = config.channels
        convIn = try layers.firstConvolution(
            "conv_in", inputChannels ?? config.inputChannels, stored: config.inputChannels,
            widths[0])
        time = try TimeEmbedding(layers, config)
        encoder = try UNetEncoder(layers, config)
        var skips = UNetEncoder.skipChannels(config)
        var inputs = widths[widths.count - 1]
        for (index, level) in widths.indices.reversed().enumerated() {
            let name = "up_blocks.\(index)"
            var blocks = Level()
            for block in 0...config.blocksPerLevel {
                blocks.resnets.append(
                    try ResNetBlock(
                        layers, "\(name).resnets.\(block)", inputs + skips.removeLast(),
                        widths[level], timeChannels: config.timeChannels, norm: config.norm))
                if config.hasAttention[level] {
                    blocks.attentions.append(
                        try SpatialTransformer(
                            layers, "\(name).attentions.\(block)", widths[level], config: config,
                            heads: config.heads[level]))
                }
                inputs = widths[level]
            }
            if level > 0 {
                blocks.upConvolution = try layers.convolution(
                    "\(name).upsamplers.0.conv", inputs, inputs)
            }
            levels.append(blocks)
        }
        normOut = try layers.norm("conv_norm_out", widths[0], epsilon: config.norm.epsilon)
        convOut = try layers.convolution("conv_out", widths[0], config.outputChannels)
    }

    package var byteCount: Int {
        let blocks = levels.flatMap(\.resnets).reduce(0) { $0 + $1.byteCount }
        let attentions = levels.flatMap(\.attentions).reduce(0) { $0 + $1.byteCount }
        return convIn.byteCount + time.byteCount + encoder.byteCount + blocks + attentions
            + levels.reduce(0) { $0 + ($1.upConvolution?.byteCount ?? 0) } + convOut.byteCount
    }

    /// - Parameters:
    ///   - latents: `[h/8, w/8, channels]`, one or two whose channels follow each other: the noisy
    ///     one and the previous picture's.
    ///   - control: what is added to the encoder's results; nil: nothing.
    /// - Returns: `[h/8, w/8, outputChannels]`.
    package func forward(
        _ graph: inout TensorGraph, latents: [TensorGraph.Value], inputs: DiffusionInputs,
        control: ControlResiduals? = nil
    ) -> TensorGraph.Value {
        var context = DiffusionContext(
            graph: graph, text: inputs.text, adapterScale: inputs.adapterScale)
        context.time = time(&context, inputs.timestep)
        var (skips, x) = encoder(&context, context.apply(convIn, latents))
        if let control {
            skips = zip(skips, control.encoder).map { context.graph.add($0, $1) }
            x = context.graph.add(x, control.middle)
        }
        for level in levels {
            for (index, resnet) in level.resnets.enumerated() {
                x = resnet(&context, [x, skips.removeLast()])
                if !level.attentions.isEmpty { x = level.attentions[index](&context, x) }
            }
            if let upConvolution = level.upConvolution {
                x = context.apply(upConvolution, x, ProductExtras(isUpsampled: true))
            }
        }
        x = context.graph.groupNorm(normOut, [x], groups: config.norm.groups, silu: true)
        x = context.apply(convOut, x)
        graph = context.graph
        return x
    }
}
