// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import TestSupport
import FrameTypes
import Testing

@testable import NeuralModel
@testable import NeuralOps

@Suite struct LayerWorkTests {
    private func manifest() throws -> ModelManifest {
        try CompactModel(folder: PackageFolder.defaultModel, kernelPath: .best).manifest
    }

    @Test func countsWhatTheNetworkOfTheDefaultModelMultiplies() throws {
        let work = try manifest().layerWork(for: FrameSize(width: 512, height: 512))
        // Counted by hooks on the convolutions of `training/model.py`.
        #expect(work.reduce(0) { $0 + $1.multiplyAdds } == 3_993_763_840)
        let stem = try #require(work.first { $0.name == "stem" })
        #expect(stem.multiplyAdds == 128 * 128 * 297 * 48)
        #expect(stem.valueCount == 128 * 128 * (297 + 48))
        let down = try #require(work.first { $0.name == "down.1" })
        #expect(down.multiplyAdds == 32 * 32 * 64 * 96 * 4)
        #expect(down.valueCount == 64 * 64 * 64 + 32 * 32 * 96)
    }

    @Test func onlyTheHiddenChannelsThatAreComputedCountAsDone() throws {
        let manifest = try manifest()
        let whole = manifest.layerWork(for: FrameSize(width: 512, height: 512))
        #expect(whole.allSatisfy { $0.multiplyAddsDone == $0.multiplyAdds })
        let work = manifest.layerWork(
            for: FrameSize(width: 512, height: 512), hiddenCounts: ["encoder.1.0": 45])
        #expect(work.map(\.multiplyAdds) == whole.map(\.multiplyAdds))
        let changed = zip(work, whole).filter { $0 != $1 }.map(\.0)
        #expect(changed.map(\.name) == ["encoder.1.0.conv1", "encoder.1.0.conv2"])
        for layer in changed {
            #expect(layer.multiplyAddsDone == 64 * 64 * 64 * 45 * 9)
            #expect(layer.weightCount == 64 * 45 * 9)
        }
        #expect(changed.first?.valueCount == 64 * 64 * (64 + 45))
        #expect(changed.last?.valueCount == 64 * 64 * (45 + 64 + 64))
    }

    @Test func everyWeightOfTheFileBelongsToALayerOrIsABiasOrAProbe() throws {
        let manifest = try manifest()
        let work = manifest.layerWork(for: FrameSize(width: 64, height: 64))
        #expect(Set(work.map(\.name)).count == work.count)
        let weights = work.reduce(0) { $0 + $1.weightCount }
        // One for each output: skips have none.
        let biases = work.filter { !$0.name.hasPrefix("skip") }.reduce(0) { sum, layer in
            sum + outputs(of: layer, manifest)
        }
        let grid = manifest.pixels.probeGrid
        let probes = manifest.pixels.probeChannels * grid.x * grid.y * grid.z
        let file = try #require(manifest.files.first { $0.name == "weights.safetensors" })
        let place = try #require(manifest.pixels.placeGrid)
        let tables = place.rows.reduce(0, +) * 2
        let header = file.byteCount - 4 * (weights + biases + probes) - 2 * tables
        // The file's header names fewer than 80 tensors, each in at most 120 bytes.
        #expect((8...80 * 120).contains(header), "\(header)")
    }

    private func outputs(of layer: LayerWork, _ manifest: ModelManifest) -> Int {
        let parts = layer.name.split(separator: ".")
        if layer.name == "stem" { return manifest.channels[0] }
        if layer.name == "head" { return manifest.pixels.outputChannels }
        let level = Int(parts[1]) ?? 0
        return manifest.channels[parts[0] == "down" ? level + 1 : level]
    }

    @Test func aSizeIsPaddedAsFramesAre() throws {
        let manifest = try manifest()
        let padded = manifest.layerWork(for: FrameSize(width: 1280, height: 736))
        #expect(manifest.layerWork(for: FrameSize(width: 1280, height: 720)) == padded)
        #expect(manifest.layerWork(for: FrameSize(width: 1249, height: 705)) == padded)
    }
}
