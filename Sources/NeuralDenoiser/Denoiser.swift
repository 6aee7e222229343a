// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

package typealias KernelPath = NeuralOps.KernelPath
package typealias Precision = NeuralOps.Precision
package typealias ModelError = NeuralModel.ModelError
package typealias ModelFolders = NeuralModel.ModelFolders

/// What a session is told about the model that serves it.
package struct ModelDescription: Sendable, Hashable {
    package var name, version, family, licence, description: String
    /// "fp32", "bf16" or "int8".
    package var precision: String
    /// Instructions and precision, e.g. "avx512-fp32" or "avx512vnni-int8".
    package var kernelPath: String
    /// Why this precision.
    package var precisionReason = PrecisionReason.stated
    /// Memory that the prepacked weights take.
    package var weightBytes: Int
}

extension ModelDescription {
    fileprivate func with(_ reason: PrecisionReason) -> ModelDescription {
        var description = self
        description.precisionReason = reason
        return description
    }
}

/// One loaded model: frame and history in, picture out.
package final class Denoiser: Sendable {
    package let description: ModelDescription
    /// What was met while the precision was chosen, for the log at debug level.
    package let notes: [PrecisionMeter.Note]
    let model: any ServedModel

    /// Reads, checks and prepacks the model in `modelFolder`; nothing stays mapped.
    /// - Parameter precision: of a compact model; the others state theirs in model.json.
    package convenience init(
        modelFolder: String, kernelPath: KernelPath? = nil, precision: Precision = .fp32
    ) throws(ModelError) {
        try self.init(
            modelFolder: modelFolder, kernelPath: kernelPath, choosing: .exactly(precision))
    }

    /// At the precision that was asked for, or at the fastest that the model's own figures allow.
    /// - Parameter meter: finds out which that is; nil: the processor's instructions tell.
    package init(
        modelFolder: String, kernelPath: KernelPath?, choosing precision: PrecisionChoice,
        measuring meter: PrecisionMeter? = nil
    ) throws(ModelError) {
        let source = try ModelSource(modelFolder)
        var reason = PrecisionReason.stated
        if source.family == .compact, precision == .automatic {
            if let meter {
                let (compact, found, notes) = try meter.load(
                    source, kernelPath: kernelPath ?? .best)
                model = compact
                self.notes = notes
                description = compact.description.with(found)
                return
            }
            reason = .assumed("not timed")
        }
        model = try ModelFamily.load(
            source, kernelPath: kernelPath ?? .best, choosing: precision)
        notes = []
        description = model.description.with(reason)
    }

    /// Whether the model can serve frames of this layout.
    package func check(_ layout: GBufferLayout) throws(DenoiserError) {
        try layout.checkPlanes()
        if layout.has(.emissive), !readsEmissive {
            throw .unreadPlane(.emissive, model: description.name)
        }
    }

    /// Whether the model adds the emissive plane to the picture; one that does not refuses it.
    package var readsEmissive: Bool { model.readsEmissive }

    /// Metres: what lies at or beyond is sky, whatever a client states.
    package static func farthestSurface(ofModelIn folder: String) throws(ModelError) -> Float {
        try ModelFamily.farthestSurface(of: ModelSource(folder))
    }

    /// Whether the model has the scales that a session asks for.
    package func check(_ scales: ConditioningScales) throws(DenoiserError) {
        try model.check(scales)
    }

    /// At which sizes the model can compute light, the best first.
    package var qualities: [FrameQuality] { model.qualities }

    /// Whether frames of a size can be rendered at a level.
    package func check(_ quality: FrameQuality, for size: FrameSize) throws(DenoiserError) {
        guard qualities.contains(quality) else {
            throw .noQuality(quality, family: description.family)
        }
        guard quality.fits(size) else { throw .qualitySize(quality, size) }
    }

    /// Memory of one workspace, planned exactly and not allocated. Of any supported size.
    /// - Parameter quality: that was checked, here and below.
    package func workspaceByteCount(
        for size: FrameSize, at quality: FrameQuality = .full
    ) -> Int {
        model.workspaceByteCount(for: size, at: quality)
    }

    /// For the frames of any session.
    /// - Throws: where the system refuses the memory.
    package func makeWorkspace(
        for size: FrameSize, at quality: FrameQuality = .full
    ) throws(MemoryRefusal) -> any FrameWorkspace {
        try model.makeWorkspace(for: size, at: quality)
    }

    /// Whether frames can be rendered in part.
    package var canRenderPartly: Bool { model.incremental != nil }

    /// Memory of one incremental workspace.
    package func incrementalByteCount(
        for layout: GBufferLayout, at quality: FrameQuality = .full
    ) -> Int {
        model.incremental?.incrementalByteCount(for: layout, at: quality)
            ?? workspaceByteCount(for: layout.size, at: quality)
    }

    /// For the frames of one session, all of this layout: keeps what it rendered, so that the next
    /// frame renders only what changed. Models that cannot render every frame whole.
    package func makeIncrementalWorkspace(
        for layout: GBufferLayout, at quality: FrameQuality = .full,
        settings: IncrementalSettings = IncrementalSettings()
    ) throws(MemoryRefusal) -> any FrameWorkspace {
        guard let incremental = model.incremental else {
            return try makeWorkspace(for: layout.size, at: quality)
        }
        return try incremental.makeIncrementalWorkspace(
            for: layout, at: quality, settings: settings)
    }

    /// Sets rounding, flush-to-zero and denormals-are-zero for the calling thread. Every thread that
    /// runs tiles calls it once, so that all of them give the same bytes.
    package static func prepareRenderThread() { RenderThread.prepare() }
}
