// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

package typealias KernelPath = NeuralOps.KernelPath
package typealias Precision = NeuralOps.Precision
package typealias ModelError = NeuralModel.ModelError

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
    package let description: ModelDescription
    let model: CompactModel

    /// Reads, checks and prepacks the model in `modelFolder`; nothing stays mapped.
    package init(
        modelFolder: String, kernelPath: KernelPath? = nil, precision: Precision = .fp32
    ) throws(ModelError) {
        model = try CompactModel(
            folder: modelFolder, kernelPath: kernelPath ?? .best, precision: precision)
        let manifest = model.manifest
        description = ModelDescription(
            name: manifest.name, version: manifest.version, family: manifest.family,
            licence: manifest.licence, description: manifest.description,
            precision: precision.rawValue,
            kernelPath: "\(model.kernelPath.rawValue)-\(precision.rawValue)",
            weightBytes: model.weightBytes)
    }

    /// Whether the model can serve frames of this layout.
    package func check(_ layout: GBufferLayout) throws(DenoiserError) {
        try layout.checkForCompact()
    }

    /// Memory of one workspace, planned exactly and not allocated. 32x32 to 4096x4096.
    package func workspaceByteCount(for size: FrameSize) -> Int {
        FramePlan(size: size, model: model).layers.byteCount
    }

    /// For the frames of any session.
    package func makeWorkspace(for size: FrameSize) -> Workspace {
        Workspace(FramePlan(size: size, model: model), model: model)
    }

    /// Memory of one incremental workspace.
    package func incrementalByteCount(for layout: GBufferLayout) -> Int {
        workspaceByteCount(for: layout.size)
    }

    /// For the frames of one session, all of this layout: keeps what it rendered, so that the next
    /// frame renders only what changed.
    package func makeIncrementalWorkspace(for layout: GBufferLayout) -> Workspace {
        makeWorkspace(for: layout.size)
    }

    /// Sets rounding, flush-to-zero and denormals-are-zero for the calling thread. Every thread that
    /// runs tiles calls it once, so that all of them give the same bytes.
    package static func prepareRenderThread() { RenderThread.prepare() }
}
