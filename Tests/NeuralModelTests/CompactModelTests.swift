// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import NeuralOps
import TestSupport
import Testing

@testable import NeuralModel

@Suite struct CompactModelTests {
    @Test func readsTheDefaultModel() throws {
        let model = try CompactModel(folder: PackageFolder.defaultModel, kernelPath: .best)
        #expect(model.manifest.name == "atrium")
        #expect(model.manifest.licence == "CC0-1.0")
        #expect(model.manifest.channels == [64, 96, 128, 160])
        #expect(model.manifest.sizeMultiple == 32)
        #expect(model.manifest.pixels.inputChannels == 275)
        #expect(model.manifest.pixels.outputChannels == 112)
        // Winograd's are four times as many as the file's.
        #expect(model.weightBytes < 60_000_000)
    }

    @Test(arguments: [([24, 16], [1, 2]), ([16], [0]), ([7, 33, 100], [2, 0, 1])])
    func readsOtherWidthsAndDepths(channels: [Int], blocks: [Int]) throws {
        #expect(try ModelFolder(channels: channels, blocks: blocks).refusal() == nil)
    }

    @Test func namesAMissingTensor() throws {
        var folder = ModelFolder()
        let index = try #require(folder.tensors.firstIndex { $0.name == "down.0.bias" })
        folder.tensors.remove(at: index)
        #expect(
            try folder.refusal()
                == .tensor(
                    file: "weights.safetensors", name: "down.0.bias", expected: "shape [16]",
                    found: "no such tensor"))
    }

    @Test func namesAnUnusedTensor() throws {
        var folder = ModelFolder()
        folder.tensors.append(("skip.0.bias", [24], [Float](repeating: 0, count: 24)))
        guard case .tensor(_, "skip.0.bias", let expected, "shape [24]")? = try folder.refusal()
        else { throw Unexpected() }
        #expect(expected.contains("no such tensor"))
    }

    struct Unexpected: Error {}

    @Test func namesATensorOfAnotherShape() throws {
        var folder = ModelFolder()
        let index = try #require(folder.tensors.firstIndex { $0.name == "up.0.weight" })
        folder.tensors[index].shape = [16, 24, 1, 1]
        #expect(
            try folder.refusal()
                == .tensor(
                    file: "weights.safetensors", name: "up.0.weight",
                    expected: "shape [24, 16, 1, 1]", found: "shape [16, 24, 1, 1]"))
    }

    @Test(arguments: [Float.nan, .infinity])
    func refusesWeightsThatAreNoNumbers(value: Float) throws {
        var folder = ModelFolder()
        folder.tensors[0].values[17] = value
        guard case .tensor(_, let name, "finite numbers", _)? = try folder.refusal() else {
            throw Unexpected()
        }
        #expect(name == folder.tensors[0].name)
    }

    @Test func refusesFilesThatDifferFromWhatIsStated() throws {
        let folder = ModelFolder()
        try folder.write()
        defer { folder.remove() }
        let url = URL(fileURLWithPath: folder.path + "/weights.safetensors")
        var bytes = try Data(contentsOf: url)
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: url)
        guard
            case .fileDiffers("weights.safetensors", "its SHA-256", _, _)? =
                ModelFolder.refusal(folder.path)
        else { throw Unexpected() }
        try bytes.dropLast().write(to: url)
        #expect(
            ModelFolder.refusal(folder.path)
                == .fileDiffers(
                    file: "weights.safetensors", property: "its size in bytes",
                    expected: "\(bytes.count)", found: "\(bytes.count - 1)"))
        try FileManager.default.removeItem(at: url)
        guard case .unreadable(let file, _)? = ModelFolder.refusal(folder.path) else {
            throw Unexpected()
        }
        #expect(file.hasSuffix("weights.safetensors"))
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        #expect(
            ModelFolder.refusal(folder.path) == .unreadable(file: url.path, reason: "not a file"))
    }

    @Test func refusesABrokenContainerByName() throws {
        var folder = ModelFolder()
        folder.tensors.append(folder.tensors[0])
        guard case .container("weights.safetensors", let tensor, _, _)? = try folder.refusal()
        else { throw Unexpected() }
        #expect(tensor == folder.tensors[0].name)
    }

    @Test func aFolderWithoutModelIsNamed() {
        guard
            case .unreadable("/nonexistent/model.json", _)? =
                ModelFolder.refusal("/nonexistent")
        else {
            Issue.record("not refused")
            return
        }
    }

    @Test(arguments: [
        ("frameloom-model-1", "frameloom-model-2", "format"),
        ("\"compact\"", "\"framediffuser\"", "family"),
        ("\"name\":\"test\"", "\"name\":\"../test\"", "name"),
        ("\"licence\":\"CC0-1.0\",", "", "licence"),
        ("\"version\":\"1\"", "\"version\":1", "version"),
        ("\"name\":\"source\"", "\"name\":\"emission\"", "network.inputPlanes"),
        ("\"name\":\"sigma\"", "\"name\":\"metallic\"", "network.inputPlanes"),
        ("\"name\":\"historyGate\"", "\"name\":\"gate\"", "network.outputPlanes"),
        ("\"patch\":4", "\"patch\":8", "network.patch"),
        ("\"relu\"", "\"gelu\"", "network.activation"),
        ("catmull-rom-clamped", "bilinear", "history.resampling"),
        ("\"blocks\":[1,2]", "\"blocks\":[1]", "network.blocks"),
        ("\"channels\":[24,16]", "\"channels\":[]", "network.channels"),
        ("\"channels\":[24,16]", "\"channels\":[24,0]", "network.channels"),
        ("\"grid_xyz\":[4,3,2]", "\"grid_xyz\":[4,3]", "probes.grid_xyz"),
        ("\"ownTrust\":", "\"ownTrust\":-", "history.ownTrust"),
        ("\"depthAbsolute\":", "\"depthAbsolute\":-", "history.depthAbsolute"),
        ("log1p(z)", "log(z)", "input.depth.curve"),
        ("\"space\":\"world\"", "\"space\":\"view\"", "input.normals.space"),
        ("\"weights.safetensors\":", "\"../weights.safetensors\":", "files.../weights.safetensors"),
        ("\"weights.safetensors\":", "\"other.safetensors\":", "files"),
    ])
    func namesTheFieldThatIsWrong(old: String, new: String, field: String) throws {
        var folder = ModelFolder()
        folder.edits = [(old, new)]
        guard case .manifest("model.json", let name, _, _)? = try folder.refusal() else {
            throw Unexpected()
        }
        #expect(name == field)
    }

    @Test func refusesAManifestThatIsNoJSON() throws {
        var folder = ModelFolder()
        folder.edits = [("\"version\"", "version")]
        guard case .manifest("model.json", let field, _, _)? = try folder.refusal() else {
            throw Unexpected()
        }
        #expect(field.hasPrefix("byte "))
    }

    @Test func refusesInt8WithoutACalibration() throws {
        let folder = ModelFolder()
        try folder.write()
        defer { folder.remove() }
        #expect(throws: ModelError.precision("int8", reason: "the model has no calibration.json")) {
            try CompactModel(folder: folder.path, kernelPath: .best, precision: .int8)
        }
    }

    @Test(arguments: [
        ("{}", "format"),
        ("{\"format\":\"frameloom-calibration-1\"}", "format"),
        ("{\"format\":\"frameloom-calibration-2\"}", "values"),
        ("{\"format\":\"frameloom-calibration-2\",\"values\":{}}", "values.stem.magnitude"),
        (
            "{\"format\":\"frameloom-calibration-2\",\"values\":{\"stem\":{\"magnitude\":[1]}}}",
            "values.stem.magnitude"
        ),
    ])
    func namesTheFieldOfACalibrationThatIsWrong(text: String, field: String) throws {
        var folder = ModelFolder()
        let bytes = Array(text.utf8)
        folder.edits = [
            (
                "\"weights.safetensors\":",
                "\"calibration.json\":{\"bytes\":\(bytes.count),\"sha256\":\""
                    + (FileDigest.sha256(bytes) ?? "") + "\"},\"weights.safetensors\":"
            )
        ]
        try folder.write()
        defer { folder.remove() }
        try Data(bytes).write(to: URL(fileURLWithPath: folder.path + "/calibration.json"))
        do throws(ModelError) {
            _ = try CompactModel(folder: folder.path, kernelPath: .best, precision: .int8)
            Issue.record("not refused")
        } catch {
            guard case .manifest("calibration.json", let name, _, _) = error else { throw error }
            #expect(name == field)
        }
    }
}
