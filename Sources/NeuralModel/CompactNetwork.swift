// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// The compact denoiser's network: four levels down, four up, at a quarter of the picture's size.
package struct CompactNetwork: Sendable {
    /// x + conv2(relu(conv1(relu(x)))), 3x3. Between the two are as many channels as `conv1` has
    /// outputs: at int8 those that ever act, see `HiddenChannels`.
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
    package let precision: Precision
    /// What the features' integers mean, where they are read as such.
    package let featureScale: ValueScale?

    /// - Parameters:
    ///   - features: `[inputChannels, h, w]`; h and w are multiples of 2^(levels - 1).
    ///   - endsInBands: whoever reads the head's output reads it band by band, where that can be.
    package func forward(
        _ graph: inout LayerGraph, _ features: LayerGraph.Value, endsInBands: Bool = false
    ) -> Stages {
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
        let result = graph.convolve(
            head, x, relu: true, inBands: endsInBands && !head.isWinograd)
        return Stages(
            stem: stemmed, encoder: encoded, down: lowered, decoder: decoded, head: result)
    }

    /// Channels inside each residual block, by the block's name.
    package var hiddenCounts: [String: Int] {
        var counts: [String: Int] = [:]
        for (part, levels) in [("encoder", encoder), ("decoder", decoder)] {
            for (level, blocks) in levels.enumerated() {
                for (index, block) in blocks.enumerated() {
                    counts["\(part).\(level).\(index)"] = block.conv1.outputChannels
                }
            }
        }
        return counts
    }

    package var weightBytes: Int {
        let blocks = (encoder + decoder).flatMap { $0 }.flatMap { [$0.conv1, $0.conv2] }
        return ([stem, head] + down + up + skip + blocks).reduce(0) { $0 + $1.byteCount }
    }
}

extension CompactNetwork {
    /// Takes every layer's weights by its name.
    /// - Parameters:
    ///   - calibration: needed at int8; tells bf16 too which channels never act.
    ///   - featureScale: the same for the features.
    init(
        _ weights: inout Weights, manifest: ModelManifest, kernelPath: KernelPath,
        precision: Precision, calibration: Calibration?, featureScale: ValueScale?
    ) throws(ModelError) {
        var layers = LayerReader(
            weights: weights, kernelPath: kernelPath, precision: precision,
            calibration: calibration)
        let channels = manifest.channels
        let last = channels.count - 1
        self.precision = precision
        self.featureScale = featureScale
        stem = try layers.convolution(
            "stem", manifest.pixels.inputChannels, channels[0], .one, reading: featureScale)
        // What was written last, and by whom: the integers of the next layer's input.
        var x = stem.outputScale
        var encoded: [ValueScale?] = []
        var encoder: [[ResidualBlock]] = []
        var decoder: [[ResidualBlock]] = []
        var down: [Convolution] = []
        var up: [Convolution] = []
        var skip: [Convolution] = []
        for level in 0...last {
            let width = channels[level]
            if level > 0 {
                let conv = try layers.convolution(
                    "down.\(level - 1)", channels[level - 1], width, .two, reading: x)
                down.append(conv)
                x = conv.outputScale
            }
            let blocks = try layers.blocks(
                "encoder.\(level)", manifest.blocks[level], width, reading: x)
            x = blocks.last?.conv2.outputScale ?? x
            encoder.append(blocks)
            encoded.append(x)
        }
        for level in (0..<last).reversed() {
            let width = channels[level]
            up.insert(
                try layers.convolution(
                    "up.\(level)", channels[level + 1], width, .one, reading: x), at: 0)
            let conv = try layers.convolution(
                "skip.\(level)", width, width, .one, hasBias: false, reading: encoded[level])
            skip.insert(conv, at: 0)
            let blocks = try layers.blocks(
                "decoder.\(level)", manifest.blocks[level], width, reading: conv.outputScale)
            x = blocks.last?.conv2.outputScale ?? conv.outputScale
            decoder.insert(blocks, at: 0)
        }
        head = try layers.convolution(
            "head", channels[0], manifest.pixels.outputChannels, .three, reading: x,
            isRead: false)
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
    let precision: Precision
    let calibration: Calibration?

    /// - Parameters:
    ///   - inputScale: what the integers of its input mean.
    ///   - isRead: another convolution reads the output.
    mutating func convolution(
        _ name: String, _ input: Int, _ output: Int, _ kernel: Convolution.Kernel,
        hasBias: Bool = true, reading inputScale: ValueScale?, isRead: Bool = true
    ) throws(ModelError) -> Convolution {
        Convolution(
            name: name, weight: try weight(name, input, output, kernel),
            bias: hasBias ? try weights.take("\(name).bias", shape: [output]) : nil,
            inputChannels: input, outputChannels: output, kernel: kernel, kernelPath: kernelPath,
            arithmetic: arithmetic(kernel), inputScale: inputScale,
            outputScale: isRead ? try calibration?.scale(of: name, channels: output) : nil)
    }

    private mutating func weight(
        _ name: String, _ input: Int, _ output: Int, _ kernel: Convolution.Kernel
    ) throws(ModelError) -> [Float] {
        let side = kernel.rawValue
        return try weights.take("\(name).weight", shape: [output, input, side, side])
    }

    /// 3x3 convolutions read what is not negative and do nearly all of the work.
    private func arithmetic(_ kernel: Convolution.Kernel) -> Arithmetic {
        switch precision {
        case .fp32: .fp32
        case .bf16: .bf16
        case .int8: kernel == .three ? .int8 : .int16
        }
    }

    mutating func blocks(
        _ name: String, _ count: Int, _ width: Int, reading scale: ValueScale?
    ) throws(ModelError) -> [CompactNetwork.ResidualBlock] {
        var blocks: [CompactNetwork.ResidualBlock] = []
        var input = scale
        for index in 0..<count {
            let block = try block("\(name).\(index)", width, reading: input)
            blocks.append(block)
            input = block.conv2.outputScale
        }
        return blocks
    }

    private mutating func block(
        _ name: String, _ width: Int, reading scale: ValueScale?
    ) throws(ModelError) -> CompactNetwork.ResidualBlock {
        let (first, second) = ("\(name).conv1", "\(name).conv2")
        let hidden =
            try calibration?.hiddenChannels(of: first, channels: width)
            ?? HiddenChannels(count: width)
        let conv1 = Convolution(
            name: first, weight: hidden.outputs(of: try weight(first, width, width, .three)),
            bias: hidden.outputs(of: try weights.take("\(first).bias", shape: [width])),
            inputChannels: width, outputChannels: hidden.kept.count, kernel: .three,
            kernelPath: kernelPath, arithmetic: arithmetic(.three), inputScale: scale,
            outputScale: try calibration?.scale(of: first, channels: width, hidden: hidden))
        let conv2 = Convolution(
            name: second,
            weight: hidden.inputs(of: try weight(second, width, width, .three), taps: 9),
            bias: try weights.take("\(second).bias", shape: [width]),
            inputChannels: hidden.kept.count, outputChannels: width, kernel: .three,
            kernelPath: kernelPath, arithmetic: arithmetic(.three), inputScale: conv1.outputScale,
            outputScale: try calibration?.scale(of: second, channels: width))
        return CompactNetwork.ResidualBlock(conv1: conv1, conv2: conv2)
    }
}
