// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import TestSupport
import Testing

@testable import NeuralModel
@testable import NeuralOps

@Suite struct HiddenChannelsTests {
    @Test func onlyZerosAreLeftOut() {
        #expect(HiddenChannels(largest: [0, 1e-9, 0, 3]).kept == [1, 3])
        #expect(HiddenChannels(largest: [1, 2]) == HiddenChannels(count: 2))
        // A convolution has at least one channel.
        #expect(HiddenChannels(largest: [0, 0, 0]).kept == [0])
    }

    @Test func theShippedModelLeavesOutWhatItsCalibrationNeverSawAct() throws {
        let url = URL(filePath: PackageFolder.defaultModel).appending(path: "calibration.json")
        let root = try JSONSerialization.jsonObject(with: try Data(contentsOf: url))
        let values = try #require((root as? [String: Any])?["values"] as? [String: [String: Any]])
        for precision in Precision.allCases {
            let model = try CompactModel(
                folder: PackageFolder.defaultModel, kernelPath: .best, precision: precision)
            let counts = model.network.hiddenCounts
            #expect(counts.count == 12)
            for (block, count) in counts {
                let largest = try #require(values["\(block).conv1"]?["relu"] as? [Double])
                let active = largest.count { $0 > 0 }
                #expect(count == (precision == .fp32 ? largest.count : active), "\(block)")
            }
            let work = model.manifest.layerWork(width: 512, height: 512, hiddenCounts: counts)
            #expect(work.reduce(0) { $0 + $1.multiplyAdds } == 8_259_633_152)
            let done = work.reduce(0) { $0 + $1.multiplyAddsDone }
            #expect(precision == .fp32 ? done == 8_259_633_152 : done < 5_500_000_000)
        }
    }

    /// Of a block whose other channels are far below zero everywhere, in numbers of hidden channels
    /// that fill no vector, one, and some and a bit.
    @Test(arguments: supportedPaths, [1, 5, 17, 33, 48, 49])
    func aBlockWithoutThemIsTheWholeBlock(path: KernelPath, active: Int) throws {
        var random = SeededGenerator()
        let width = 64
        let shape = ActivationShape(height: 9, width: 14, channels: width)
        let kept = Set((0..<width).shuffled(using: &random).prefix(active))
        let scale = 1 / Float(width * 9).squareRoot()
        let weights = (0..<2).map { _ in random.floats(width * width * 9, in: -scale...scale) }
        var bias = random.floats(width, in: -0.1...0.1)
        for channel in 0..<width where !kept.contains(channel) { bias[channel] = -1000 }
        let input = random.floats(width * 9 * 14, in: -1...1)
        // Gives what it is given, as a layer before the block.
        let stem = Convolution(
            name: "stem", weight: (0..<width * width).map { $0 % (width + 1) == 0 ? 1 : 0 },
            bias: nil, inputChannels: width, outputChannels: width, kernel: .one, kernelPath: path)
        let hidden = HiddenChannels(largest: (0..<width).map { kept.contains($0) ? 1 : 0 })
        let outputs = [HiddenChannels(count: width), hidden].map { hidden in
            let block = CompactNetwork.ResidualBlock(
                conv1: Convolution(
                    name: "conv1", weight: hidden.outputs(of: weights[0]),
                    bias: hidden.outputs(of: bias), inputChannels: width,
                    outputChannels: hidden.kept.count, kernel: .three, kernelPath: path),
                conv2: Convolution(
                    name: "conv2", weight: hidden.inputs(of: weights[1], taps: 9), bias: nil,
                    inputChannels: hidden.kept.count, outputChannels: width, kernel: .three,
                    kernelPath: path))
            var graph = LayerGraph()
            let given = graph.input("in", shape)
            let x = graph.convolve(stem, given)
            let y = block(&graph, x)
            graph.read(given)
            graph.read(y)
            let plan = LayerPlan(graph)
            let arena = Arena(byteCount: plan.byteCount)
            plan.fill(given, with: input, in: arena)
            StepRunner.forwards.run(plan.steps(in: arena))
            return plan.copy(of: y, in: arena) ?? []
        }
        #expect(outputs[0].count == input.count && outputs[1].count == input.count)
        // Winograd's sums of other numbers of channels differ in the last bits: values are near 1.
        let worst = zip(outputs[0], outputs[1]).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(worst <= 1e-4, "seed \(random.seed): \(worst)")
        // The block did something.
        #expect(zip(outputs[0], input).contains { abs($0 - $1) > 0.01 })
    }
}
