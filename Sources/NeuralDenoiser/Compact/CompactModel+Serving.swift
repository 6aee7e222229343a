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

    var qualities: [FrameQuality] { FrameQuality.allCases }

    func workspaceByteCount(for size: FrameSize, at quality: FrameQuality) -> Int {
        let light = quality.light(of: size)
        return FramePlan(size: light, model: self).layers.byteCount
            + LevelWorkspace.addedByteCount(self, size, quality)
    }

    func makeWorkspace(
        for size: FrameSize, at quality: FrameQuality
    ) throws(MemoryRefusal) -> any FrameWorkspace {
        guard quality != .full else {
            return try Workspace(FramePlan(size: size, model: self), model: self)
        }
        return try LevelWorkspace(size, at: quality, model: self)
    }

    var incremental: (any IncrementalModel)? { self }
    var timedNetwork: CompactModel? { self }

    func incrementalByteCount(for layout: GBufferLayout, at quality: FrameQuality) -> Int {
        guard quality != .full else { return Workspace.incrementalByteCount(self, layout) }
        return Workspace.incrementalByteCount(self, LevelKernels.reduced(layout, at: quality))
            + LevelWorkspace.addedByteCount(self, layout.size, quality)
    }

    func makeIncrementalWorkspace(
        for layout: GBufferLayout, at quality: FrameQuality, settings: IncrementalSettings
    ) throws(MemoryRefusal) -> any FrameWorkspace {
        guard quality == .full else {
            return try LevelWorkspace(
                layout.size, at: quality, model: self, incremental: (layout, settings))
        }
        return try Workspace(
            FramePlan(size: layout.size, model: self, isIncremental: true), model: self,
            incremental: (layout, settings))
    }
}
