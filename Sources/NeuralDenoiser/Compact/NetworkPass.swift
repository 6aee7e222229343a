// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

/// The network alone, from features to the head's output: what other programs that run networks can
/// be compared with.
///
/// Features are kept through a pass, so that the same ones can be passed again.
package final class NetworkPass: Sendable {
    package let steps: [RenderStep]
    /// Floats of `[channels, height, width]`.
    package let featureCount: Int
    package let headCount: Int

    private let plan: LayerPlan
    private let arena: Arena
    private let features: LayerGraph.Value
    private let head: LayerGraph.Value

    /// - Returns: nil if the model is not compact.
    package init?(_ denoiser: Denoiser, size: FrameSize) {
        guard let model = denoiser.model.timedNetwork else { return nil }
        let padded = size.padded(to: model.manifest.sizeMultiple)
        let settings = model.pixels.settings
        let cells = ActivationShape(
            height: padded.height / 4, width: padded.width / 4,
            channels: settings.inputChannels)
        featureCount = cells.height * cells.width * settings.inputChannels
        headCount = cells.height * cells.width * settings.outputChannels
        var graph = LayerGraph(precision: model.precision)
        features = graph.input("features", cells, scale: model.network.featureScale)
        graph.advance()
        head = model.network.forward(&graph, features).head
        graph.read(head)
        graph.read(features)
        plan = LayerPlan(graph)
        arena = Arena(byteCount: plan.byteCount)
        steps = plan.steps(in: arena).map { RenderStep($0, stage: .render) }
        plan.fill(features, with: [Float](repeating: 0, count: featureCount), in: arena)
    }

    /// - Parameter values: `[channels, height, width]`. Not while a pass is under way.
    package func setFeatures(_ values: [Float]) {
        precondition(values.count == featureCount, "features of another shape")
        plan.fill(features, with: values, in: arena)
    }

    /// `[channels, height, width]`, after a pass.
    package func copiedHead() -> [Float] {
        plan.copy(of: head, in: arena) ?? []
    }
}
