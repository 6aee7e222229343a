// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// The compact network's layers in the order of computing, and which reads what: written once, for
/// whoever reads weights, plans a frame or counts work.
package struct CompactTopology: Sendable {
    /// One convolution.
    struct Layer: Sendable, Equatable {
        /// The value between a residual block's two convolutions, of which not every channel has to
        /// be computed.
        enum Hidden: Sendable, Equatable {
            case none
            case written(block: String)
            case read(block: String)
        }

        /// As in the weights file.
        var name: String
        /// Channels, of the whole model.
        var inputs, outputs: Int
        var kernel: Convolution.Kernel
        var hasBias = true
        /// Whether it reads max(x, 0).
        var reluBefore = false
        var hidden = Hidden.none
        /// Whether another convolution reads its output.
        var isRead = true
    }

    /// What each stage hands on, for whoever compares it.
    package struct Stages<Value> {
        package var stem: Value
        /// From the finest level to the coarsest.
        package var encoder: [Value]
        package var down: [Value]
        /// From the finest level to the coarsest but one.
        package var decoder: [Value]
        /// `[outputChannels, h, w]`: each plane's 4x4 pixels are 16 channels.
        package var head: Value
    }

    let inputChannels, outputChannels: Int
    /// Of each level, the finest first.
    let channels: [Int]
    /// Residual blocks of each level, before and after the coarser ones.
    let blocks: [Int]

    init(_ manifest: ModelManifest) {
        inputChannels = manifest.pixels.inputChannels
        outputChannels = manifest.pixels.outputChannels
        channels = manifest.channels
        blocks = manifest.blocks
    }

    /// Goes through the network from its features to its head.
    /// - Parameter convolve: what a layer makes of the value that it reads, and of one that is added to
    ///   its result: `layer(x) + added`. A value of half the size is repeated 2x2 before it is added.
    func walk<Value, Failure: Error>(
        _ features: Value,
        _ convolve: (_ layer: Layer, _ x: Value, _ added: Value?) throws(Failure) -> Value
    ) throws(Failure) -> Stages<Value> {
        /// x + conv2(relu(conv1(relu(x)))), 3x3, some times after each other.
        func residualBlocks(
            _ part: String, _ level: Int, _ x: Value
        ) throws(Failure) -> Value {
            var x = x
            let width = channels[level]
            for index in 0..<blocks[level] {
                let block = "\(part).\(level).\(index)"
                let hidden = try convolve(
                    Layer(
                        name: "\(block).conv1", inputs: width, outputs: width, kernel: .three,
                        reluBefore: true, hidden: .written(block: block)), x, nil)
                x = try convolve(
                    Layer(
                        name: "\(block).conv2", inputs: width, outputs: width, kernel: .three,
                        reluBefore: true, hidden: .read(block: block)), hidden, x)
            }
            return x
        }
        let last = channels.count - 1
        var x = try convolve(
            Layer(name: "stem", inputs: inputChannels, outputs: channels[0], kernel: .one),
            features, nil)
        let stem = x
        var (encoder, down, decoder): ([Value], [Value], [Value]) = ([], [], [])
        for level in 0...last {
            if level > 0 {
                x = try convolve(
                    Layer(
                        name: "down.\(level - 1)", inputs: channels[level - 1],
                        outputs: channels[level], kernel: .two), x, nil)
                down.append(x)
            }
            x = try residualBlocks("encoder", level, x)
            encoder.append(x)
        }
        for level in (0..<last).reversed() {
            let width = channels[level]
            let raised = try convolve(
                Layer(
                    name: "up.\(level)", inputs: channels[level + 1], outputs: width, kernel: .one),
                x, nil)
            x = try convolve(
                Layer(
                    name: "skip.\(level)", inputs: width, outputs: width, kernel: .one,
                    hasBias: false), encoder[level], raised)
            x = try residualBlocks("decoder", level, x)
            decoder.insert(x, at: 0)
        }
        let head = try convolve(
            Layer(
                name: "head", inputs: channels[0], outputs: outputChannels, kernel: .three,
                reluBefore: true, isRead: false), x, nil)
        return Stages(stem: stem, encoder: encoder, down: down, decoder: decoder, head: head)
    }

    /// In the order of computing.
    var layers: [Layer] {
        var layers: [Layer] = []
        _ = walk(()) { layer, _, _ in layers.append(layer) }
        return layers
    }
}

extension CompactTopology.Stages: Sendable where Value: Sendable {}
