// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

/// One frame of a size from planes to picture, written down before there is memory for it.
struct FramePlan: Sendable {
    let size: FrameSize
    let places: FrameKernels.Places
    let stages: CompactNetwork.Stages
    let layers: LayerPlan

    /// - Parameters:
    ///   - keepsStages: also keeps the features and every stage's values until the end, for tests.
    ///   - isIncremental: keeps every layer's values for the next frame.
    init(
        size: FrameSize, model: CompactModel, keepsStages: Bool = false,
        isIncremental: Bool = false
    ) {
        self.size = size
        let padded = size.padded(to: model.manifest.sizeMultiple)
        let cells = ActivationShape(
            height: padded.height / 4, width: padded.width / 4,
            channels: model.pixels.settings.inputChannels)

        var graph = LayerGraph(precision: model.precision)
        let history = graph.scratch(floatCount: FrameKernels.historyFloatCount(size))
        graph.advance()
        graph.use(history)
        let scale = model.network.featureScale
        let features =
            keepsStages
            ? graph.input("features", cells, scale: scale)
            : graph.bandedInput("features", cells, scale: scale)
        // Of each of a cell's 16 pixels three numbers, and a word.
        let pixelCount = cells.height * cells.width * 16
        let trustedLight = graph.scratch(floatCount: pixelCount * 3)
        let accumulates = model.pixels.settings.accumulation > 0
        let kept = accumulates ? graph.scratch(floatCount: pixelCount) : nil
        graph.advance()
        let stages = model.network.forward(&graph, features, endsInBands: !keepsStages)
        if !graph.isBanded(stages.head) { graph.read(stages.head) }
        graph.use(trustedLight)
        if let kept { graph.use(kept) }
        if keepsStages {
            for stage in [features, stages.stem] + stages.encoder + stages.down + stages.decoder {
                graph.read(stage)
            }
        }
        self.stages = stages
        layers = LayerPlan(graph, keepsValues: isIncremental)
        places = FrameKernels.Places(
            features: features, head: stages.head, trustedLight: trustedLight, history: history,
            kept: kept)
    }
}
