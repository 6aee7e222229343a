// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

extension CompactModel: ServedModel, IncrementalModel {
    var description: ModelDescription {
        ModelDescription(
            name: manifest.name, version: manifest.version, family: manifest.family,
            licence: manifest.licence, description: manifest.description,
            precision: precision.rawValue, kernelPath: kernelPath.name(at: precision),
            weightBytes: weightBytes)
    }

    var readsEmissive: Bool { pixels.settings.addsEmissive }

    func check(_ scales: ConditioningScales) throws(DenoiserError) {
        try scales.checkAbsent(family: manifest.family)
    }

    func workspaceByteCount(for size: FrameSize) -> Int {
        FramePlan(size: size, model: self).layers.byteCount
    }

    func makeWorkspace(for size: FrameSize) throws(MemoryRefusal) -> any FrameWorkspace {
        try Workspace(FramePlan(size: size, model: self), model: self)
    }

    var incremental: (any IncrementalModel)? { self }
    var timedNetwork: CompactModel? { self }

    func incrementalByteCount(for layout: GBufferLayout) -> Int {
        Workspace.incrementalByteCount(self, layout)
    }

    func makeIncrementalWorkspace(
        for layout: GBufferLayout, settings: IncrementalSettings
    ) throws(MemoryRefusal) -> any FrameWorkspace {
        try Workspace(
            FramePlan(size: layout.size, model: self, isIncremental: true), model: self,
            incremental: (layout, settings))
    }
}
