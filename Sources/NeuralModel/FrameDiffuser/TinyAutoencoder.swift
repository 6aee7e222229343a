// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// Three 3x3 convolutions, the input added, the larger of the sum and 0.
private struct TinyBlock: Sendable {
    let convolutions: [DiffusionLayer]

    init(_ layers: DiffusionLayers, _ name: String, _ width: Int) throws(ModelError) {
        convolutions = [
            try layers.convolution("\(name).conv.0", width, width, activation: .relu),
            try layers.convolution("\(name).conv.2", width, width, activation: .relu),
            try layers.convolution("\(name).conv.4", width, width, activation: .reluLast),
        ]
    }

    var byteCount: Int { convolutions.reduce(0) { $0 + $1.byteCount } }

    func callAsFunction(
        _ graph: inout TensorGraph, _ x: TensorGraph.Value
    ) -> TensorGraph.Value {
        let hidden = convolutions[1](&graph, [convolutions[0](&graph, [x])])
        return convolutions[2](&graph, [hidden], ProductExtras(residual: x))
    }
}

/// A small stand-in for `AutoencoderEncoder` (TAESD). Checked against diffusers'
/// `AutoencoderTiny.encode`.
package struct TinyEncoder: Sendable {
    package let config: TinyAutoencoderConfig
    /// The first convolution, then those at half the size; each before its level's blocks.
    private var entries: [DiffusionLayer] = []
    private var blocks: [[TinyBlock]] = []
    private let convOut: DiffusionLayer

    package init(_ layers: DiffusionLayers, _ config: TinyAutoencoderConfig) throws(ModelError) {
        self.config = config
        let width = config.channels
        var index = 0
        for (level, count) in config.encoderBlocks.enumerated() {
            entries.append(
                try layers.convolution(
                    "encoder.layers.\(index)", level == 0 ? 3 : width, width,
                    stride: level == 0 ? 1 : 2, hasBias: level == 0))
            index += 1
            var levelBlocks: [TinyBlock] = []
            for _ in 0..<count {
                levelBlocks.append(try TinyBlock(layers, "encoder.layers.\(index)", width))
                index += 1
            }
            blocks.append(levelBlocks)
        }
        convOut = try layers.convolution("encoder.layers.\(index)", width, config.latentChannels)
    }

    package var byteCount: Int {
        (entries + [convOut]).reduce(0) { $0 + $1.byteCount }
            + blocks.joined().reduce(0) { $0 + $1.byteCount }
    }

    /// - Parameter picture: `[h, w, 3]` in -1...1.
    /// - Returns: `[h/8, w/8, latentChannels]`.
    package func forward(
        _ graph: inout TensorGraph, picture: TensorGraph.Value
    ) -> TensorGraph.Value {
        // The network was trained on 0...1.
        var x = graph.affine(picture, factor: 0.5, offset: 0.5)
        for (entry, levelBlocks) in zip(entries, blocks) {
            x = entry(&graph, [x])
            for block in levelBlocks { x = block(&graph, x) }
        }
        return convOut(&graph, [x])
    }
}

/// A small stand-in for `AutoencoderDecoder` (TAESD). Checked against diffusers'
/// `AutoencoderTiny.decode`.
package struct TinyDecoder: Sendable {
    package let config: TinyAutoencoderConfig
    private let convIn: DiffusionLayer
    private var blocks: [[TinyBlock]] = []
    /// After each level's blocks; all but the last at twice the size.
    private var exits: [DiffusionLayer] = []

    package init(_ layers: DiffusionLayers, _ config: TinyAutoencoderConfig) throws(ModelError) {
        self.config = config
        let width = config.channels
        convIn = try layers.convolution(
            "decoder.layers.0", config.latentChannels, width, activation: .relu)
        // The activation has a number of its own, and so has each upsampling below.
        var index = 2
        for (level, count) in config.decoderBlocks.enumerated() {
            var levelBlocks: [TinyBlock] = []
            for _ in 0..<count {
                levelBlocks.append(try TinyBlock(layers, "decoder.layers.\(index)", width))
                index += 1
            }
            blocks.append(levelBlocks)
            let isLast = level == config.decoderBlocks.count - 1
            if !isLast { index += 1 }
            exits.append(
                try layers.convolution(
                    "decoder.layers.\(index)", width, isLast ? 3 : width, hasBias: isLast))
            index += 1
        }
    }

    package var byteCount: Int {
        (exits + [convIn]).reduce(0) { $0 + $1.byteCount }
            + blocks.joined().reduce(0) { $0 + $1.byteCount }
    }

    /// - Parameter latent: `[h/8, w/8, latentChannels]`.
    /// - Returns: `[h, w, 3]`, -1...1 and somewhat beyond.
    package func forward(
        _ graph: inout TensorGraph, latent: TensorGraph.Value
    ) -> TensorGraph.Value {
        var x = convIn(&graph, [graph.softClamp(latent)])
        for (level, levelBlocks) in blocks.enumerated() {
            for block in levelBlocks { x = block(&graph, x) }
            let isLast = level == blocks.count - 1
            x = exits[level](&graph, [x], ProductExtras(isUpsampled: !isLast))
        }
        return graph.affine(x, factor: 2, offset: -1)
    }
}
