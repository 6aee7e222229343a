// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import TestSupport
import Testing

@testable import FileFormats
@testable import NeuralModel

/// The readers of a model's files, with files that are nearly right: see `Mutation`.
@Suite(.timeLimit(.minutes(60))) struct MutatedModelTests {
    private static let model = PackageFolder.goldens + "/framediffuser/model"

    /// How often something was read and how often refused; both must happen, or nothing was tried.
    private struct Tally {
        var read = 0
        var refused = 0

        mutating func count(_ body: () throws -> Void) {
            do {
                try body()
                read += 1
            } catch {
                refused += 1
            }
        }
    }

    private func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private func mutatedTexts(
        of paths: [String], seed: UInt64, _ read: (_ source: Int, _ bytes: [UInt8]) throws -> Void
    ) throws {
        let sources = try paths.map(bytes)
        var random = SeededGenerator(seed: seed)
        var tally = Tally()
        for index in 0..<Mutation.count {
            let source = index / 2 % sources.count
            let changed =
                index.isMultiple(of: 2)
                ? Mutation.of(sources[source], &random)
                : Mutation.ofText(sources[source], &random)
            tally.count { try read(source, changed) }
        }
        #expect(tally.read > 0 && tally.refused > 0)
    }

    @Test func manifests() throws {
        try mutatedTexts(
            of: [PackageFolder.defaultModel + "/model.json", Self.model + "/model.json"], seed: 5
        ) { source, changed in
            let reader = ManifestReader(root: try JSON(parsing: changed))
            if source == 0 {
                _ = try ModelManifest(reader)
            } else {
                _ = try FrameDiffuserManifest(reader)
            }
        }
    }

    @Test func configsOfParts() throws {
        let parts = ["unet", "controlnet", "vae", "tiny"].map { "\(Self.model)/\($0)/config.json" }
        try mutatedTexts(of: parts, seed: 6) { source, changed in
            let reader = ManifestReader(root: try JSON(parsing: changed))
            switch source {
            case 0, 1: _ = try UNetConfig(reader, isControlNet: source == 1)
            case 2: _ = try AutoencoderConfig(reader)
            default: _ = try TinyAutoencoderConfig(reader)
            }
        }
    }

    /// A file of a few tensors of every type, with metadata.
    private func smallFile() -> [UInt8] {
        var writer = SafetensorsWriter()
        writer.metadata = ["format": "pt"]
        writer.add("unet.conv_in.lora_A.weight", [2, 4, 1, 1], (0..<8).map(Float.init))
        writer.addBF16("unet.conv_in.lora_B.weight", [3, 2], (0..<6).map(Float.init))
        writer.add("unet.conv_in.alpha", [], [2])
        return writer.bytes()
    }

    /// Bytes of the header alone change, or its numbers: the data behind it is only numbers.
    private func mutatedHeader(
        of file: [UInt8], _ index: Int, _ random: inout SeededGenerator
    ) -> [UInt8] {
        let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = Array(file[8..<8 + length])
        let changed =
            index.isMultiple(of: 2)
            ? Mutation.of(header, &random) : Mutation.ofText(header, &random)
        // Every fourth keeps the length that it had.
        let stated = index % 4 == 3 ? length : changed.count
        return (0..<8).map { UInt8(truncatingIfNeeded: stated >> ($0 * 8)) } + changed
            + file[(8 + length)...]
    }

    @Test func safetensors() throws {
        let sources = [try bytes(Self.model + "/prompt.safetensors"), smallFile()]
        var random = SeededGenerator(seed: 7)
        var tally = Tally()
        for index in 0..<Mutation.count {
            let file = mutatedHeader(of: sources[index / 4 % 2], index, &random)
            tally.count {
                let read = try Safetensors(file)
                for tensor in read.tensors { _ = read.floats(tensor) }
            }
            // The same through the reader of large files, which knows more types.
            let length = try? Safetensors.headerLength(file.prefix(8), fileByteCount: file.count)
            guard let length else { continue }
            tally.count {
                _ = try Safetensors.header(
                    file[8..<8 + length], fileByteCount: file.count,
                    elementBytes: ["F32": 4, "F16": 2, "BF16": 2, "U8": 1])
            }
        }
        #expect(tally.read > 0 && tally.refused > 0)
    }

    @Test func adapters() throws {
        let folder = try TemporaryFolder()
        let source = smallFile()
        let path = folder.path + "/lora.safetensors"
        let target = URL(fileURLWithPath: path)
        var random = SeededGenerator(seed: 8)
        var tally = Tally()
        for index in 0..<Mutation.count {
            let file =
                index % 3 == 0
                ? Mutation.of(source, &random) : mutatedHeader(of: source, index, &random)
            try Data(file).write(to: target)
            tally.count {
                let adapter = try LowRankAdapter(file: path, layerNames: ["conv_in"])
                try adapter.check(layers: ["conv_in.weight": [3, 4, 1, 1]])
            }
        }
        #expect(tally.read > 0 && tally.refused > 0)
    }

    /// What a LoRA's metadata states is a JSON text inside of one.
    @Test func statementsOfAdapters() throws {
        let text = Array(
            #"{"unet.r":2,"unet.lora_alpha":4,"unet.alpha_pattern":{},"unet.use_dora":false}"#.utf8)
        var random = SeededGenerator(seed: 9)
        var tally = Tally()
        for index in 0..<Mutation.count {
            let changed =
                index.isMultiple(of: 2)
                ? Mutation.of(text, &random) : Mutation.ofText(text, &random)
            tally.count {
                let stated = try AdapterStatement(
                    ["lora_adapter_metadata": String(decoding: changed, as: UTF8.self)],
                    hasAlphas: false, file: "lora")
                try stated?.check(rank: 2, of: "down", file: "lora")
            }
        }
        #expect(tally.read > 0 && tally.refused > 0)
    }
}
