// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FileFormats
import NeuralOps
import TestSupport
import Testing

@testable import NeuralModel

@Suite struct CompactModelTests {
    @Test func readsTheDefaultModel() throws {
        let model = try CompactModel(folder: PackageFolder.defaultModel, kernelPath: .best)
        #expect(model.manifest.name == "atrium")
        #expect(model.manifest.licence == "CC0-1.0")
        #expect(model.manifest.channels == [48, 64, 96, 128])
        #expect(model.manifest.sizeMultiple == 32)
        #expect(model.manifest.pixels.inputChannels == 297)
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
        ("frameloom-model-1", "frameloom-model-3", "format"),
        ("\"compact\"", "\"framediffuser\"", "family"),
        ("\"name\":\"test\"", "\"name\":\"../test\"", "name"),
        ("\"licence\":\"CC0-1.0\",", "", "licence"),
        ("\"version\":\"6\"", "\"version\":1", "version"),
        ("\"version\":\"6\"", "\"version\":\"2\",\"version\":\"2\"", "version"),
        ("\"patch\":4", "\"patch\":4,\"patch\":4", "network.patch"),
        ("\"version\":\"6\"", "\"version\":\"1\\u001b[2J\"", "version"),
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

    private static let gridOfTwo = PlaceGridSettings(
        rows: [8, 16], cellSides: [0.5, 0.25], fineLevels: 1, boundsMin: SIMD3(-1, -2, -3),
        boundsMax: SIMD3(1, 2, 3), normalOffset: 0.0625)

    @Test func readsAPlaceGridStoredInEitherWidth() throws {
        var folder = ModelFolder(placeGrid: Self.gridOfTwo)
        folder.readsEmissive = true
        let model = try folder.model(.best)
        #expect(model.manifest.pixels.placeGrid == Self.gridOfTwo)
        #expect(model.manifest.pixels.inputChannels == 256 + 5 + 3 + 2 + 8)
        let plain = try ModelFolder(placeGrid: Self.gridOfTwo).model(.best)
        #expect(plain.weightBytes == model.weightBytes)
    }

    /// Every number of levels, and every share of them read finely.
    @Test func readsPlaceGridsOfFewerLevels() throws {
        for levels in 1...6 {
            for fine in 0...levels {
                var grid = Self.gridOfTwo
                grid.cellSides = (0..<levels).map { 1 / Float(1 << $0) }
                grid.rows = (0..<levels).map { 4 << $0 }
                grid.fineLevels = fine
                #expect(try ModelFolder(placeGrid: grid).refusal() == nil)
            }
        }
    }

    @Test(arguments: [
        ("\"rows\":[8,16]", "\"rows\":6", "placeGrid.rows", "a power of two"),
        ("\"rows\":[8,16]", "\"rows\":[8,12]", "placeGrid.rows", "a power of two"),
        ("\"rows\":[8,16]", "\"rows\":0", "placeGrid.rows", "a count from 1 to 4194304"),
        ("\"rows\":[8,16]", "\"rows\":8388608", "placeGrid.rows", "a count from 1 to 4194304"),
        ("\"rows\":[8,16]", "\"rows\":[8,0]", "placeGrid.rows", "counts from 1 to 4194304"),
        (
            "\"rows\":[8,16]", "\"rows\":[8,16,16]", "placeGrid.rows",
            "one number, or one for each of 2 levels"
        ),
        ("\"features\":2", "\"features\":4", "placeGrid.features", "2"),
        ("[0.5,0.25]", "[]", "placeGrid.cell_sides", "1 to 6 levels"),
        ("[0.5,0.25]", "[64,32,16,8,4,2,1]", "placeGrid.cell_sides", "1 to 6 levels"),
        ("[0.5,0.25]", "[0.5,0.2]", "placeGrid.cell_sides", "each level half of the one before"),
        ("[0.5,0.25]", "[0.25,0.5]", "placeGrid.cell_sides", "each level half of the one before"),
        ("[0.5,0.25]", "[-0.5,-0.25]", "placeGrid.cell_sides", "sides of more than 0.000001 m"),
        ("[0.5,0.25]", "[0.5,\"a\"]", "placeGrid.cell_sides", "numbers"),
        ("\"fine_levels\":1", "\"fine_levels\":3", "placeGrid.fine_levels", "a count from 0 to 2"),
        ("[-1,-2,-3]", "[-1,2,-3]", "placeGrid.bounds_max", "more than bounds_min"),
        (
            "[-1,-2,-3]", "[-1,-2,-1000000]", "placeGrid.bounds_max",
            "at most 1048576 cells of 0.25 m along a side"
        ),
        ("[-1,-2,-3]", "[-1,-2]", "placeGrid.bounds_min", "three numbers"),
        (
            "\"normal_offset\":0.0625", "\"normal_offset\":true", "placeGrid.normal_offset",
            "a number"
        ),
    ])
    func namesWhatIsWrongWithAPlaceGrid(
        old: String, new: String, field: String, expected: String
    ) throws {
        var folder = ModelFolder(placeGrid: Self.gridOfTwo)
        folder.edits = [(old, new)]
        guard case .manifest("model.json", field, expected, _)? = try folder.refusal() else {
            throw Unexpected()
        }
    }

    @Test func refusesPlaceTablesThatAreMissingOrOfAnotherShape() throws {
        var folder = ModelFolder(placeGrid: Self.gridOfTwo)
        let last = folder.tensors.count - 1
        folder.tensors[last].shape = [32, 1]
        #expect(
            try folder.refusal()
                == .tensor(
                    file: "weights.safetensors", name: "place.1", expected: "shape [16, 2]",
                    found: "shape [32, 1]"))
        folder.tensors.removeLast()
        #expect(
            try folder.refusal()
                == .tensor(
                    file: "weights.safetensors", name: "place.1", expected: "shape [16, 2]",
                    found: "no such tensor"))
        // A grid of fewer levels leaves a table over; one of none has no channels for them.
        folder = ModelFolder(placeGrid: Self.gridOfTwo)
        folder.edits = [("[0.5,0.25]", "[0.5]"), ("[8,16]", "[8]")]
        guard case .tensor(_, "stem.weight", _, _)? = try folder.refusal() else {
            throw Unexpected()
        }
        folder.placeGrid = nil
        folder.edits = []
        guard case .tensor(_, "stem.weight", _, _)? = try folder.refusal() else {
            throw Unexpected()
        }
    }

    @Test(arguments: [Float.nan, .infinity, -70_000])
    func refusesPlaceTablesThatAreNoNumbers(value: Float) throws {
        for place in [0, 31] {
            var folder = ModelFolder(placeGrid: Self.gridOfTwo)
            folder.tensors[folder.tensors.count - 1].values[place] = value
            #expect(
                try folder.refusal()
                    == .tensor(
                        file: "weights.safetensors", name: "place.1",
                        expected: "finite numbers within +-65504",
                        found: "NaN, infinity or more"))
        }
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
