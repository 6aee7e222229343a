// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import TestSupport
import Testing

@testable import NeuralOps

@Suite struct WinogradTests {
    /// Units of 2^-24 of the largest sum of magnitudes. The largest of some hundred layers was 7.4,
    /// with few cins as with many; a wrong coefficient or place gives thousands.
    private let tolerance = 16.0

    private func run(
        _ graph: LayerGraph, _ inputs: [(LayerGraph.Value, [Float])],
        _ results: [LayerGraph.Value], by runner: StepRunner = .forwards
    ) -> [[Float]] {
        var graph = graph
        for (input, _) in inputs { graph.read(input) }
        for result in results { graph.read(result) }
        let plan = LayerPlan(graph)
        let arena = Arena(byteCount: plan.byteCount)
        arena.base.update(repeating: .nan, count: plan.byteCount / 4)
        for (input, values) in inputs { plan.fill(input, with: values, in: arena) }
        runner.run(plan.steps(in: arena))
        return results.map { plan.copy(of: $0, in: arena) ?? [] }
    }

    @Test(arguments: supportedPaths)
    func everySizeGivesThePlainSums(path: KernelPath) {
        var random = SeededGenerator()
        for trial in 0..<40 {
            let inputs = trial % 8 == 0 ? 160 : Int.random(in: 1...40, using: &random)
            let outputs = Int.random(in: 1...70, using: &random)
            let shape = ActivationShape(
                height: Int.random(in: 1...13, using: &random),
                width: Int.random(in: 1...18, using: &random), channels: inputs)
            let values = random.floats(inputs * shape.height * shape.width, in: -1...1)
            let judged = JudgedConvolution(
                .three, inputs, outputs, path: path, isWinograd: true, &random)
            var graph = LayerGraph()
            let input = graph.input("in", shape)
            let output = graph.convolve(judged.convolution, input)
            let found = run(graph, [(input, values)], [output])[0]
            let error = judged.errorOfLargest(
                of: found, from: Volume(shape: shape, values: values.map(Double.init)),
                shape: graph.shape(of: output))
            #expect(error <= tolerance, "seed \(random.seed): \(shape) to \(outputs): \(error)")
        }
    }

    /// Borders, ReLUs and both kinds of residual, each after a Winograd layer and before one.
    @Test(arguments: supportedPaths)
    func blocksOfLayersGiveThePlainSums(path: KernelPath) {
        var random = SeededGenerator()
        for _ in 0..<12 {
            let (inputs, outputs) = (
                Int.random(in: 1...40, using: &random), Int.random(in: 1...70, using: &random)
            )
            let shape = ActivationShape(
                height: Int.random(in: 1...7, using: &random) * 2,
                width: Int.random(in: 1...9, using: &random) * 2, channels: inputs)
            let values = random.floats(inputs * shape.height * shape.width, in: -1...1)
            let first = JudgedConvolution(
                .three, inputs, outputs, path: path, isWinograd: true, &random)
            let second = JudgedConvolution(
                .three, outputs, outputs, path: path, isWinograd: true, &random)
            let down = JudgedConvolution(.two, outputs, outputs, path: path, &random)
            let third = JudgedConvolution(
                .three, outputs, outputs, path: path, isWinograd: true, &random)
            var graph = LayerGraph()
            let input = graph.input("in", shape)
            let a = graph.convolve(first.convolution, input)
            let b = graph.convolve(second.convolution, a, relu: true, adding: a)
            let c = graph.convolve(down.convolution, b)
            let d = graph.convolve(third.convolution, b, relu: true, adding: c)
            let found = run(graph, [(input, values)], [a, b, c, d])
            func volume(_ index: Int, _ value: LayerGraph.Value, relu: Bool = false) -> Volume {
                Volume(
                    shape: graph.shape(of: value),
                    values: found[index].map { relu ? max(Double($0), 0) : Double($0) })
            }
            let errors = [
                first.errorOfLargest(
                    of: found[0], from: Volume(shape: shape, values: values.map(Double.init)),
                    shape: graph.shape(of: a)),
                second.errorOfLargest(
                    of: found[1], from: volume(0, a, relu: true), shape: graph.shape(of: b),
                    residual: volume(0, a)),
                third.errorOfLargest(
                    of: found[3], from: volume(1, b, relu: true), shape: graph.shape(of: d),
                    residual: volume(2, c)),
            ]
            #expect(
                errors.allSatisfy { $0 <= tolerance }, "seed \(random.seed): \(shape) \(errors)")
        }
    }

    /// Wide and flat, narrow and deep: cut by rows, and by couts.
    @Test(arguments: supportedPaths, [(62, 41, 33, 48), (9, 11, 40, 150)])
    func tilesInAnyOrderGiveTheSameBytes(
        path: KernelPath, shape: (height: Int, width: Int, inputs: Int, outputs: Int)
    ) {
        var random = SeededGenerator()
        let size = ActivationShape(
            height: shape.height, width: shape.width, channels: shape.inputs)
        let values = random.floats(shape.inputs * shape.height * shape.width, in: -1...1)
        let first = JudgedConvolution(
            .three, shape.inputs, shape.outputs, path: path, isWinograd: true, &random)
        let second = JudgedConvolution(
            .three, shape.outputs, shape.inputs, path: path, isWinograd: true, &random)
        var graph = LayerGraph()
        let input = graph.input("in", size)
        let a = graph.convolve(first.convolution, input)
        let b = graph.convolve(second.convolution, a, relu: true)
        let plan = LayerPlan(graph)
        #expect(plan.steps(in: Arena(byteCount: plan.byteCount)).allSatisfy { $0.tileCount > 2 })
        let expected = run(graph, [(input, values)], [b])
        for runner in StepRunner.allCases {
            #expect(run(graph, [(input, values)], [b], by: runner) == expected, "\(runner)")
        }
    }
}
