// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// The compact denoiser's network: levels down and up again, from a quarter of the picture's size.
package struct CompactNetwork: Sendable {
    package typealias Stages = CompactTopology.Stages<LayerGraph.Value>

    private let topology: CompactTopology
    /// By name: all of the topology's.
    private let layers: [String: Convolution]
    package let precision: Precision
    /// What the features' integers mean, where they are read as such.
    package let featureScale: ValueScale?

    /// Takes every layer's weights by its name.
    /// - Parameters:
    ///   - calibration: needed at int8; tells bf16 too which channels never act.
    ///   - featureScale: the same for the features.
    init(
        _ weights: inout Weights, manifest: ModelManifest, kernelPath: KernelPath,
        precision: Precision, calibration: Calibration?, featureScale: ValueScale?
    ) throws(ModelError) {
        topology = CompactTopology(manifest)
        self.precision = precision
        self.featureScale = featureScale
        var reader = LayerReader(
            weights: weights, kernelPath: kernelPath, precision: precision,
            calibration: calibration)
        var layers: [String: Convolution] = [:]
        // What is handed on are the integers of each value.
        _ = try topology.walk(featureScale) {
            (layer, scale, _) throws(ModelError) -> ValueScale? in
            let convolution = try reader.convolution(layer, reading: scale)
            layers[layer.name] = convolution
            return convolution.outputScale
        }
        self.layers = layers
        weights = reader.weights
    }

    /// - Parameters:
    ///   - features: `[inputChannels, h, w]`; h and w are multiples of 2^(levels - 1).
    ///   - endsInBands: whoever reads the head's output reads it band by band, where that can be.
    package func forward(
        _ graph: inout LayerGraph, _ features: LayerGraph.Value, endsInBands: Bool = false
    ) -> Stages {
        topology.walk(features) { layer, x, added in
            let convolution = convolution(layer)
            return graph.convolve(
                convolution, x, relu: layer.reluBefore, adding: added,
                inBands: endsInBands && !layer.isRead && !convolution.isWinograd)
        }
    }

    private func convolution(_ layer: CompactTopology.Layer) -> Convolution {
        guard let convolution = layers[layer.name] else {
            preconditionFailure("\(layer.name) was made with all others")
        }
        return convolution
    }

    /// Channels inside each residual block, by the block's name: at int8 and bf16 those that ever
    /// act, see `HiddenChannels`.
    package var hiddenCounts: [String: Int] {
        var counts: [String: Int] = [:]
        for layer in topology.layers {
            guard case .written(let block) = layer.hidden else { continue }
            counts[block] = convolution(layer).outputChannels
        }
        return counts
    }

    package var weightBytes: Int { layers.values.reduce(0) { $0 + $1.byteCount } }
}

/// Builds layers from the tensors under their names.
private struct LayerReader {
    var weights: Weights
    let kernelPath: KernelPath
    let precision: Precision
    let calibration: Calibration?

    /// - Parameter inputScale: what the integers of its input mean.
    mutating func convolution(
        _ layer: CompactTopology.Layer, reading inputScale: ValueScale?
    ) throws(ModelError) -> Convolution {
        let side = layer.kernel.rawValue
        var (inputs, outputs) = (layer.inputs, layer.outputs)
        var weight = try weights.take(
            "\(layer.name).weight", shape: [outputs, inputs, side, side])
        var bias = layer.hasBias ? try weights.take("\(layer.name).bias", shape: [outputs]) : nil
        var written: HiddenChannels?
        switch layer.hidden {
        case .none: break
        case .written(let block):
            let hidden = try hiddenChannels(of: block, count: outputs)
            weight = hidden.outputs(of: weight)
            bias = bias.map(hidden.outputs)
            outputs = hidden.kept.count
            written = hidden
        case .read(let block):
            let hidden = try hiddenChannels(of: block, count: inputs)
            weight = hidden.inputs(of: weight, taps: side * side)
            inputs = hidden.kept.count
        }
        return Convolution(
            name: layer.name, weight: weight, bias: bias, inputChannels: inputs,
            outputChannels: outputs, kernel: layer.kernel, kernelPath: kernelPath,
            arithmetic: arithmetic(layer.kernel), inputScale: inputScale,
            outputScale: layer.isRead
                ? try calibration?.scale(
                    of: layer.name, channels: layer.outputs, hidden: written) : nil)
    }

    private func hiddenChannels(
        of block: String, count: Int
    ) throws(ModelError) -> HiddenChannels {
        try calibration?.hiddenChannels(of: "\(block).conv1", channels: count)
            ?? HiddenChannels(count: count)
    }

    /// 3x3 convolutions read what is not negative and do nearly all of the work.
    private func arithmetic(_ kernel: Convolution.Kernel) -> Arithmetic {
        switch precision {
        case .fp32: .fp32
        case .bf16: .bf16
        case .int8: kernel == .three ? .int8 : .int16
        }
    }
}
