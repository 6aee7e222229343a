// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import TestSupport
import Testing

@testable import NeuralOps

/// A convolution that this machine can run, also one that it would not choose.
struct Loops: Sendable, CustomStringConvertible {
    var path: KernelPath
    var arithmetic: Arithmetic
    var choice: Int

    static let supported: [Loops] = supportedPaths.flatMap { path in
        Arithmetic.allCases.flatMap { arithmetic in
            (0..<4).filter { path.convolutionLoops(arithmetic, choice: $0) != nil }
                .map { Loops(path: path, arithmetic: arithmetic, choice: $0) }
        }
    }

    var description: String {
        path.convolutionLoops(arithmetic, choice: choice)
            .map { String(cString: $0.table.pointee.name) } ?? "none"
    }
}

/// What a convolution reads and writes in every form, with the plain loop that judges it: integers
/// exactly, floats by what their roundings may cost.
struct TypedJudge {
    let loops: Loops
    let kernel: Convolution.Kernel
    let weight: [Float]
    let bias: [Float]
    let convolution: Convolution
    let input: ActivationShape

    init(
        _ loops: Loops, _ kernel: Convolution.Kernel, _ input: ActivationShape, outputs: Int,
        inputScale: ValueScale, outputScale: ValueScale, _ random: inout SeededGenerator
    ) {
        self.loops = loops
        self.kernel = kernel
        self.input = input
        weight = random.floats(
            outputs * input.channels * kernel.rawValue * kernel.rawValue, in: -1...1)
        bias = random.floats(outputs, in: -1...1)
        convolution = Convolution(
            name: "judged", weight: weight, bias: bias, inputChannels: input.channels,
            outputChannels: outputs, kernel: kernel, kernelPath: loops.path,
            arithmetic: loops.arithmetic, inputScale: inputScale, outputScale: outputScale,
            isWinograd: false,
            choice: loops.choice)
    }

    private var readsReLU: Bool { loops.arithmetic == .int8 }

    /// The weight as the kernel holds it, in units of its scale.
    private func packed(_ at: Int, _ o: Int, _ i: Int) -> Double {
        switch loops.arithmetic {
        case .fp32: Double(weight[at])
        case .bf16: Double(Self.bf16(weight[at]))
        case .int16, .int8: Double(quantised(at, o, i))
        }
    }

    private func quantised(_ at: Int, _ o: Int, _ i: Int) -> Float {
        let scale = convolution.inputScale
        let steps = readsReLU ? scale?.reluSteps : scale?.plainSteps
        return (weight[at] * (steps?[i] ?? .nan) / convolution.scale[o]).rounded(.toNearestOrEven)
    }

    /// An input as the kernel reads it.
    private func read(_ value: Float, _ channel: Int) -> Double {
        switch loops.arithmetic {
        case .fp32: Double(value)
        case .bf16: Double(Self.bf16(value))
        case .int16:
            Double(Self.level(value, convolution.inputScale?.plainSteps[channel], -32768...32767))
        case .int8:
            Double(Self.level(value, convolution.inputScale?.reluSteps[channel], 0...255))
        }
    }

    static func bf16(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
    }

    static func level(_ value: Float, _ step: Float?, _ range: ClosedRange<Float>) -> Float {
        let level = (value * (1 / (step ?? .nan))).rounded(.toNearestOrEven)
        return min(max(level, range.lowerBound), range.upperBound)
    }

    /// Sum over taps and cins, and the sum of magnitudes.
    func sum(_ values: [Float], _ o: Int, _ y: Int, _ x: Int) -> (sum: Double, size: Double) {
        let side = kernel.rawValue
        let first = side == 3 ? -1 : 0
        var sum = 0.0
        var size = 0.0
        for tap in 0..<side * side {
            let iy = y * kernel.stride + first + tap / side
            let ix = x * kernel.stride + first + tap % side
            guard (0..<input.height).contains(iy), (0..<input.width).contains(ix) else { continue }
            for i in 0..<input.channels {
                let value = read(values[(i * input.height + iy) * input.width + ix], i)
                let at = (o * input.channels + i) * side * side + tap
                sum += value * packed(at, o, i)
                size += abs(value * packed(at, o, i))
            }
        }
        return (sum, size)
    }

    /// Whether `found` is what the sums say, `added` included.
    func accepts(_ found: Float, _ values: [Float], _ o: Int, _ y: Int, _ x: Int, added: Float?)
        -> Bool
    {
        let (sum, size) = sum(values, o, y, x)
        if loops.arithmetic.isInteger {
            // Sums are exact; then one rounding after the other, in this order.
            guard abs(sum) < 0x1p31 else { return false }
            let value = Float(Int(sum)) * convolution.scale[o] + bias[o]
            return found == (added.map { value + $0 } ?? value)
        }
        // n roundings of at most 2^-24 each: the textbook bound for any order of the sum.
        let count = Double(input.channels * kernel.rawValue * kernel.rawValue * 2 + 2)
        let whole = size + Double(abs(bias[o])) + Double(abs(added ?? 0))
        let expected = sum + Double(bias[o]) + Double(added ?? 0)
        return abs(Double(found) - expected) <= whole * count * 0x1p-24
    }
}

@Suite struct TypedConvolutionTests {
    private func scale(_ channels: Int, _ random: inout SeededGenerator) -> ValueScale {
        ValueScale(
            plainSteps: random.floats(channels, in: 1e-4...2e-3),
            reluSteps: random.floats(channels, in: 4e-3...2e-2))
    }

    /// Runs one judged convolution between others; nil, or what is wrong.
    private func fault(
        _ loops: Loops, _ kernel: Convolution.Kernel, inputs: Int, outputs: Int, height: Int,
        width: Int, residualShift: Int?, _ random: inout SeededGenerator
    ) -> String? {
        let stride = kernel.stride
        let shape = ActivationShape(
            height: height * stride, width: width * stride, channels: inputs)
        let (before, after) = (scale(inputs, &random), scale(outputs, &random))
        let judge = TypedJudge(
            loops, kernel, shape, outputs: outputs, inputScale: before, outputScale: after, &random)
        func plain(_ count: Int, _ scale: ValueScale) -> Convolution {
            Convolution(
                name: "plain", weight: random.floats(count * count, in: -0.5...0.5), bias: nil,
                inputChannels: count, outputChannels: count, kernel: .one, kernelPath: loops.path,
                outputScale: scale)
        }
        var graph = LayerGraph(precision: loops.arithmetic.isInteger ? .int8 : .bf16)
        let source = graph.input("in", shape)
        let a = graph.convolve(plain(inputs, before), source)
        var residual: (source: LayerGraph.Value, value: LayerGraph.Value)?
        if let residualShift {
            let added = graph.input(
                "added",
                ActivationShape(
                    height: height >> residualShift, width: width >> residualShift,
                    channels: outputs))
            residual = (added, graph.convolve(plain(outputs, after), added))
        }
        let b = graph.convolve(
            judge.convolution, a, relu: loops.arithmetic == .int8, adding: residual?.value)
        // Readers whose outputs nobody keeps, so that `b` is there in every form at the end.
        let readers: [(Arithmetic, relu: Bool)] =
            loops.arithmetic.isInteger
            ? [(.int16, false), (.int8, true)] : [(.bf16, false), (.bf16, true), (.fp32, true)]
        for (arithmetic, relu) in readers {
            let reader = Convolution(
                name: "reader", weight: Array(repeating: 1, count: outputs), bias: nil,
                inputChannels: outputs, outputChannels: 1, kernel: .one, kernelPath: loops.path,
                arithmetic: arithmetic, inputScale: after)
            _ = graph.convolve(reader, b, relu: relu)
        }
        for value in [source, residual?.source, a, residual?.value, b].compactMap(\.self) {
            graph.read(value)
        }
        let plan = LayerPlan(graph)
        let arena = Arena(byteCount: plan.byteCount)
        arena.base.update(repeating: .nan, count: plan.byteCount / 4)
        func fill(_ value: LayerGraph.Value) {
            let shape = graph.shape(of: value)
            plan.fill(
                value,
                with: random.floats(shape.height * shape.width * shape.channels, in: -1...1),
                in: arena)
        }
        fill(source)
        if let residual { fill(residual.source) }
        StepRunner.forwards.run(plan.steps(in: arena))
        return compare(
            judge, plan, arena, a: a, b: b, residual: residual?.value, shift: residualShift ?? 0,
            after)
    }

    private func compare(
        _ judge: TypedJudge, _ plan: LayerPlan, _ arena: Arena, a: LayerGraph.Value,
        b: LayerGraph.Value, residual: LayerGraph.Value?, shift: Int, _ scale: ValueScale
    ) -> String? {
        let values = plan.copy(of: a, in: arena) ?? []
        let found = plan.copy(of: b, in: arena) ?? []
        let added = residual.map { plan.copy(of: $0, in: arena) ?? [] }
        let shape = plan.graph.shape(of: b)
        for (index, value) in found.enumerated() {
            let (x, y) = (index % shape.width, index / shape.width % shape.height)
            let o = index / (shape.width * shape.height)
            let other = added.map { added in
                let at =
                    (o * (shape.height >> shift) + (y >> shift)) * (shape.width >> shift)
                    + (x >> shift)
                return judge.loops.arithmetic.isInteger
                    ? TypedJudge.level(added[at], scale.plainSteps[o], -32768...32767)
                        * scale.plainSteps[o] : TypedJudge.bf16(added[at])
            }
            guard judge.accepts(value, values, o, y, x, added: other) else {
                return "\(judge.loops) \(judge.kernel): \(value) at \(o), \(y), \(x)"
            }
        }
        for memory in plan.memories(of: b, in: arena) where memory.form != .plain {
            let kept = memory.copied()
            for (index, value) in found.enumerated() {
                let channel = index / (shape.width * shape.height)
                let expected: Float =
                    switch memory.form {
                    case .plain: value
                    case .relu: max(value, 0)
                    case .plainBF16: TypedJudge.bf16(value)
                    case .reluBF16: TypedJudge.bf16(max(value, 0))
                    case .plainS16:
                        TypedJudge.level(value, scale.plainSteps[channel], -32768...32767)
                            * scale.plainSteps[channel]
                    case .reluU8:
                        TypedJudge.level(value, scale.reluSteps[channel], 0...255)
                            * scale.reluSteps[channel]
                    }
                guard kept[index] == expected else {
                    return "\(judge.loops) \(memory.form): \(kept[index]), not \(expected)"
                }
            }
        }
        return nil
    }

    @Test(arguments: Loops.supported)
    func everyWidthAndEveryBlockOfCoutsGivesThePlainSum(loops: Loops) {
        var random = SeededGenerator()
        for vectors in 1...5 {
            for width in 1...17 {
                let fault = fault(
                    loops, .one, inputs: Int.random(in: 1...9, using: &random),
                    outputs: vectors * 16 - Int.random(in: 0...15, using: &random), height: 1,
                    width: width, residualShift: nil, &random)
                #expect(fault == nil, "seed \(random.seed)")
            }
        }
    }

    @Test(arguments: Loops.supported)
    func everyKernelWithEveryResidualGivesThePlainSum(loops: Loops) {
        var random = SeededGenerator()
        for kernel in [Convolution.Kernel.one, .two, .three] {
            for shift in [nil, 0, 1] {
                let fault = fault(
                    loops, kernel, inputs: Int.random(in: 1...40, using: &random),
                    outputs: Int.random(in: 1...40, using: &random),
                    height: Int.random(in: 1...3, using: &random) * 2,
                    width: Int.random(in: 1...4, using: &random) * 2, residualShift: shift, &random)
                #expect(fault == nil, "seed \(random.seed)")
            }
        }
    }

    /// As between the two convolutions of a residual block whose channels were left out.
    @Test(arguments: Loops.supported, [1, 5, 17, 33, 49, 80])
    func anyCountOfChannelsInsideABlockGivesThePlainSum(loops: Loops, count: Int) {
        var random = SeededGenerator()
        for (inputs, outputs) in [(20, count), (count, 20)] {
            let fault = fault(
                loops, .three, inputs: inputs, outputs: outputs, height: 2, width: 11,
                residualShift: inputs == count ? 0 : nil, &random)
            #expect(fault == nil, "seed \(random.seed)")
        }
    }

    /// Weights and inputs at their limits everywhere: the largest sums there are.
    @Test(arguments: Loops.supported.filter(\.arithmetic.isInteger))
    func sumsStayWithin32Bits(loops: Loops) {
        let channels = 2048
        let isInt8 = loops.arithmetic == .int8
        let steps = Array(repeating: Float(1), count: channels)
        let scale = ValueScale(plainSteps: steps, reluSteps: steps)
        let convolution = Convolution(
            name: "largest", weight: Array(repeating: 1, count: channels), bias: nil,
            inputChannels: channels, outputChannels: 1, kernel: .one, kernelPath: loops.path,
            arithmetic: loops.arithmetic, inputScale: scale, choice: loops.choice)
        var graph = LayerGraph(precision: .int8)
        let input = graph.input(
            "in", ActivationShape(height: 1, width: 1, channels: channels), scale: scale)
        let output = graph.convolve(convolution, input, relu: isInt8)
        graph.read(output)
        let plan = LayerPlan(graph)
        let arena = Arena(byteCount: plan.byteCount)
        plan.fill(input, with: Array(repeating: 1e6, count: channels), in: arena)
        StepRunner.forwards.run(plan.steps(in: arena))
        let expected = (isInt8 ? 255 : 32767) * Double(channels)
        let found = Double(plan.copy(of: output, in: arena)?.first ?? .nan)
        // Weights of at least 5 bits are rounded by at most 2 %.
        #expect(abs(found - expected) <= 0.02 * expected)
    }
}
