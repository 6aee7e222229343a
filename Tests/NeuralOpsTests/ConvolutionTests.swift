// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import TestSupport
import Testing

@testable import NeuralOps

let supportedPaths = KernelPath.allCases.filter(\.isSupported)

/// `[channels, height, width]` in Float64: the judge.
struct Volume {
    var shape: ActivationShape
    var values: [Double]

    /// 0 outside.
    func at(_ c: Int, _ y: Int, _ x: Int) -> Double {
        guard (0..<shape.height).contains(y), (0..<shape.width).contains(x) else { return 0 }
        return values[(c * shape.height + y) * shape.width + x]
    }
}

/// A convolution with random weights, and the plain loop that judges it.
struct JudgedConvolution {
    let convolution: Convolution
    private let weight: [Float]
    private let bias: [Float]

    init(
        _ kernel: Convolution.Kernel, _ inputs: Int, _ outputs: Int, path: KernelPath,
        arithmetic: Arithmetic = .fp32, isWinograd: Bool = false, choice: Int = 0,
        _ random: inout SeededGenerator
    ) {
        weight = random.floats(outputs * inputs * kernel.rawValue * kernel.rawValue, in: -1...1)
        bias = random.floats(outputs, in: -1...1)
        convolution = Convolution(
            name: "test", weight: weight, bias: bias, inputChannels: inputs,
            outputChannels: outputs, kernel: kernel, kernelPath: path, arithmetic: arithmetic,
            isWinograd: isWinograd, choice: choice)
    }

    /// Largest error in units of what rounding every product and sum may cost.
    func error(
        of found: [Float], from input: Volume, shape: ActivationShape, residual: Volume? = nil
    ) -> Double {
        // n roundings of at most 2^-24 each: the textbook bound for any order of the sum.
        let side = convolution.kernel.rawValue
        let count = Double(convolution.inputChannels * side * side * 2 + 2)
        return errors(of: found, from: input, shape: shape, residual: residual)
            .map { $0.error / max($0.size * count * 0x1p-24, 1e-30) }.reduce(0, worse)
    }

    /// Largest error in units of the largest sum of magnitudes.
    func errorOfLargest(
        of found: [Float], from input: Volume, shape: ActivationShape, residual: Volume? = nil
    ) -> Double {
        let errors = errors(of: found, from: input, shape: shape, residual: residual)
        let size = errors.map(\.size).max() ?? 0
        return errors.map(\.error).reduce(0, worse) / max(size, 1e-30)
    }

    /// NaN is the worst.
    private func worse(_ a: Double, _ b: Double) -> Double { b.isNaN ? .infinity : max(a, b) }

    /// Of each value: how far it is from the sum, and the sum of what was summed without signs.
    private func errors(
        of found: [Float], from input: Volume, shape: ActivationShape, residual: Volume? = nil
    ) -> [(error: Double, size: Double)] {
        let side = convolution.kernel.rawValue
        let first = side == 3 ? -1 : 0
        return found.enumerated().map { index, value in
            let (x, y) = (index % shape.width, index / shape.width % shape.height)
            let o = index / (shape.width * shape.height)
            var sum = Double(bias[o])
            var size = abs(sum)
            for tap in 0..<side * side {
                let (iy, ix) = (
                    y * convolution.kernel.stride + first + tap / side,
                    x * convolution.kernel.stride + first + tap % side
                )
                for i in 0..<convolution.inputChannels {
                    let at = (o * convolution.inputChannels + i) * side * side + tap
                    let product = input.at(i, iy, ix) * Double(weight[at])
                    sum += product
                    size += abs(product)
                }
            }
            if let residual {
                let shift = residual.shape.height == shape.height ? 0 : 1
                sum += residual.at(o, y >> shift, x >> shift)
                size += abs(residual.at(o, y >> shift, x >> shift))
            }
            return (abs(Double(value) - sum), size)
        }
    }
}

@Suite struct ConvolutionTests {
    @Test(arguments: supportedPaths)
    func everyWidthAndEveryBlockOfCoutsGivesThePlainSum(path: KernelPath) {
        var random = SeededGenerator()
        for vectors in 1...10 {
            let outputs = vectors * 16 - Int.random(in: 0...15, using: &random)
            for width in 1...17 {
                let inputs = Int.random(in: 1...5, using: &random)
                let shape = ActivationShape(height: 2, width: width, channels: inputs)
                let values = random.floats(inputs * width * 2, in: -1...1)
                let judged = JudgedConvolution(.one, inputs, outputs, path: path, &random)
                var graph = LayerGraph()
                let input = graph.input("in", shape)
                let output = graph.convolve(judged.convolution, input)
                let found = graph.run([(input, values)], [output])[0]
                let error = judged.error(
                    of: found, from: Volume(shape: shape, values: values.map(Double.init)),
                    shape: graph.shape(of: output))
                #expect(error <= 1, "seed \(random.seed): \(outputs) couts, width \(width)")
            }
        }
    }

    @Test(arguments: supportedPaths)
    func blocksOfLayersGiveThePlainSums(path: KernelPath) {
        var random = SeededGenerator()
        for _ in 0..<12 {
            let (inputs, outputs) = (
                Int.random(in: 1...40, using: &random), Int.random(in: 1...70, using: &random)
            )
            let shape = ActivationShape(
                height: Int.random(in: 1...6, using: &random) * 2,
                width: Int.random(in: 1...9, using: &random) * 2, channels: inputs)
            let values = random.floats(inputs * shape.height * shape.width, in: -1...1)
            let first = JudgedConvolution(.three, inputs, outputs, path: path, &random)
            let second = JudgedConvolution(.three, outputs, outputs, path: path, &random)
            let down = JudgedConvolution(.two, outputs, outputs, path: path, &random)
            let skip = JudgedConvolution(.one, outputs, outputs, path: path, &random)
            var graph = LayerGraph()
            let input = graph.input("in", shape)
            let a = graph.convolve(first.convolution, input)
            let b = graph.convolve(second.convolution, a, relu: true, adding: a)
            let c = graph.convolve(down.convolution, b)
            let d = graph.convolve(skip.convolution, b, adding: c)
            let found = graph.run([(input, values)], [a, b, c, d])
            func volume(_ index: Int, _ value: LayerGraph.Value) -> Volume {
                Volume(shape: graph.shape(of: value), values: found[index].map(Double.init))
            }
            var rectified = volume(0, a)
            rectified.values = rectified.values.map { max($0, 0) }
            let errors = [
                first.error(
                    of: found[0], from: Volume(shape: shape, values: values.map(Double.init)),
                    shape: graph.shape(of: a)),
                second.error(
                    of: found[1], from: rectified, shape: graph.shape(of: b),
                    residual: volume(0, a)),
                down.error(of: found[2], from: volume(1, b), shape: graph.shape(of: c)),
                skip.error(
                    of: found[3], from: volume(1, b), shape: graph.shape(of: d),
                    residual: volume(2, c)),
            ]
            #expect(errors.allSatisfy { $0 <= 1 }, "seed \(random.seed): \(shape) \(errors)")
        }
    }

    @Test(arguments: supportedPaths)
    func tilesInAnyOrderGiveTheSameBytes(path: KernelPath) {
        var random = SeededGenerator()
        let shape = ActivationShape(height: 48, width: 50, channels: 33)
        let values = random.floats(33 * 48 * 50, in: -1...1)
        let first = JudgedConvolution(.three, 33, 144, path: path, &random)
        let second = JudgedConvolution(.three, 144, 33, path: path, &random)
        var graph = LayerGraph()
        let input = graph.input("in", shape)
        let a = graph.convolve(first.convolution, input)
        let b = graph.convolve(second.convolution, a, relu: true)
        let plan = LayerPlan(graph)
        #expect(plan.steps(in: Arena(byteCount: plan.byteCount)).contains { $0.tileCount > 2 })
        let expected = graph.run([(input, values)], [b])
        for runner in StepRunner.allCases {
            #expect(graph.run([(input, values)], [b], by: runner) == expected, "\(runner)")
        }
    }
}
