// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// What model.json of the framediffuser family says: words, file sums, where the published parts
/// lie, how frames are read and drawn.
package struct FrameDiffuserManifest: Sendable, Equatable {
    package enum Coder: String, Sendable, CaseIterable {
        /// Stable Diffusion's VAE, and the tiny autoencoder in its place.
        case full = "AutoencoderKL"
        case tiny = "AutoencoderTiny"
    }

    package var name, version, description, licence, source: String
    package var files: [ModelManifest.File]
    package var input: DiffusionInputSettings
    package var sampling: SamplingSettings
    package var precision: WeightPrecision
    package var coder: Coder
    /// Names inside the model folder.
    package var unet, controlNet, vae, prompt: String
    /// nil: the UNet does not read the previous picture.
    package var adapter: String?
    /// Strength of the ControlNet, and of the adapter that reads the previous picture.
    package var controlScale: Float
    package var adapterScale: Float
    /// Whether each session may ask for its own scale of the adapter.
    package var hasAdapterScalePerSession: Bool

    /// Optional; absent: false.
    package static let perSessionField = "scales.loraPerSession"

    init(_ reader: ManifestReader) throws(ModelError) {
        try reader.require("format", ["frameloom-model-1"])
        try reader.require("family", [ModelFamily.framediffuser.rawValue])
        name = try reader.modelName()
        version = try reader.string("version")
        description = try reader.string("description")
        licence = try reader.string("licence")
        source = try reader.string("source")
        files = try reader.files { Self.isPlace($0) }
        input = try DiffusionInputSettings(reader)
        sampling = try SamplingSettings(reader)
        precision = try reader.choice("weights.precision", WeightPrecision.self)
        coder = try reader.choice("parts.coder", Coder.self)
        unet = try Self.place("parts.unet", reader)
        controlNet = try Self.place("parts.controlnet", reader)
        vae = try Self.place("parts.vae", reader)
        prompt = try Self.place("parts.prompt", reader)
        adapter = reader.has("parts.lora") ? try Self.place("parts.lora", reader) : nil
        controlScale = try reader.number("scales.controlnet")
        adapterScale = try reader.number("scales.lora")
        hasAdapterScalePerSession =
            reader.has(Self.perSessionField) ? try reader.flag(Self.perSessionField) : false
        try reader.require("output.picture", ["srgb"])
    }

    private static func place(_ field: String, _ reader: ManifestReader) throws(ModelError)
        -> String
    {
        let name = try reader.string(field)
        guard isPlace(name) else {
            throw reader.refuse(field, "a name inside the model's folder", "\"\(name.prefix(64))\"")
        }
        return name
    }

    /// "unet/config.json", but nothing that leads out of the folder.
    private static func isPlace(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") }
    }
}

extension DiffusionInputSettings {
    init(_ reader: ManifestReader) throws(ModelError) {
        try reader.require("input.baseColor", ["srgb"])
        try reader.require("input.normals.space", ["world"])
        try reader.require("input.roughness", ["linear"])
        try reader.require("input.metallic", ["linear"])
        try reader.require("input.depth.kind", ["planar"])
        try reader.require("input.depth.unit", ["metre"])
        let field = "input.normals.axes"
        let names = ["x", "y", "z", "-x", "-y", "-z"]
        let axes = try reader.strings(field, names).map { name in
            let index = names.firstIndex(of: name) ?? 0
            return Axis(index: index % 3, isNegative: index >= 3)
        }
        guard Set(axes.map(\.index)).count == 3, axes.count == 3 else {
            throw reader.refuse(
                field, "x, y and z in some order, each with or without -",
                try reader.value(field).summary)
        }
        self.init(
            depthCurve: try reader.choice("input.depth.curve", DepthCurve.self),
            depthWhite: try reader.positive("input.depth.white"),
            depthSky: try reader.count("input.depth.sky", 0...255), normalAxes: axes,
            skyBelow: try reader.count("input.sky.below", 0...256),
            skyIsFinal: try reader.choice("input.sky.picture", SkyPainter.self) == .known)
    }

    /// Who paints the picture's sky where the known plane has one.
    private enum SkyPainter: String, CaseIterable {
        case network, known
    }
}
