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
    /// Memory that the prepacked weights take.
    package var weightBytes: Int
}

/// One loaded model: frame and history in, picture out.
package final class Denoiser: Sendable {
    /// A model of one of the families.
    private enum Model: Sendable {
        case compact(CompactModel)
        case frameDiffuser(FrameDiffuserModel)
    }

    package let description: ModelDescription
    private let model: Model

    /// Reads, checks and prepacks the model in `modelFolder`; nothing stays mapped.
    /// - Parameter precision: of a compact model; the others state theirs in model.json.
    package init(
        modelFolder: String, kernelPath: KernelPath? = nil, precision: Precision = .fp32
    ) throws(ModelError) {
        let path = kernelPath ?? .best
        switch try ModelFamily(folder: modelFolder) {
        case .compact:
            let model = try CompactModel(
                folder: modelFolder, kernelPath: path, precision: precision)
            self.model = .compact(model)
            description = ModelDescription(model, precision: precision)
        case .framediffuser:
            let model = try FrameDiffuserModel(folder: modelFolder, kernelPath: path)
            self.model = .frameDiffuser(model)
            description = ModelDescription(model)
        }
    }

    /// nil where the model is of another family.
    var compact: CompactModel? {
        if case .compact(let compact) = model { compact } else { nil }
    }

    /// Whether the model can serve frames of this layout.
    package func check(_ layout: GBufferLayout) throws(DenoiserError) {
        try layout.checkPlanes()
        if layout.has(.emissive), !readsEmissive {
            throw .unreadPlane(.emissive, model: description.name)
        }
    }

    /// Whether the model adds the emissive plane to the picture; one that does not refuses it.
    package var readsEmissive: Bool {
        switch model {
        case .compact(let model): model.manifest.pixels.addsEmissive
        case .frameDiffuser: false
        }
    }

    /// Whether the model has the scales that a session asks for.
    package func check(_ scales: ConditioningScales) throws(DenoiserError) {
        switch model {
        case .compact(let model): try scales.checkAbsent(family: model.manifest.family)
        case .frameDiffuser(let model): try ConditioningUse(model).check(scales)
        }
    }

    /// Memory of one workspace, planned exactly and not allocated. 32x32 to 4096x4096.
    package func workspaceByteCount(for size: FrameSize) -> Int {
        switch model {
        case .compact(let model): FramePlan(size: size, model: model).layers.byteCount
        case .frameDiffuser(let model): DiffusionWorkspace.byteCount(size: size, model: model)
        }
    }

    /// For the frames of any session.
    package func makeWorkspace(for size: FrameSize) -> any FrameWorkspace {
        switch model {
        case .compact(let model): Workspace(FramePlan(size: size, model: model), model: model)
        case .frameDiffuser(let model): DiffusionWorkspace(size: size, model: model)
        }
    }

    /// Whether frames can be rendered in part.
    package var canRenderPartly: Bool {
        switch model {
        case .compact: true
        case .frameDiffuser: false
        }
    }

    /// Memory of one incremental workspace.
    package func incrementalByteCount(for layout: GBufferLayout) -> Int {
        switch model {
        case .compact(let model):
            Workspace.incrementalByteCount(model, layout)
        case .frameDiffuser: workspaceByteCount(for: layout.size)
        }
    }

    /// For the frames of one session, all of this layout: keeps what it rendered, so that the next
    /// frame renders only what changed. Diffusion renders every frame whole.
    package func makeIncrementalWorkspace(
        for layout: GBufferLayout, settings: IncrementalSettings = IncrementalSettings()
    ) -> any FrameWorkspace {
        switch model {
        case .compact(let model):
            Workspace(
                FramePlan(size: layout.size, model: model, isIncremental: true), model: model,
                incremental: (layout, settings))
        case .frameDiffuser: makeWorkspace(for: layout.size)
        }
    }

    /// Sets rounding, flush-to-zero and denormals-are-zero for the calling thread. Every thread that
    /// runs tiles calls it once, so that all of them give the same bytes.
    package static func prepareRenderThread() { RenderThread.prepare() }
}

extension ModelDescription {
    fileprivate init(_ model: CompactModel, precision: Precision) {
        let manifest = model.manifest
        self.init(
            name: manifest.name, version: manifest.version, family: manifest.family,
            licence: manifest.licence, description: manifest.description,
            precision: precision.rawValue,
            kernelPath: model.kernelPath.name(at: precision),
            weightBytes: model.weightBytes)
    }

    fileprivate init(_ model: FrameDiffuserModel) {
        let manifest = model.manifest
        self.init(
            name: manifest.name, version: manifest.version,
            family: ModelFamily.framediffuser.rawValue, licence: manifest.licence,
            description: manifest.description,
            precision: manifest.precision.rawValue,
            kernelPath: model.kernelPath.name(at: manifest.precision),
            weightBytes: model.weightBytes)
    }
}
