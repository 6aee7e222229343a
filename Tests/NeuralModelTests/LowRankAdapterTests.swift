// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import Foundation
import NeuralOps
import TestSupport
import Testing

@testable import NeuralModel

@Suite struct LowRankAdapterTests {
    private static let model = PackageFolder.goldens + "/framediffuser/model"

    private func adapter(_ writer: SafetensorsWriter, layers: [String]) throws -> LowRankAdapter {
        let folder = try TemporaryFolder()
        try folder.write("lora.safetensors", writer.bytes())
        return try withExtendedLifetime(folder) {
            try LowRankAdapter(file: "\(folder.path)/lora.safetensors", layerNames: layers)
        }
    }

    private func unet() throws -> PartWeights { try PartWeights(folder: "\(Self.model)/unet") }

    private func merged(_ file: String) throws -> PartWeights {
        var weights = try unet()
        try weights.merge(
            LowRankAdapter(file: "\(Self.model)/\(file)", layerNames: weights.layerNames))
        return weights
    }

    @Test func mergesAsSumsInDoubleDo() throws {
        let file = try SafetensorsFile("\(Self.model)/controllora.safetensors")
        func values(_ name: String) throws -> [Double] {
            let tensor = try #require(file.tensor(named: "unet.\(name).weight"))
            return try #require(try file.floats(tensor)).map(Double.init)
        }
        var plain = try unet()
        var weights = try merged("controllora.safetensors")
        for (layer, shape) in [
            ("down_blocks.0.resnets.0.conv1", [32, 32, 3, 3]),
            ("down_blocks.1.attentions.0.proj_in", [64, 64, 1, 1]),
            ("mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj", [512, 64]),
        ] {
            let before = try plain.take("\(layer).weight", shape: shape)
            let after = try weights.take("\(layer).weight", shape: shape)
            let (down, up) = (try values("\(layer).lora_A"), try values("\(layer).lora_B"))
            let columns = shape[1...].reduce(1, *)
            var largest = 0.0
            for output in 0..<shape[0] {
                for input in 0..<columns {
                    var sum = Double(before[output * columns + input])
                    for r in 0..<4 { sum += up[output * 4 + r] * down[r * columns + input] }
                    largest = max(largest, abs(sum - Double(after[output * columns + input])))
                }
            }
            // Values up to 2, five roundings of 2^-24 each.
            #expect(largest < 1e-6, "\(layer): \(largest)")
            #expect(after != before)
        }
        // Attention layers have no adapter.
        let attention = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"
        #expect(
            try plain.take(attention, shape: [64, 64]) == weights.take(attention, shape: [64, 64]))
    }

    @Test func widensTheFirstConvolution() throws {
        var plain = try unet()
        var weights = try merged("controllora.safetensors")
        let before = try plain.take("conv_in.weight", shape: [32, 4, 3, 3])
        let after = try weights.take("conv_in.weight", shape: [32, 8, 3, 3])
        #expect(after.count == 2 * before.count)
        #expect(after.allSatisfy { $0 != 0 })
    }

    @Test func kohyaNamesAndAlphaGiveTheSameWeights() throws {
        var ours = try merged("controllora.safetensors")
        var kohya = try merged("controllora_kohya.safetensors")
        for name in ours.names where name.hasSuffix(".weight") {
            let shape =
                name == "conv_in.weight" ? [32, 8, 3, 3] : try #require(ours.shape(of: name))
            #expect(try ours.take(name, shape: shape) == kohya.take(name, shape: shape), "\(name)")
        }
    }

    @Test func readsEveryNaming() throws {
        let layers = ["a.attn1.to_q", "a.attn1.to_out.0", "conv_in"]
        for (layer, name) in [
            ("a.attn1.to_q", "unet.a.attn1.to_q.lora_@.weight"),
            ("a.attn1.to_q", "base_model.model.a.attn1.to_q.lora_@.default.weight"),
            ("a.attn1.to_q", "unet.a.attn1.to_q.lora.@.weight"),
            ("a.attn1.to_q", "unet.a.attn1.processor.to_q_lora.@.weight"),
            ("a.attn1.to_out.0", "a.attn1.processor.to_out_lora.@.weight"),
            ("a.attn1.to_out.0", "lora_unet_a_attn1_to_out_0.lora_@.weight"),
        ] {
            var writer = SafetensorsWriter()
            let isLettered = name.contains("lora_@") && !name.hasPrefix("lora_unet")
            writer.add(
                name.replacingOccurrences(of: "@", with: isLettered ? "A" : "down"), [1, 2], [1, 2])
            writer.add(
                name.replacingOccurrences(of: "@", with: isLettered ? "B" : "up"), [2, 1], [3, 4])
            #expect(try adapter(writer, layers: layers).layers.keys.sorted() == [layer], "\(name)")
        }
    }

    /// Where diffusers writes it, beside no alpha in tensors.
    private func stating(_ text: String, alpha: Float? = nil) throws -> LowRankAdapter {
        var writer = SafetensorsWriter()
        writer.metadata = ["format": "pt", "lora_adapter_metadata": text]
        writer.add("unet.conv_in.lora_A.weight", [2, 1, 1, 1], [1, 2])
        writer.add("unet.conv_in.lora_B.weight", [1, 2], [3, 4])
        if let alpha { writer.add("unet.conv_in.alpha", [], [alpha]) }
        return try adapter(writer, layers: ["conv_in"])
    }

    @Test func alphaInTheFilesMetadataCounts() throws {
        for (text, scale) in [
            (#"{"unet.r":2,"unet.lora_alpha":4,"unet.alpha_pattern":{}}"#, Float(2)),
            (#"{"unet.lora_alpha":1,"unet.use_dora":false,"unet.target_modules":["a"]}"#, 0.5),
            (#"{"text_encoder.lora_alpha":9}"#, 1),
        ] {
            #expect(try stating(text).layers["conv_in"]?.scale == scale, "\(text)")
        }
        // Of tensors alone.
        #expect(
            try stating(#"{"transformer.lora_alpha":9}"#, alpha: 6).layers["conv_in"]?.scale == 3)
    }

    @Test func whatMetadataStatesAndNobodyComputesIsRefused() throws {
        for (text, alpha, expected) in [
            (#"{"unet.alpha_pattern":{"conv_in":8}}"#, nil, "expected no alpha_pattern, found"),
            (#"{"unet.use_rslora":true}"#, nil, "import_framediffuser.py writes it"),
            (#"{"unet.use_dora":true}"#, nil, "expected no use_dora, found true"),
            (
                #"{"unet.r":4}"#, nil,
                "expected r 2, the rank of unet.conv_in.lora_A.weight, found 4"
            ),
            (#"{"unet.lora_alpha":"4"}"#, nil, "expected a number for lora_alpha"),
            (
                #"{"unet.lora_alpha":4}"#, Float(4),
                "expected alpha once, found it here and in tensors"
            ),
            ("no JSON", nil, "expected a JSON object"),
        ] {
            do {
                _ = try stating(text, alpha: alpha)
                Issue.record("took \(text)")
            } catch {
                #expect("\(error)".contains(expected), "\(error)")
                #expect("\(error)".contains("metadata lora_adapter_metadata"), "\(error)")
            }
        }
    }

    @Test func refusesAdaptersOfAnotherModel() throws {
        var writer = SafetensorsWriter()
        writer.add("unet.other.lora_A.weight", [1, 2], [1, 2])
        writer.add("unet.other.lora_B.weight", [2, 1], [1, 2])
        #expect(throws: ModelError.self) { try adapter(writer, layers: ["conv_in"]) }

        // The layer is there, but of another size.
        for (down, up, named) in [([4, 9], [64, 4], "lora_A"), ([4, 64], [9, 4], "lora_B")] {
            writer = SafetensorsWriter()
            let layer = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
            writer.add(
                "unet.\(layer).lora_A.weight", down, [Float](repeating: 1, count: down[0] * down[1])
            )
            writer.add(
                "unet.\(layer).lora_B.weight", up, [Float](repeating: 1, count: up[0] * up[1]))
            var weights = try unet()
            let made = try adapter(writer, layers: weights.layerNames)
            do throws(ModelError) {
                try weights.merge(made)
                Issue.record("merged a LoRA of another size")
            } catch {
                #expect("\(error)".contains("\(layer).\(named)"), "\(error)")
            }
        }
    }

    @Test func refusesLonelyAndContradictingFactors() throws {
        func error(_ change: (inout SafetensorsWriter) -> Void) -> String {
            var writer = SafetensorsWriter()
            writer.add("unet.conv_in.lora_A.weight", [2, 1, 1, 1], [1, 2])
            change(&writer)
            do {
                _ = try adapter(writer, layers: ["conv_in"])
                return "none"
            } catch {
                return "\(error)"
            }
        }
        #expect(error { _ in }.contains("expected the layer's other factor too"))
        #expect(
            error { $0.add("unet.conv_in.lora_B.weight", [1, 3], [1, 2, 3]) }
                .contains("expected [outputs, 2], found shape [1, 3]"))
        #expect(
            error { $0.add("conv_in.lora_down.weight", [2, 1], [1, 2]) }
                .contains("expected the layer's factor once"))
        #expect(
            error {
                $0.add("unet.conv_in.lora_B.weight", [1, 2], [1, 2])
                $0.add("unet.conv_in.alpha", [2], [1, 2])
            }.contains("conv_in.alpha: expected one number"))
        #expect(
            error { $0.add("unet.conv_in.lora_B.weight", [1, 2], [1, .infinity]) }
                .contains("finite"))
    }
}
