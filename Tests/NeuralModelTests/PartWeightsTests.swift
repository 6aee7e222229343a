// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import Foundation
import NeuralOps
import TestSupport
import Testing

@testable import NeuralModel

@Suite struct PartWeightsTests {
    private static let model = PackageFolder.goldens + "/framediffuser/model"
    private let file = "diffusion_pytorch_model.safetensors"

    private func refusal(_ body: () throws(ModelError) -> Void) -> ModelError? {
        do throws(ModelError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    private func folder(_ bytes: [UInt8]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(file, bytes)
        return folder
    }

    /// Open: the folder may go.
    private func weights(_ writer: SafetensorsWriter) throws -> PartWeights {
        let folder = try folder(writer.bytes())
        return try withExtendedLifetime(folder) { try PartWeights(folder: folder.path) }
    }

    private func twoTensors() -> SafetensorsWriter {
        var writer = SafetensorsWriter()
        writer.add("a.weight", [2, 3], [1, 2, 3, 4, 5, 6])
        writer.add("b.weight", [2], [7, 8])
        return writer
    }

    @Test func readsEveryTensorOfThePublishedLayouts() throws {
        // Shards in halves, one file of bfloat16, one of floats.
        for part in ["unet", "controlnet", "vae", "tiny"] {
            var weights = try PartWeights(folder: "\(Self.model)/\(part)")
            #expect(weights.names.count > 30, "\(part): \(weights.names.count)")
            for name in weights.names {
                let shape = try #require(weights.shape(of: name))
                let values = try weights.take(name, shape: shape)
                #expect(values.count == shape.reduce(1, *), "\(name)")
            }
            try weights.checkAllTaken()
        }
    }

    @Test func widensHalvesExactly() throws {
        // Every finite half, written as 16 bits.
        let halves = (0..<UInt16.max).filter { $0 & 0x7C00 != 0x7C00 }
        var writer = SafetensorsWriter()
        writer.entries.append(
            .init(
                name: "h", type: "F16", shape: [halves.count],
                bytes: halves.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }))
        var weights = try self.weights(writer)
        let values = try weights.take("h", shape: [halves.count])
        for (half, value) in zip(halves, values) {
            let exponent = Int(half >> 10 & 31)
            let fraction = Double(half & 1023)
            let size =
                exponent == 0
                ? fraction * 0x1p-24 : (1 + fraction / 1024) * exp2(Double(exponent - 15))
            let expected = half >> 15 == 1 ? -size : size
            guard Double(value) == expected else {
                Issue.record("\(half): \(value), expected \(expected)")
                return
            }
        }
    }

    @Test func widensBFloat16Exactly() throws {
        var random = SeededGenerator()
        let values = (0..<999).map { _ in
            Float(bitPattern: Float.random(in: -9...9, using: &random).bitPattern & 0xFFFF_0000)
        }
        var writer = SafetensorsWriter()
        writer.addBF16("h", [999], values)
        var weights = try self.weights(writer)
        #expect(try weights.take("h", shape: [999]) == values)
    }

    @Test func namesMissingUnusedAndWronglyShapedTensors() throws {
        let folder = try folder(twoTensors().bytes())
        var weights = try PartWeights(folder: folder.path)
        let path = "\(folder.path)/\(file)"
        #expect(
            refusal { () throws(ModelError) in _ = try weights.take("c.weight", shape: [1]) }
                == .tensor(
                    file: folder.path, name: "c.weight", expected: "shape [1]",
                    found: "no such tensor"))
        #expect(
            refusal { () throws(ModelError) in _ = try weights.take("a.weight", shape: [3, 2]) }
                == .tensor(
                    file: path, name: "a.weight", expected: "shape [3, 2]", found: "shape [2, 3]"))
        _ = try weights.take("a.weight", shape: [2, 3])
        #expect(
            refusal { () throws(ModelError) in try weights.checkAllTaken() }
                == .tensor(
                    file: path, name: "b.weight", expected: "no such tensor in this network",
                    found: "shape [2]"))
    }

    @Test func refusesBrokenFilesByName() throws {
        let writer = twoTensors()
        let whole = writer.bytes()
        let broken: [(String, [UInt8], String)] = [
            ("truncated", Array(whole.dropLast(3)), "within 0 and 29"),
            ("past the end", writer.bytes { $0 == 1 ? $1.lowerBound..<99 : $1 }, "within 0 and 32"),
            ("overlapping", writer.bytes { $0 == 1 ? 16..<24 : $1 }, "data that starts at 24"),
            ("header", Array(whole.prefix(20)), "a header of at most 12 bytes"),
            ("empty", [], "at least 8 bytes"),
        ]
        for (what, bytes, expected) in broken {
            let folder = try folder(bytes)
            let error = refusal { () throws(ModelError) in _ = try PartWeights(folder: folder.path)
            }
            guard case .container(let path, _, let said, _) = error else {
                Issue.record("\(what): \(String(describing: error))")
                continue
            }
            #expect(path == "\(folder.path)/\(file)" && said.contains(expected), "\(what): \(said)")
        }
    }

    @Test func refusesTypesThatAreNoNumbers() throws {
        var writer = SafetensorsWriter()
        writer.entries.append(
            .init(name: "a", type: "I64", shape: [1], bytes: [UInt8](repeating: 0, count: 8)))
        var weights = try self.weights(writer)
        let error = refusal { () throws(ModelError) in _ = try weights.take("a", shape: [1]) }
        #expect("\(try #require(error))".hasSuffix("expected dtype F32, F16 or BF16, found I64"))
        writer = SafetensorsWriter()
        writer.add("a", [2], [1, .nan])
        weights = try self.weights(writer)
        let nan = refusal { () throws(ModelError) in _ = try weights.take("a", shape: [2]) }
        #expect("\(try #require(nan))".hasSuffix("expected finite numbers, found NaN or infinity"))
    }

    @Test func aFileTruncatedAfterOpeningIsAnError() throws {
        let folder = try folder(twoTensors().bytes())
        let path = "\(folder.path)/\(file)"
        var weights = try PartWeights(folder: folder.path)
        #expect(truncate(path, off_t(twoTensors().bytes().count - 12)) == 0)
        let error = refusal { () throws(ModelError) in
            _ = try weights.take("a.weight", shape: [2, 3])
        }
        guard case .container(path, "a.weight", let expected, let found) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(expected.hasPrefix("bytes up to") && found.hasPrefix("the file ends at"))
    }

    @Test func refusesIndexThatLeadsElsewhere() throws {
        let folder = try TemporaryFolder()
        let index = "diffusion_pytorch_model.safetensors.index.json"
        try folder.write("x-1.safetensors", twoTensors().bytes())
        var other = SafetensorsWriter()
        other.add("c", [1], [1])
        try folder.write("x-2.safetensors", other.bytes())
        func error(_ text: String) throws -> String {
            try folder.write(index, text)
            let error = refusal { () throws(ModelError) in _ = try PartWeights(folder: folder.path)
            }
            return error.map { "\($0)" } ?? "none"
        }
        #expect(
            try error(#"{"weight_map":{"a.weight":"x-1.safetensors","c":"x-2.safetensors"}}"#)
                == "none")
        #expect(
            try error(#"{"weight_map":{"a.weight":"../x-1.safetensors"}}"#)
                .contains("weight_map.a.weight: expected a safetensors file of the same folder"))
        #expect(
            try error(#"{"weight_map":{"d":"x-1.safetensors","c":"x-2.safetensors"}}"#)
                .contains("x-1.safetensors: tensor d: expected the tensor that"))
        #expect(
            try error(#"{"weight_map":{"d":"x-3.safetensors"}}"#).contains("No such file"))
        #expect(try error(#"{"map":{}}"#).contains("weight_map: expected a value, found nothing"))
    }

    @Test func readsOldNamesOfAttentionLayers() throws {
        var writer = SafetensorsWriter()
        writer.add("encoder.mid_block.attentions.0.query.weight", [1, 1], [5])
        writer.add("encoder.mid_block.attentions.0.proj_attn.bias", [1], [6])
        var weights = try self.weights(writer)
        let attention = "encoder.mid_block.attentions.0"
        #expect(try weights.take("\(attention).to_q.weight", shape: [1, 1]) == [5])
        #expect(try weights.take("\(attention).to_out.0.bias", shape: [1]) == [6])
    }
}
