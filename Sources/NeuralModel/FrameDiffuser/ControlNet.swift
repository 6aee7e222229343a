// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// A copy of the UNet's encoder that reads the frame's planes and adds to what the UNet's own
/// encoder hands on. The planes enter through FrameDiffuser's stem: pairs of 3x3 convolutions with
/// SiLU, the second of each pair but the last at half the size.
package struct ControlNet: Sendable {
    package let config: UNetConfig
    private let stem: [DiffusionLayer]
    private let convIn: DiffusionLayer
    private let time: TimeEmbedding
    private let encoder: UNetEncoder
    private let encoderOutputs: [DiffusionLayer]
    private let middleOutput: DiffusionLayer

    package init(_ layers: DiffusionLayers, _ config: UNetConfig) throws(ModelError) {
        self.config = config
        stem = try Self.stem(layers, config)
        convIn = try layers.convolution("conv_in", config.inputChannels, config.channels[0])
        time = try TimeEmbedding(layers, config)
        encoder = try UNetEncoder(layers, config)
        var outputs: [DiffusionLayer] = []
        for (index, channels) in UNetEncoder.skipChannels(config).enumerated() {
            outputs.append(
                try layers.pointwise("controlnet_down_blocks.\(index)", channels, channels))
        }
        encoderOutputs = outputs
        let last = config.channels[config.channels.count - 1]
        middleOutput = try layers.pointwise("controlnet_mid_block", last, last)
    }

    /// Activations lie between the convolutions in the file's numbering.
    private static func stem(
        _ layers: DiffusionLayers, _ config: UNetConfig
    ) throws(ModelError) -> [DiffusionLayer] {
        let widths = config.stemChannels
        var shapes = [(config.conditioningChannels, widths[0], 1)]
        for (width, next) in zip(widths, widths.dropFirst()) {
            shapes += [(width, width, 1), (width, next, 2)]
        }
        let last = widths[widths.count - 1]
        shapes += [(last, last, 1), (last, config.channels[0], 1)]
        var result: [DiffusionLayer] = []
        for (index, (inputs, outputs, stride)) in shapes.enumerated() {
            result.append(
                try layers.convolution(
                    "controlnet_cond_embedding.\(index * 2)", inputs, outputs, stride: stride,
                    activation: index < shapes.count - 1 ? .silu : .identity))
        }
        return result
    }

    package var byteCount: Int {
        (stem + encoderOutputs + [convIn, middleOutput]).reduce(0) { $0 + $1.byteCount }
            + time.byteCount + encoder.byteCount
    }

    /// The planes at an eighth of their size: the same in every step of a frame.
    /// - Parameter planes: `[h, w, conditioningChannels]` in -1...1.
    package func condition(
        _ graph: inout TensorGraph, planes: TensorGraph.Value
    ) -> TensorGraph.Value {
        stem.reduce(planes) { $1(&graph, [$0]) }
    }

    /// - Parameters:
    ///   - latent: `[h/8, w/8, inputChannels]`, the noisy one.
    ///   - condition: what `condition` made of the planes.
    ///   - scale: `[1, 1, 1]`, multiplies all residuals.
    package func forward(
        _ graph: inout TensorGraph, latent: TensorGraph.Value, condition: TensorGraph.Value,
        inputs: DiffusionInputs, scale: TensorGraph.Value
    ) -> ControlResiduals {
        var context = DiffusionContext(graph: graph, text: inputs.text)
        context.time = time(&context, inputs.timestep)
        let entered = context.apply(convIn, latent, ProductExtras(residual: condition))
        let (skips, middle) = encoder(&context, entered)
        let extras = ProductExtras(scale: scale)
        let residuals = zip(encoderOutputs, skips).map { context.apply($0, $1, extras) }
        let result = ControlResiduals(
            encoder: residuals, middle: context.apply(middleOutput, middle, extras))
        graph = context.graph
        return result
    }
}
