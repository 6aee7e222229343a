// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import TestSupport
import Testing

@testable import NeuralModel
@testable import NeuralOps

@Suite struct HiddenChannelsTests {
    @Test func channelsThatNeverActAreLeftOut() {
        let hidden = HiddenChannels(largest: [0, 0.5, 0, 1e-9])
        #expect(hidden.kept == [1, 3] && hidden.count == 4)
        #expect(hidden.outputs(of: [10, 11, 12, 13]) == [11, 13])
        #expect(hidden.outputs(of: (0..<8).map(Float.init)) == [2, 3, 6, 7])
        // Two outputs, four inputs, two taps.
        #expect(
            hidden.inputs(of: (0..<16).map(Float.init), taps: 2) == [2, 3, 6, 7, 10, 11, 14, 15])
    }

    @Test func aBlockThatNeverActsKeepsOneChannel() {
        #expect(HiddenChannels(largest: [0, 0, 0]).kept == [0])
    }

    @Test func withoutZerosNothingIsLeftOut() {
        let all = HiddenChannels(count: 3)
        #expect(HiddenChannels(largest: [1, 0.1, 1e-6]) == all)
        #expect(all.outputs(of: [1, 2, 3]) == [1, 2, 3])
        #expect(all.inputs(of: [1, 2, 3], taps: 1) == [1, 2, 3])
    }

    /// A small model, of whose hidden channels only `active` in each block ever act, with a
    /// calibration that says so or that shows very little of the others instead.
    /// - Parameter steps: of a value's ReLU by its clips; nil: not stated.
    private func folder(
        active: Int, isSaidSo: Bool, steps: (([Float]) -> [Float])? = nil
    ) -> ModelFolder {
        var folder = ModelFolder(channels: [56, 24], blocks: [1, 2])
        for (index, tensor) in folder.tensors.enumerated()
        where tensor.name.hasSuffix("conv1.bias") {
            for channel in min(active, tensor.values.count)..<tensor.values.count {
                folder.tensors[index].values[channel] = -1000
            }
        }
        var values: [String: [String: [Float]]] = [:]
        func add(_ name: String, _ channels: Int, active: Int? = nil) {
            var random = SeededGenerator(seed: UInt64(channels))
            var clips = random.floats(channels, in: 0.5...1)
            for channel in (active ?? channels)..<channels { clips[channel] = isSaidSo ? 0 : 1e-9 }
            values[name] = ["magnitude": clips.map { max($0, 0.5) }, "relu": clips]
            if let steps { values[name]?["steps"] = steps(clips) }
        }
        for tensor in folder.tensors where tensor.name.hasSuffix(".weight") {
            let name = String(tensor.name.dropLast(".weight".count))
            let width = tensor.shape[0]
            add(name, width, active: name.hasSuffix("conv1") ? min(active, width) : nil)
        }
        folder.calibration = try? Array(
            JSONEncoder().encode(Calibration(format: "frameloom-calibration-2", values: values)))
        return folder
    }

    private struct Calibration: Encodable {
        var format: String
        var values: [String: [String: [Float]]]
    }

    private func model(_ folder: ModelFolder, _ path: KernelPath) throws -> CompactModel {
        try folder.write()
        defer { folder.remove() }
        return try CompactModel(folder: folder.path, kernelPath: path, precision: .int8)
    }

    private func head(_ model: CompactModel) throws -> [Float] {
        var random = SeededGenerator(seed: 7)
        var graph = LayerGraph(precision: .int8)
        let shape = ActivationShape(
            height: 6, width: 22, channels: model.pixels.settings.inputChannels)
        let features = graph.input("features", shape, scale: model.network.featureScale)
        graph.advance()
        let head = model.network.forward(&graph, features).head
        graph.read(head)
        let plan = LayerPlan(graph)
        let arena = Arena(byteCount: plan.byteCount)
        arena.base.update(repeating: .nan, count: plan.byteCount / 4)
        plan.fill(
            features, with: random.floats(6 * 22 * shape.channels, in: -1...1), in: arena)
        StepRunner.forwards.run(plan.steps(in: arena))
        return try #require(plan.copy(of: head, in: arena))
    }

    /// In one block of 56 channels and two of 24 on the way down, one of 56 on the way up.
    @Test(arguments: KernelPath.allCases.filter(\.isSupported), [0, 1, 5, 17, 33, 49])
    func whatIsLeftOutChangesNoBit(path: KernelPath, active: Int) throws {
        let small = try model(folder(active: active, isSaidSo: true), path)
        let whole = try model(folder(active: active, isSaidSo: false), path)
        #expect(Set(whole.network.hiddenCounts.values) == [56, 24])
        #expect(small.network.hiddenCounts["encoder.0.0"] == max(active, 1))
        #expect(small.network.hiddenCounts["encoder.1.1"] == min(max(active, 1), 24))
        #expect(small.weightBytes < whole.weightBytes)
        let expected = try head(whole)
        #expect(Set(expected).count > 100)
        #expect(try head(small) == expected)
    }

    @Test func stepsAreThoseOfTheCalibrationWhereItStatesThem() throws {
        func head(_ steps: (([Float]) -> [Float])?) throws -> [Float] {
            try self.head(model(folder(active: 56, isSaidSo: true, steps: steps), .best))
        }
        let unstated = try head(nil)
        let same = try head { clips in
            clips.map { ($0 * clips.reduce(1e-6, max)).squareRoot() / 255 }
        }
        #expect(same == unstated)
        #expect(try head { $0.map { $0 / 100 } } != unstated)
        #expect(
            throws: ModelError.manifest(
                file: "calibration.json", field: "values.stem.steps",
                expected: "numbers from 0 to 1000000", found: "-1")
        ) { try head { $0.map { _ in -1 } } }
    }

    @Test func theDefaultModelLeavesOutWhatItsCalibrationNeverSaw() throws {
        let content = try Data(
            contentsOf: URL(fileURLWithPath: PackageFolder.defaultModel + "/calibration.json"))
        let root = try #require(try JSONSerialization.jsonObject(with: content) as? [String: Any])
        let values = try #require(root["values"] as? [String: [String: [Double]]])
        var expected: [String: Int] = [:]
        for (name, ranges) in values where name.hasSuffix(".conv1") {
            let active = ranges["relu", default: []].count { $0 > 0 }
            expected[String(name.dropLast(".conv1".count))] = max(active, 1)
        }
        func counts(_ precision: Precision) throws -> [String: Int] {
            try CompactModel(
                folder: PackageFolder.defaultModel, kernelPath: .best, precision: precision
            ).network.hiddenCounts
        }
        #expect(try counts(.int8) == expected && counts(.bf16) == expected)
        let manifest = try CompactModel.manifest(in: PackageFolder.defaultModel)
        for (name, count) in try counts(.fp32) {
            let level = Int(name.split(separator: ".")[1]) ?? 0
            #expect(count == manifest.channels[level])
        }
    }
}
