// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import TestSupport
import Testing

@testable import NeuralOps

@Suite struct WinogradTests {
    /// Of the largest sum of magnitudes. In fp32 the largest error of some hundred layers was 7.4 units
    /// of 2^-24, with few cins as with many; a wrong coefficient or place gives thousands.
    ///
    /// Where transformed values and weights are rounded to bf16, each by at most 2^-8 of itself, those errors
    /// have random signs and are what counts: the largest was 9.3 units of 2^-8 / sqrt(cins). Two cins
    /// that change places give 85 or more.
    private func tolerance(_ loops: Loops, cins: Int) -> Double {
        loops.path.winogradLoops(loops.arithmetic, choice: loops.choice)?.table.pointee.numbers == 2
            ? 16 * 0x1p-8 / Double(cins).squareRoot() : 16 * 0x1p-24
    }

    /// As a convolution of this arithmetic reads a value.
    private func read(_ value: Float, _ loops: Loops) -> Float {
        loops.arithmetic == .bf16 ? TypedJudge.bf16(value) : value
    }

    /// Inputs of a graph have no border: they are copied first.
    private func copied(
        _ graph: inout LayerGraph, _ shape: ActivationShape, _ path: KernelPath
    ) -> (input: LayerGraph.Value, copy: LayerGraph.Value) {
        let count = shape.channels
        let identity = Convolution(
            name: "copy", weight: (0..<count * count).map { $0 % (count + 1) == 0 ? 1 : 0 },
            bias: nil, inputChannels: count, outputChannels: count, kernel: .one, kernelPath: path)
        let input = graph.input("in", shape)
        return (input, graph.convolve(identity, input))
    }

    private func judged(
        _ loops: Loops, _ kernel: Convolution.Kernel, _ inputs: Int, _ outputs: Int,
        _ random: inout SeededGenerator
    ) -> JudgedConvolution {
        JudgedConvolution(
            kernel, inputs, outputs, path: loops.path, arithmetic: loops.arithmetic,
            isWinograd: kernel == .three, choice: loops.choice, &random)
    }

    @Test(arguments: Loops.winograd)
    func everySizeGivesThePlainSums(loops: Loops) {
        var random = SeededGenerator()
        for trial in 0..<40 {
            let inputs = trial % 8 == 0 ? 160 : Int.random(in: 1...40, using: &random)
            let outputs = Int.random(in: 1...70, using: &random)
            let shape = ActivationShape(
                height: Int.random(in: 1...13, using: &random),
                width: Int.random(in: 1...18, using: &random), channels: inputs)
            let values = random.floats(inputs * shape.height * shape.width, in: -1...1)
                .map { read($0, loops) }
            let judged = judged(loops, .three, inputs, outputs, &random)
            var graph = LayerGraph()
            let (input, copy) = copied(&graph, shape, loops.path)
            let output = graph.convolve(judged.convolution, copy)
            let found = graph.run([(input, values)], [output])[0]
            let error = judged.errorOfLargest(
                of: found, from: Volume(shape: shape, values: values.map(Double.init)),
                shape: graph.shape(of: output))
            #expect(
                error <= tolerance(loops, cins: inputs),
                "seed \(random.seed): \(shape) to \(outputs): \(error)")
        }
    }

    /// Borders, ReLUs and both kinds of residual, each after a Winograd layer and before one.
    @Test(arguments: Loops.winograd)
    func blocksOfLayersGiveThePlainSums(loops: Loops) {
        var random = SeededGenerator()
        for _ in 0..<12 {
            let (inputs, outputs) = (
                Int.random(in: 1...40, using: &random), Int.random(in: 1...70, using: &random)
            )
            let shape = ActivationShape(
                height: Int.random(in: 1...7, using: &random) * 2,
                width: Int.random(in: 1...9, using: &random) * 2, channels: inputs)
            let values = random.floats(inputs * shape.height * shape.width, in: -1...1)
                .map { read($0, loops) }
            let first = judged(loops, .three, inputs, outputs, &random)
            let second = judged(loops, .three, outputs, outputs, &random)
            let down = judged(loops, .two, outputs, outputs, &random)
            let third = judged(loops, .three, outputs, outputs, &random)
            var graph = LayerGraph(precision: loops.arithmetic == .bf16 ? .bf16 : .fp32)
            let (input, copy) = copied(&graph, shape, loops.path)
            let a = graph.convolve(first.convolution, copy)
            let b = graph.convolve(second.convolution, a, relu: true, adding: a)
            let c = graph.convolve(down.convolution, b)
            let d = graph.convolve(third.convolution, b, relu: true, adding: c)
            let found = graph.run([(input, values)], [a, b, c, d])
            func volume(_ index: Int, _ value: LayerGraph.Value, relu: Bool = false) -> Volume {
                Volume(
                    shape: graph.shape(of: value),
                    values: found[index].map {
                        relu ? max(Double(read($0, loops)), 0) : Double(read($0, loops))
                    })
            }
            let errors = [
                first.errorOfLargest(
                    of: found[0], from: Volume(shape: shape, values: values.map(Double.init)),
                    shape: graph.shape(of: a)) / tolerance(loops, cins: inputs),
                second.errorOfLargest(
                    of: found[1], from: volume(0, a, relu: true), shape: graph.shape(of: b),
                    residual: volume(0, a)) / tolerance(loops, cins: outputs),
                third.errorOfLargest(
                    of: found[3], from: volume(1, b, relu: true), shape: graph.shape(of: d),
                    residual: volume(2, c)) / tolerance(loops, cins: outputs),
            ]
            #expect(
                errors.allSatisfy { $0 <= 1 },
                "seed \(random.seed): \(shape) \(errors)")
        }
    }

    /// Wide and flat, narrow and deep: cut by rows, and by couts.
    @Test(arguments: Loops.winograd, [(62, 41, 33, 48), (9, 11, 40, 150)])
    func tilesInAnyOrderGiveTheSameBytes(
        loops: Loops, shape: (height: Int, width: Int, inputs: Int, outputs: Int)
    ) {
        var random = SeededGenerator()
        let size = ActivationShape(
            height: shape.height, width: shape.width, channels: shape.inputs)
        let values = random.floats(shape.inputs * shape.height * shape.width, in: -1...1)
        let first = judged(loops, .three, shape.inputs, shape.outputs, &random)
        let second = judged(loops, .three, shape.outputs, shape.inputs, &random)
        var graph = LayerGraph()
        let (input, copy) = copied(&graph, size, loops.path)
        let a = graph.convolve(first.convolution, copy)
        let b = graph.convolve(second.convolution, a, relu: true)
        let plan = LayerPlan(graph)
        let steps = plan.steps(in: Arena(byteCount: plan.byteCount))
        #expect(steps.allSatisfy { $0.name == "copy" || $0.tileCount > 2 })
        let expected = graph.run([(input, values)], [b])
        for runner in StepRunner.allCases {
            #expect(graph.run([(input, values)], [b], by: runner) == expected, "\(runner)")
        }
    }
}

extension Loops {
    /// Those with Winograd's loops beside them.
    static let winograd = supported.filter {
        $0.path.winogradLoops($0.arithmetic, choice: $0.choice) != nil
    }
}
