// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import Foundation
import NeuralOps
import TestSupport
import Testing

@testable import NeuralModel

/// The goldens' model in a folder of its own: links to its files, to be replaced by broken ones.
private struct SmallModel {
    static let source = PackageFolder.goldens + "/framediffuser/model"

    let folder: TemporaryFolder
    private var manifest: String

    init() throws {
        folder = try TemporaryFolder()
        manifest = try String(contentsOfFile: "\(Self.source)/model.json", encoding: .utf8)
        let manager = FileManager.default
        for name in ["unet", "controlnet", "vae", "tiny"] {
            try manager.createDirectory(
                atPath: "\(folder.path)/\(name)", withIntermediateDirectories: false)
        }
        for name in try manager.subpathsOfDirectory(atPath: Self.source) {
            guard name.contains("."), name != "model.json", !name.hasPrefix("scheduler") else {
                continue
            }
            try manager.createSymbolicLink(
                atPath: "\(folder.path)/\(name)", withDestinationPath: "\(Self.source)/\(name)")
        }
        try write()
    }

    /// A change of model.json.
    mutating func edit(_ old: String, _ new: String) throws {
        #expect(manifest.contains(old))
        manifest = manifest.replacingOccurrences(of: old, with: new)
        try write()
    }

    func bytes(_ name: String) throws -> [UInt8] {
        try FileBytes.read("\(Self.source)/\(name)", limit: 1 << 24)
    }

    /// Another file in its place, with its sums in model.json if they are to fit.
    mutating func replace(_ name: String, _ bytes: [UInt8], fits: Bool = true) throws {
        let old = try self.bytes(name)
        try FileManager.default.removeItem(atPath: "\(folder.path)/\(name)")
        try folder.write(name, bytes)
        guard fits else { return }
        try edit(
            try #require(FileDigest.sha256(old)), try #require(FileDigest.sha256(bytes)))
        try edit("\"bytes\": \(old.count)", "\"bytes\": \(bytes.count)")
    }

    private func write() throws { try folder.write("model.json", manifest) }

    func load() throws -> FrameDiffuserModel {
        try FrameDiffuserModel(ModelSource(folder.path), kernelPath: .best)
    }

    func refusal() -> String {
        do {
            _ = try load()
            return "loaded"
        } catch {
            return "\(error)"
        }
    }
}

@Suite struct FrameDiffuserModelTests {
    private let shard = "unet/diffusion_pytorch_model-00001-of-00003.safetensors"

    @Test func readsThePublishedLayout() throws {
        let model = try SmallModel().load()
        #expect(model.manifest.name == "small" && model.manifest.licence == "CC0-1.0")
        #expect(model.readsPrevious && !model.hasAdapterScale)
        #expect(model.sizeMultiple == 32 && model.reduction == 8)
        #expect(model.prompt.shape == ActivationShape(height: 1, width: 77, channels: 40))
        // Weights of 1.5 M (UNet), 0.7 M (ControlNet), 0.3 M (VAE) in fp32.
        #expect((8_000_000...16_000_000).contains(model.weightBytes), "\(model.weightBytes)")
        #expect(try ModelSource(SmallModel.source).family == .framediffuser)
    }

    @Test func readsEveryVariantOfTheFolder() throws {
        var model = try SmallModel()
        try model.edit("\"precision\": \"fp32\"", "\"precision\": \"bf16\"")
        #expect(try model.load().weightBytes < 8_000_000)
        try model.edit("\"lora\": 1.0", "\"lora\": 0.5")
        #expect(try model.load().hasAdapterScale)
        try model.edit("\"lora\": 0.5", "\"lora\": 1.0, \"loraPerSession\": true")
        #expect(try model.load().hasAdapterScale)
        // Without the previous picture.
        try model.edit("\"lora\": \"controllora.safetensors\",", "")
        #expect(try !model.load().readsPrevious)

        var tiny = try SmallModel()
        try tiny.edit("\"vae\": \"vae\"", "\"vae\": \"tiny\"")
        try tiny.edit("AutoencoderKL", "AutoencoderTiny")
        #expect(tiny.refusal().contains("files: expected tiny/"))
    }

    @Test func namesFilesThatDifferFromWhatIsStated() throws {
        var model = try SmallModel()
        var bytes = try model.bytes(shard)
        try model.replace(shard, Array(bytes.dropLast(9)), fits: false)
        #expect(model.refusal().hasSuffix("model.json states \(bytes.count)"))
        #expect(model.refusal().contains("\(shard): its size in bytes is \(bytes.count - 9)"))
        bytes[bytes.count - 1] ^= 1
        model = try SmallModel()
        try model.replace(shard, bytes, fits: false)
        #expect(model.refusal().contains("\(shard): its SHA-256 is"))
    }

    @Test func namesTensorsOfBrokenFiles() throws {
        var model = try SmallModel()
        try model.replace(shard, Array(try model.bytes(shard).dropLast(10)))
        #expect(model.refusal().contains("\(shard): tensor "))
        #expect(model.refusal().contains("expected data_offsets within 0 and"))

        model = try SmallModel()
        let prompt = "prompt.safetensors"
        var writer = SafetensorsWriter()
        writer.add("embedding", [77, 41], [Float](repeating: 0, count: 77 * 41))
        try model.replace(prompt, writer.bytes())
        #expect(
            model.refusal().hasSuffix(
                "\(prompt): tensor embedding: expected shape [tokens, 40], found shape [77, 41]"))
    }

    @Test(arguments: [
        ("unet/config.json", "\"layers_per_block\"", "\"_layers\"", "layers_per_block"),
        ("unet/config.json", "\"layers_per_block\"", "\"layers_per_blok\"", "layers_per_blok"),
        (
            "unet/config.json", "\"center_input_sample\": false", "\"center_input_sample\": true",
            "center_input_sample"
        ),
        ("unet/config.json", "\"act_fn\": \"silu\"", "\"act_fn\": \"gelu\"", "act_fn"),
        ("controlnet/config.json", "\"norm_eps\"", "\"_eps\"", "norm_eps"),
        ("vae/config.json", "\"norm_num_groups\"", "\"_groups\"", "norm_num_groups"),
    ])
    func namesMissingAndUnknownConfigKeys(
        file: String, old: String, new: String, key: String
    ) throws {
        var model = try SmallModel()
        let text = String(decoding: try model.bytes(file), as: UTF8.self)
        #expect(text.contains(old))
        try model.replace(file, Array(text.replacingOccurrences(of: old, with: new).utf8))
        #expect(model.refusal().contains("\(file): \(key): expected"), "\(model.refusal())")
    }

    @Test func namesWhatDoesNotBelongTogether() throws {
        var model = try SmallModel()
        var writer = SafetensorsWriter()
        writer.add("unet.down_blocks.7.conv.lora_A.weight", [1, 2], [1, 2])
        writer.add("unet.down_blocks.7.conv.lora_B.weight", [2, 1], [1, 2])
        try model.replace("controllora.safetensors", writer.bytes())
        #expect(
            model.refusal().contains(
                "controllora.safetensors: tensor unet.down_blocks.7.conv.lora_A.weight: expected"))

        model = try SmallModel()
        try model.replace(
            "controlnet/config.json",
            Array(
                String(decoding: try model.bytes("controlnet/config.json"), as: UTF8.self)
                    .replacingOccurrences(
                        of: "\"gbuffer_channels\": 10", with: "\"gbuffer_channels\": 9"
                    ).utf8))
        #expect(
            model.refusal().contains("controlnet_cond_embedding.0.weight: expected shape [8, 9"),
            "\(model.refusal())")
    }

    @Test(arguments: [
        ("\"sampler\": \"unipc\"", "\"sampler\": \"euler\"", "sampling.sampler"),
        ("\"spacing\": \"linspace\"", "\"spacing\": \"distilled\"", "sampling.spacing"),
        ("\"steps\": 10", "\"steps\": 0", "sampling.steps"),
        ("\"betaEnd\": 0.012", "\"betaEnd\": 0.0001", "sampling.noise.betaEnd"),
        ("\"prediction\": \"epsilon\"", "\"prediction\": \"flow\"", "sampling.prediction"),
        ("\"curve\": \"linear\"", "\"curve\": \"cubic\"", "input.depth.curve"),
        ("\"white\": 255.0", "\"white\": 0", "input.depth.white"),
        ("\"x\",", "\"y\",", "input.normals.axes"),
        ("\"picture\": \"network\"", "\"picture\": \"nobody\"", "input.sky.picture"),
        ("\"unet\": \"unet\"", "\"unet\": \"../unet\"", "parts.unet"),
        ("\"prompt.safetensors\": {", "\"x.safetensors\": {", "x.safetensors"),
        ("\"coder\": \"AutoencoderKL\"", "\"coder\": \"Autoencoder\"", "parts.coder"),
        ("\"lora\": 1.0", "\"lora\": 1.0, \"loraPerSession\": 1", "scales.loraPerSession"),
        ("\"licence\"", "\"license\"", "licence"),
        ("\"name\": \"small\"", "\"name\": \"Small one\"", "name"),
    ])
    func namesTheFieldOfTheManifest(old: String, new: String, field: String) throws {
        var model = try SmallModel()
        try model.edit(old, new)
        let said = model.refusal()
        #expect(said != "loaded" && said.contains(field), "\(said)")
    }
}
