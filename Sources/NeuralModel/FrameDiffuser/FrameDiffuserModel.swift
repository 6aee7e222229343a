// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps

/// Pictures to latents and back.
package enum PictureCoder: Sendable {
    case full(AutoencoderEncoder, AutoencoderDecoder)
    case tiny(TinyEncoder, TinyDecoder)

    /// - Parameter picture: `[h, w, 3]` in -1...1.
    /// - Returns: `[h/8, w/8, latentChannels]`, scaled as the UNet wants it.
    package func encode(
        _ graph: inout TensorGraph, _ picture: TensorGraph.Value
    ) -> TensorGraph.Value {
        switch self {
        case .full(let encoder, _): encoder.forward(&graph, picture: picture)
        case .tiny(let encoder, _): encoder.forward(&graph, picture: picture)
        }
    }

    package func decode(
        _ graph: inout TensorGraph, _ latent: TensorGraph.Value
    ) -> TensorGraph.Value {
        switch self {
        case .full(_, let decoder): decoder.forward(&graph, latent: latent)
        case .tiny(_, let decoder): decoder.forward(&graph, latent: latent)
        }
    }

    var byteCount: Int {
        switch self {
        case .full(let encoder, let decoder): encoder.byteCount + decoder.byteCount
        case .tiny(let encoder, let decoder): encoder.byteCount + decoder.byteCount
        }
    }

    /// How many times smaller a latent is.
    var reduction: Int {
        switch self {
        case .full(let encoder, _): 1 << (encoder.config.channels.count - 1)
        case .tiny(let encoder, _): 1 << (encoder.config.encoderBlocks.count - 1)
        }
    }

    var latentChannels: Int {
        switch self {
        case .full(let encoder, _): encoder.config.latentChannels
        case .tiny(let encoder, _): encoder.config.latentChannels
        }
    }
}

/// A model of the framediffuser family read from its published files: Stable Diffusion's UNet with
/// the ControlLoRA on the previous picture's latent, the ControlNet on ten planes, the VAE, and the
/// prompt's embedding.
package struct FrameDiffuserModel: Sendable {
    package let manifest: FrameDiffuserManifest

    /// Only what the model's own description says.
    package static func manifest(in folder: String) throws(ModelError) -> FrameDiffuserManifest {
        try FrameDiffuserManifest(ModelSource(folder).manifest)
    }

    package let unet: UNet
    package let controlNet: ControlNet
    package let coder: PictureCoder
    /// `[1, tokens, channels]`.
    package let prompt: TensorBuffer
    package let kernelPath: KernelPath
    /// Whether the adapter's scale may be other than 1: its factors are kept apart then.
    package let hasAdapterScale: Bool
    /// Whether the UNet reads the previous picture's latent.
    package let readsPrevious: Bool

    /// Checks size and SHA-256 of every file, then reads tensor by tensor: beside the packed weights
    /// only one tensor and the adapter are in memory.
    package init(_ folder: ModelSource, kernelPath: KernelPath) throws(ModelError) {
        if let reason = kernelPath.refusal {
            throw .kernelPath(kernelPath.rawValue, reason: reason)
        }
        let manifest = try FrameDiffuserManifest(folder.manifest)
        let parts = FolderReader(folder: folder.path, manifest: manifest)
        try parts.checkFiles()
        hasAdapterScale =
            manifest.adapter != nil
            && (manifest.adapterScale != 1 || manifest.hasAdapterScalePerSession)
        (unet, readsPrevious) = try parts.unet(keepsFactors: hasAdapterScale)
        controlNet = try parts.controlNet()
        coder = try parts.coder()
        prompt = try parts.prompt(channels: unet.config.textChannels)
        self.manifest = manifest
        self.kernelPath = kernelPath
        try checkAgreement(parts)
    }

    package var weightBytes: Int {
        unet.byteCount + controlNet.byteCount + coder.byteCount + prompt.count * 4
    }

    /// A frame is padded to a multiple of this many pixels, so that every level halves evenly.
    package var sizeMultiple: Int { reduction << (unet.config.channels.count - 1) }

    /// Pixels of the picture for one of the latent, along a side.
    package var reduction: Int { coder.reduction }
    package var latentChannels: Int { unet.config.outputChannels }

    /// The parts come from different files: what one hands to another must be of the same size.
    private func checkAgreement(_ parts: FolderReader) throws(ModelError) {
        func check(_ part: String, _ key: String, _ expected: Int, _ found: Int) throws(ModelError)
        {
            guard expected == found else {
                throw .manifest(
                    file: "\(parts.path(part))/config.json", field: key, expected: "\(expected)",
                    found: "\(found)")
            }
        }
        let (u, c) = (unet.config, controlNet.config)
        try check(manifest.unet, "in_channels", u.outputChannels, u.inputChannels)
        try check(manifest.vae, "latent_channels", u.outputChannels, coder.latentChannels)
        try check(manifest.controlNet, "in_channels", u.inputChannels, c.inputChannels)
        try check(manifest.controlNet, "cross_attention_dim", u.textChannels, c.textChannels)
        try check(manifest.controlNet, "layers_per_block", u.blocksPerLevel, c.blocksPerLevel)
        try check(
            manifest.controlNet, "gbuffer_channels", DiffusionFrame.planeCount,
            c.conditioningChannels)
        try check(
            manifest.controlNet, "conditioning_embedding_out_channels", reduction,
            1 << (c.stemChannels.count - 1))
        guard u.channels == c.channels else {
            throw .manifest(
                file: "\(parts.path(manifest.controlNet))/config.json", field: "block_out_channels",
                expected: "\(u.channels)", found: "\(c.channels)")
        }
    }
}

/// Reads the parts of one model's folder.
private struct FolderReader {
    let folder: String
    let manifest: FrameDiffuserManifest

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func checkFiles() throws(ModelError) {
        for file in manifest.files {
            let path = path(file.name)
            let found = FileBytes.byteCount(of: path)
            guard let found else { throw .unreadable(file: path, reason: "no such file") }
            guard found == file.byteCount else {
                throw .fileDiffers(
                    file: path, property: "its size in bytes", expected: "\(file.byteCount)",
                    found: "\(found)")
            }
            let sum: String
            do {
                sum = try FileDigest.sha256(path: path) ?? "not computable"
            } catch {
                throw .unreadable(file: path, reason: error.reason)
            }
            guard sum == file.sha256 else {
                throw .fileDiffers(
                    file: path, property: "its SHA-256", expected: file.sha256, found: sum)
            }
        }
    }

    /// - Parameter keepsFactors: leaves the adapter's factors beside the weights.
    func unet(keepsFactors: Bool) throws(ModelError) -> (UNet, readsPrevious: Bool) {
        let config = try UNetConfig(config(of: manifest.unet), isControlNet: false)
        let part = try part(manifest.unet)
        var adapter: LowRankAdapter?
        if let name = manifest.adapter {
            try checkListed(name)
            let read = try LowRankAdapter(
                file: path(name), layerNames: part.weights.layerNames)
            try keepsFactors ? part.weights.check(read) : part.weights.merge(read)
            adapter = read
        }
        let inputs = adapter?.widenedInputs ?? config.inputChannels
        guard inputs == config.inputChannels || inputs == 2 * config.inputChannels else {
            throw .tensor(
                file: path(manifest.adapter ?? manifest.unet), name: "conv_in",
                expected: "\(2 * config.inputChannels) input channels", found: "\(inputs)")
        }
        let layers = DiffusionLayers(
            part, precision: manifest.precision, adapter: keepsFactors ? adapter : nil)
        let unet = try UNet(layers, config, inputChannels: inputs)
        try part.weights.checkAllTaken()
        return (unet, inputs > config.inputChannels)
    }

    func controlNet() throws(ModelError) -> ControlNet {
        let config = try UNetConfig(config(of: manifest.controlNet), isControlNet: true)
        let part = try part(manifest.controlNet)
        let controlNet = try ControlNet(
            DiffusionLayers(part, precision: manifest.precision), config)
        try part.weights.checkAllTaken()
        return controlNet
    }

    func coder() throws(ModelError) -> PictureCoder {
        let part = try part(manifest.vae)
        let layers = DiffusionLayers(part, precision: manifest.precision)
        let reader = try config(of: manifest.vae)
        let coder: PictureCoder
        switch manifest.coder {
        case .full:
            let config = try AutoencoderConfig(reader)
            coder = .full(
                try AutoencoderEncoder(layers, config),
                try AutoencoderDecoder(layers, config))
        case .tiny:
            let config = try TinyAutoencoderConfig(reader)
            coder = .tiny(
                try TinyEncoder(layers, config), try TinyDecoder(layers, config))
        }
        try part.weights.checkAllTaken()
        return coder
    }

    func prompt(channels: Int) throws(ModelError) -> TensorBuffer {
        try checkListed(manifest.prompt)
        let path = path(manifest.prompt)
        var weights = try PartWeights(
            folder: path, files: [(path, try PartWeights.open(path))])
        guard let shape = weights.shape(of: "embedding"), shape.count == 2, shape[0] > 0,
            shape[1] == channels
        else {
            throw .tensor(
                file: path, name: "embedding", expected: "shape [tokens, \(channels)]",
                found: weights.shape(of: "embedding").map { "shape \($0)" } ?? "no such tensor")
        }
        let values = try weights.take("embedding", shape: shape)
        try weights.checkAllTaken()
        let wanted = ActivationShape(height: 1, width: shape[0], channels: channels)
        guard let buffer = try? TensorBuffer(reserving: wanted) else {
            throw .tensor(
                file: path, name: "embedding", expected: "a size that the system has memory for",
                found: "shape \(shape)")
        }
        buffer.fill(values)
        return buffer
    }

    private func config(of part: String) throws(ModelError) -> ManifestReader {
        try checkListed("\(part)/config.json")
        return try ManifestReader(file: "\(path(part))/config.json")
    }

    private func part(_ name: String) throws(ModelError) -> PartReader {
        for file in try PartWeights.fileNames(in: path(name)) { try checkListed("\(name)/\(file)") }
        return PartReader(try PartWeights(folder: path(name)))
    }

    /// What was not checked is not read.
    private func checkListed(_ name: String) throws(ModelError) {
        guard manifest.files.contains(where: { $0.name == name }) else {
            throw .manifest(
                file: path(ModelManifest.fileName), field: "files", expected: "\(name) among them",
                found: "no such file")
        }
    }
}
