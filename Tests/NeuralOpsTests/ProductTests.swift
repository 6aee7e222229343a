// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import TestSupport
import Testing

@testable import NeuralOps

/// A product with random weights, and the plain loops that judge it.
private struct JudgedProduct {
    let weights: ProductWeights
    let shape: ProductShape
    private let weight: [Double]
    private let bias: [Double]

    init(_ shape: ProductShape, _ precision: WeightPrecision, _ random: inout SeededGenerator) {
        self.shape = shape
        let weight = random.floats(
            shape.couts * shape.inputChannels * shape.side * shape.side, in: -1...1)
        let bias = random.floats(shape.couts, in: -1...1)
        weights = ProductWeights(
            name: "test", shape: shape, weight: weight, bias: bias, precision: precision)
        let isRounded = weights.precision == .bf16
        self.weight = weight.map { Double(isRounded ? bf16($0) : $0) }
        self.bias = bias.map(Double.init)
    }

    struct Extras {
        var shift: Matrix?
        var scale = 1.0
        var residual: Matrix?
    }

    /// Results, and how far each may be off: every product and sum rounds once.
    func expected(
        _ input: Matrix, height: Int, width: Int, isUpsampled: Bool, _ extras: Extras
    ) -> (values: [Double], bounds: [Double]) {
        let factor = isUpsampled ? 2 : 1
        let (outHeight, outWidth) = (height * factor / shape.stride, width * factor / shape.stride)
        var values: [Double] = []
        var bounds: [Double] = []
        func sums(_ y: Int, _ x: Int, _ o: Int) -> (value: Double, size: Double) {
            var sum = bias[o]
            var size = abs(sum)
            for tap in 0..<shape.side * shape.side {
                let iy = y * shape.stride + tap / shape.side - shape.pad
                let ix = x * shape.stride + tap % shape.side - shape.pad
                guard (0..<height * factor).contains(iy), (0..<width * factor).contains(ix) else {
                    continue
                }
                let row = iy / factor * width + ix / factor
                for i in 0..<shape.inputChannels {
                    let product =
                        input[row, i]
                        * weight[(o * shape.inputChannels + i) * shape.side * shape.side + tap]
                    sum += product
                    size += abs(product)
                }
            }
            return (sum, size)
        }
        let roundings = Double(shape.inputChannels * shape.side * shape.side * 2 + 8) * 0x1p-24
        for y in 0..<outHeight {
            for x in 0..<outWidth {
                for o in 0..<shape.outputChannels {
                    let row = y * outWidth + x
                    var (value, size) = sums(y, x, o)
                    if let shift = extras.shift {
                        value += shift[0, o]
                        size += abs(shift[0, o])
                    }
                    value *= extras.scale
                    size *= abs(extras.scale)
                    let residual = extras.residual?[row, o] ?? 0
                    switch shape.activation {
                    case .identity: value += residual
                    case .silu: value = silu(value) + residual
                    case .relu: value = max(value, 0) + residual
                    case .reluLast: value = max(value + residual, 0)
                    case .geglu:
                        // The gate's own error is 1e-6 of its size at most.
                        let gate = sums(y, x, o + shape.outputChannels)
                        size = size * max(1, abs(gelu(gate.value))) + abs(value) * gate.size * 1.2
                        value *= gelu(gate.value)
                        size += abs(value)
                    }
                    values.append(value)
                    bounds.append((size + abs(residual)) * roundings + 4e-7 * size)
                }
            }
        }
        return (values, bounds)
    }
}

@Suite struct ProductTests {
    /// With bf16 on both sides a product of two is exact: the bound is that of fp32 sums.
    @Test(arguments: KernelTable.supported, WeightPrecision.allCases)
    func linearLayersOfAnySizeGiveThePlainSums(table: KernelTable, precision: WeightPrecision) {
        let bench = TensorBench(table)
        for _ in 0..<10 {
            // Every remainder of rows, columns and depth; often more than one panel and block. Half
            // of the depths are even: those can be bf16.
            let rows = Int.random(in: 1...13, using: &bench.random)
            var inputs = Int.random(in: 1...300, using: &bench.random)
            if Bool.random(using: &bench.random) { inputs += inputs % 2 }
            let shape = ProductShape(inputs, Int.random(in: 1...140, using: &bench.random))
            let judged = JudgedProduct(shape, precision, &bench.random)
            let (value, numbers) = bench.input(1, rows, inputs)
            let found = bench.run(bench.graph.product(judged.weights, value))
            let (expected, bounds) = judged.expected(
                table.rounds(judged.weights.precision) ? numbers.rounded : numbers, height: 1,
                width: rows, isUpsampled: false, .init())
            let error = worst(found, expected, bounds: bounds)
            #expect(error <= 1, "seed \(bench.random.seed): \(rows) rows, \(shape)")
        }
    }

    @Test(arguments: KernelTable.supported, WeightPrecision.allCases)
    func convolutionsOfAnyStrideAndBorderGiveThePlainSums(
        table: KernelTable, precision: WeightPrecision
    ) {
        let bench = TensorBench(table)
        for stride in 1...2 {
            for pad in 0...1 {
                for isUpsampled in [false, true] {
                    let inputs = Int.random(in: 1...20, using: &bench.random)
                    let shape = ProductShape.convolution3x3(
                        inputs, Int.random(in: 1...40, using: &bench.random), stride: stride,
                        pad: pad)
                    let height = Int.random(in: 1...3, using: &bench.random) * 2
                    let width = Int.random(in: 1...4, using: &bench.random) * 2
                    let judged = JudgedProduct(shape, precision, &bench.random)
                    let (value, numbers) = bench.input(height, width, inputs)
                    let found = bench.run(
                        bench.graph.product(
                            judged.weights, value, ProductExtras(isUpsampled: isUpsampled)))
                    let (expected, bounds) = judged.expected(
                        table.rounds(judged.weights.precision) ? numbers.rounded : numbers,
                        height: height, width: width, isUpsampled: isUpsampled, .init())
                    let error = worst(found, expected, bounds: bounds)
                    #expect(error <= 1, "seed \(bench.random.seed): \(height)x\(width) \(shape)")
                }
            }
        }
    }

    /// Winograd's way: its points multiply and divide by up to 4, so that an error is some four times
    /// that of the plain sum; still far below the bound, which is for the worst order of signs.
    @Test(arguments: supportedPaths, WeightPrecision.allCases)
    func largeConvolutionsGiveThePlainSums(path: KernelPath, precision: WeightPrecision) {
        let bench = TensorBench(path)
        // Sizes that 4 does not divide; several blocks of channels, of couts and of tiles.
        for (height, width, inputs, couts, isUpsampled) in [
            (19, 58, 16, 16, false), (7, 30, 80, 48, false), (8, 7, 32, 16, true),
            (17, 70, 160, 32, false),
        ] {
            let shape = ProductShape.convolution3x3(inputs, couts)
            let judged = JudgedProduct(shape, precision, &bench.random)
            let (value, numbers) = bench.input(height, width, inputs)
            let factor = isUpsampled ? 2 : 1
            let (residual, residualNumbers) = bench.input(height * factor, width * factor, couts)
            let found = bench.run(
                bench.graph.product(
                    judged.weights, value,
                    ProductExtras(residual: residual, isUpsampled: isUpsampled)))
            let (expected, bounds) = judged.expected(
                numbers, height: height, width: width, isUpsampled: isUpsampled,
                .init(residual: residualNumbers))
            let error = worst(found, expected, bounds: bounds)
            #expect(error <= 1, "seed \(bench.random.seed): \(height)x\(width) \(shape)")
        }
    }

    @Test func aPictureOfSeveralChunksIsTheSameInOne() {
        // 5700 tiles of 16 channels are two chunks; judged by the same picture in halves.
        let bench = TensorBench(.best)
        let judged = JudgedProduct(.convolution3x3(16, 16), .bf16, &bench.random)
        let (height, width) = (300, 304)
        let whole = TensorBuffer(ActivationShape(height: height, width: width, channels: 16))
        whole.fill(bench.random.floats(whole.count, in: -1...1))
        func rows(_ range: Range<Int>) -> TensorBuffer {
            let part = TensorBuffer(
                ActivationShape(height: range.count, width: width, channels: 16))
            part.fill(
                Array(whole.values[range.lowerBound * width * 16..<range.upperBound * width * 16]))
            return part
        }
        let found = bench.run(
            bench.graph.product(judged.weights, bench.graph.external(whole)), by: .twoThreads)
        // Tiles begin at multiples of 4 in both, and the seam's rows are left out.
        let top = bench.run(
            bench.graph.product(judged.weights, bench.graph.external(rows(0..<208))))
        let bottom = bench.run(
            bench.graph.product(judged.weights, bench.graph.external(rows(192..<height))))
        #expect(found.prefix(200 * width * 16) == top.prefix(200 * width * 16))
        #expect(found.suffix(100 * width * 16) == bottom.suffix(100 * width * 16))
    }

    @Test(arguments: supportedPaths)
    func whatFollowsTheSumsComesInItsOrder(path: KernelPath) {
        let activations: [ProductShape.Activation] = [.identity, .silu, .relu, .reluLast, .geglu]
        for activation in activations {
            for couts in [2, 30, 32, 94, 130] {
                let bench = TensorBench(path)
                let shape = ProductShape(20, couts, activation: activation)
                let judged = JudgedProduct(shape, .fp32, &bench.random)
                let (a, aNumbers) = bench.input(3, 5, 12)
                let (b, bNumbers) = bench.input(3, 5, 8)
                var extras = JudgedProduct.Extras()
                var given = ProductExtras()
                if activation != .geglu {
                    let (residual, residualNumbers) = bench.input(3, 5, couts)
                    let (shift, shiftNumbers) = bench.input(1, 1, couts)
                    let (scale, scaleNumbers) = bench.input(1, 1, 1)
                    given = ProductExtras(shift: shift, scale: scale, residual: residual)
                    extras = .init(
                        shift: shiftNumbers, scale: scaleNumbers[0, 0], residual: residualNumbers)
                }
                let found = bench.run(bench.graph.product(judged.weights, [a, b], given))
                let (expected, bounds) = judged.expected(
                    .joined([aNumbers, bNumbers]), height: 3, width: 5, isUpsampled: false, extras)
                let error = worst(found, expected, bounds: bounds)
                #expect(error <= 1, "seed \(bench.random.seed): \(activation), \(couts) couts")
            }
        }
    }

    @Test(arguments: KernelTable.supported)
    func tilesInAnyOrderGiveTheSameBytes(table: KernelTable) {
        let bench = TensorBench(table)
        let shape = ProductShape.convolution3x3(48, 160)
        let judged = JudgedProduct(shape, .bf16, &bench.random)
        let second = JudgedProduct(ProductShape(160, 66), .bf16, &bench.random)
        let (value, _) = bench.input(20, 71, 48)
        let hidden = bench.graph.product(judged.weights, value)
        let result = bench.graph.product(second.weights, hidden)
        let expected = bench.run(result)
        for runner in StepRunner.allCases {
            #expect(bench.run(result, by: runner) == expected, "\(runner)")
        }
    }

    @Test(arguments: supportedPaths)
    func withFP32WeightsAllTablesOfAPathGiveTheSameBytes(path: KernelPath) {
        var results: [[Float]] = []
        var random = SeededGenerator()
        let weights = JudgedProduct(
            ProductShape(130, 90, activation: .silu), .fp32, &random)
        for table in KernelTable.supported where table.path == path {
            let bench = TensorBench(table)
            let input = TensorBuffer(ActivationShape(height: 1, width: 23, channels: 130))
            input.fill((0..<input.count).map { Float($0 * 7 % 11) * 0.3 - 1.7 })
            let value = bench.graph.external(input)
            let attended = bench.graph.attention(
                "test", query: value, key: value, value: value, heads: 2)
            results.append(bench.run(bench.graph.product(weights.weights, attended)))
        }
        #expect(!results.isEmpty && results.allSatisfy { $0 == results[0] })
    }

    @Test(arguments: supportedPaths)
    func thePathIsNamedAfterItsInstructions(path: KernelPath) {
        if path == .openblas {
            // The library's version and the kernels that it has for this processor.
            let name = path.instructions
            #expect(name.hasPrefix("openblas") && name.contains("+") && name.utf8.count < 40)
            return
        }
        #if arch(arm64)
            #expect(path.instructions == (path == .portable ? "neon" : path.rawValue))
        #else
            #expect(path.instructions == path.rawValue)
        #endif
        #expect(path.precisionsBySpeed.last == .fp32)
        // Without instructions of its own no precision comes before fp32, but for bf16 with AVX2.
        switch path {
        case .avx512, .avx2: #expect(path.precisionsBySpeed.first == .bf16)
        default: #expect(path.precisionsBySpeed == [.fp32])
        }
    }

    @Test(arguments: supportedPaths)
    func theNameTellsWhetherBF16IsMultiplied(path: KernelPath) {
        let instructions = path == .openblas ? KernelPath.portable.instructions : path.instructions
        #expect(path.name(at: WeightPrecision.fp32) == "\(instructions)-fp32")
        let isMultiplied = path.tensorKernels.hasBF16
        #expect(
            path.name(at: WeightPrecision.bf16)
                == (isMultiplied ? "avx512bf16-bf16" : "\(instructions)-bf16"))
        // The compact network's names say the same.
        #expect(path.name(at: WeightPrecision.bf16) == path.name(at: Precision.bf16))
    }
}
