// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// The compact denoiser's network: four levels down, four up, at a quarter of the picture's size.
package struct CompactNetwork: Sendable {
    /// x + conv2(relu(conv1(relu(x)))), 3x3.
    struct ResidualBlock: Sendable {
        var conv1: Convolution
        var conv2: Convolution

        func callAsFunction(
            _ graph: inout LayerGraph, _ x: LayerGraph.Value
        ) -> LayerGraph.Value {
            let hidden = graph.convolve(conv1, x, relu: true)
            return graph.convolve(conv2, hidden, relu: true, adding: x)
        }
    }

    /// What each stage hands on, for whoever compares it.
    package struct Stages: Sendable {
        package var stem: LayerGraph.Value
        /// From the finest level to the coarsest.
        package var encoder: [LayerGraph.Value]
        package var down: [LayerGraph.Value]
        /// From the finest level to the coarsest but one.
        package var decoder: [LayerGraph.Value]
        /// `[outputChannels, h, w]`: each plane's 4x4 pixels are 16 channels.
        package var head: LayerGraph.Value
    }

    let stem: Convolution
    let encoder: [[ResidualBlock]]
    let down: [Convolution]
    let up: [Convolution]
    let skip: [Convolution]
    let decoder: [[ResidualBlock]]
    let head: Convolution

    /// - Parameter features: `[inputChannels, h, w]`; h and w are multiples of 2^(levels - 1).
    package func forward(_ graph: inout LayerGraph, _ features: LayerGraph.Value) -> Stages {
        let last = encoder.count - 1
        let stemmed = graph.convolve(stem, features)
        var x = stemmed
        var encoded: [LayerGraph.Value] = []
        var lowered: [LayerGraph.Value] = []
        for level in 0...last {
            if level > 0 {
                x = graph.convolve(down[level - 1], x)
                lowered.append(x)
            }
            for block in encoder[level] { x = block(&graph, x) }
            encoded.append(x)
        }
        var decoded: [LayerGraph.Value] = []
        for level in (0..<last).reversed() {
            let raised = graph.convolve(up[level], x)
            x = graph.convolve(skip[level], encoded[level], adding: raised)
            for block in decoder[level] { x = block(&graph, x) }
            decoded.insert(x, at: 0)
        }
        let result = graph.convolve(head, x, relu: true)
        return Stages(
            stem: stemmed, encoder: encoded, down: lowered, decoder: decoded, head: result)
    }

    package var weightBytes: Int {
        let blocks = (encoder + decoder).flatMap { $0 }.flatMap { [$0.conv1, $0.conv2] }
        return ([stem, head] + down + up + skip + blocks).reduce(0) { $0 + $1.byteCount }
    }
}

extension CompactNetwork {
    /// Takes every layer's weights by its name.
    init(
        _ weights: inout Weights, manifest: ModelManifest, kernelPath: KernelPath
    ) throws(ModelError) {
        var layers = LayerReader(weights: weights, kernelPath: kernelPath)
        let channels = manifest.channels
        let last = channels.count - 1
        stem = try layers.convolution(
            "stem", manifest.pixels.inputChannels, channels[0], .one)
        var encoder: [[ResidualBlock]] = []
        var decoder: [[ResidualBlock]] = []
        var down: [Convolution] = []
        var up: [Convolution] = []
        var skip: [Convolution] = []
        for level in 0...last {
            let width = channels[level]
            encoder.append(
                try layers.blocks("encoder.\(level)", manifest.blocks[level], width))
            guard level < last else { break }
            let below = channels[level + 1]
            down.append(try layers.convolution("down.\(level)", width, below, .two))
            up.append(try layers.convolution("up.\(level)", below, width, .one))
            skip.append(
                try layers.convolution("skip.\(level)", width, width, .one, hasBias: false))
            decoder.append(
                try layers.blocks("decoder.\(level)", manifest.blocks[level], width))
        }
        head = try layers.convolution(
            "head", channels[0], manifest.pixels.outputChannels, .three)
        self.encoder = encoder
        self.decoder = decoder
        self.down = down
        self.up = up
        self.skip = skip
        weights = layers.weights
    }
}

/// Builds layers from the tensors under their names.
private struct LayerReader {
    var weights: Weights
    let kernelPath: KernelPath

    mutating func convolution(
        _ name: String, _ input: Int, _ output: Int, _ kernel: Convolution.Kernel,
        hasBias: Bool = true
    ) throws(ModelError) -> Convolution {
        let side = kernel.rawValue
        return Convolution(
            name: name,
            weight: try weights.take("\(name).weight", shape: [output, input, side, side]),
            bias: hasBias ? try weights.take("\(name).bias", shape: [output]) : nil,
            inputChannels: input, outputChannels: output, kernel: kernel, kernelPath: kernelPath)
    }

    mutating func blocks(
        _ name: String, _ count: Int, _ width: Int
    ) throws(ModelError) -> [CompactNetwork.ResidualBlock] {
        var blocks: [CompactNetwork.ResidualBlock] = []
        for index in 0..<count {
            blocks.append(
                CompactNetwork.ResidualBlock(
                    conv1: try convolution("\(name).\(index).conv1", width, width, .three),
                    conv2: try convolution("\(name).\(index).conv2", width, width, .three)))
        }
        return blocks
    }
}
