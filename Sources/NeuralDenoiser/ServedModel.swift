// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

/// A model of one family, as the denoiser serves it.
///
/// A further family is a conformer, its workspace and its line in `ModelFamily.load`.
protocol ServedModel: Sendable {
    var description: ModelDescription { get }

    /// Whether it adds the emissive plane to the picture; one that does not refuses it.
    var readsEmissive: Bool { get }

    /// Whether it has the scales that a session asks for.
    func check(_ scales: ConditioningScales) throws(DenoiserError)

    /// At which sizes it can compute light; `full` is one of them.
    var qualities: [FrameQuality] { get }

    /// Memory of one workspace, planned exactly and not allocated.
    /// - Parameter quality: one of `qualities` that fits the size, here and below.
    func workspaceByteCount(for size: FrameSize, at quality: FrameQuality) -> Int
    func makeWorkspace(
        for size: FrameSize, at quality: FrameQuality
    ) throws(MemoryRefusal) -> any FrameWorkspace

    /// How it renders in part; nil: every frame whole.
    var incremental: (any IncrementalModel)? { get }

    /// The network that can be timed alone; nil where there is no such single one.
    var timedNetwork: CompactModel? { get }
}

/// A model that can render only what changed since the frame before.
protocol IncrementalModel: Sendable {
    func incrementalByteCount(for layout: GBufferLayout, at quality: FrameQuality) -> Int
    func makeIncrementalWorkspace(
        for layout: GBufferLayout, at quality: FrameQuality, settings: IncrementalSettings
    ) throws(MemoryRefusal) -> any FrameWorkspace
}

extension ModelFamily {
    /// From the model's description alone.
    static func farthestSurface(of folder: ModelSource) throws(ModelError) -> Float {
        switch folder.family {
        case .compact: try CompactModel.manifest(in: folder.path).pixels.farthestSurface
        case .framediffuser:
            try FrameDiffuserModel.manifest(in: folder.path).input.farthestSurface
        }
    }

    /// Reads, checks and prepacks the model in a folder; nothing stays mapped.
    static func load(
        _ folder: ModelSource, kernelPath: KernelPath, choosing precision: PrecisionChoice
    ) throws(ModelError) -> any ServedModel {
        switch folder.family {
        case .compact:
            try CompactModel(folder, kernelPath: kernelPath, choosing: precision)
        case .framediffuser: try FrameDiffuserModel(folder, kernelPath: kernelPath)
        }
    }
}
