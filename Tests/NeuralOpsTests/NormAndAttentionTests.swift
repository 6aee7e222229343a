// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import TestSupport
import Testing

@testable import NeuralOps

@Suite struct NormAndAttentionTests {
    private func weights(
        _ channels: Int, _ random: inout SeededGenerator
    ) -> (NormWeights, gain: [Double], offset: [Double]) {
        let gain = random.floats(channels, in: 0.5...1.5)
        let offset = random.floats(channels, in: -1...1)
        return (
            NormWeights(name: "test", gain: gain, offset: offset, epsilon: 1e-5),
            gain.map(Double.init), offset.map(Double.init)
        )
    }

    /// Mean and 1 / deviation.
    private func moments(_ values: [Double]) -> (mean: Double, factor: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        let variance =
            values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        return (mean, 1 / (variance + 1e-5).squareRoot())
    }

    @Test(arguments: supportedPaths)
    func groupNormOfOneOrTwoInputsIsTheTextbooks(path: KernelPath) {
        for (first, second, groups) in [
            (32, 0, 8), (5, 7, 4), (64, 32, 32), (20, 40, 4), (3, 0, 1), (48, 16, 2),
        ] {
            for isActivated in [false, true] {
                let bench = TensorBench(path)
                let height = Int.random(in: 1...20, using: &bench.random)
                // Far from zero: the variance must not drown in the mean.
                let (a, aNumbers) = bench.input(height, 13, first, in: 2...5)
                var (inputs, numbers) = ([a], aNumbers)
                if second > 0 {
                    let (b, bNumbers) = bench.input(height, 13, second, in: 2...5)
                    inputs.append(b)
                    numbers = .joined([aNumbers, bNumbers])
                }
                let (norm, gain, offset) = weights(first + second, &bench.random)
                let found = bench.run(
                    bench.graph.groupNorm(norm, inputs, groups: groups, silu: isActivated))
                let size = (first + second) / groups
                let groupMoments = (0..<groups).map { group in
                    moments(
                        (0..<numbers.rows).flatMap { row in
                            (group * size..<(group + 1) * size).map { numbers[row, $0] }
                        })
                }
                let expected = numbers.values.indices.map { index in
                    let channel = index % numbers.columns
                    let (mean, factor) = groupMoments[channel / size]
                    let value =
                        (numbers.values[index] - mean) * factor * gain[channel] + offset[channel]
                    return isActivated ? silu(value) : value
                }
                // Values around 5 in single precision, divided by a deviation near 0.9.
                let error = worst(
                    found, expected, bounds: expected.map { _ in 4e-6 })
                #expect(error <= 1, "seed \(bench.random.seed): \(first)+\(second), \(groups)")
            }
        }
    }

    @Test(arguments: supportedPaths)
    func layerNormOfAnyWidthIsTheTextbooks(path: KernelPath) {
        for channels in Array(1...40) + [320, 641] {
            let bench = TensorBench(path)
            let (input, numbers) = bench.input(1, 7, channels, in: 2...5)
            let (norm, gain, offset) = weights(channels, &bench.random)
            let found = bench.run(bench.graph.layerNorm(norm, input))
            let expected = (0..<numbers.rows).flatMap { row in
                let values = (0..<channels).map { numbers[row, $0] }
                let (mean, factor) = moments(values)
                return zip(values, zip(gain, offset)).map {
                    ($0 - mean) * factor * $1.0 + $1.1
                }
            }
            // Few channels may lie close together: then the deviation is small, at most 1/300.
            let bound = channels < 4 ? 1e-4 : 4e-6
            let error = worst(found, expected, bounds: expected.map { _ in bound })
            #expect(error <= 1, "seed \(bench.random.seed): \(channels) channels")
        }
    }

    @Test(arguments: KernelTable.supported, WeightPrecision.allCases)
    func attentionIsTheTextbooks(table: KernelTable, precision: WeightPrecision) {
        let isRounded = table.rounds(precision)
        func numbers(_ matrix: Matrix) -> Matrix { isRounded ? matrix.rounded : matrix }
        // Several blocks of keys, partial ones, heads below, between and above whole vectors.
        for (rows, keys, heads, size) in [
            (1, 1, 1, 4), (7, 77, 3, 40), (98, 65, 2, 4), (3, 64, 1, 160), (3, 600, 1, 16),
            (5, 257, 1, 72), (5, 33, 2, 7), (40, 18, 1, 512),
        ] {
            let bench = TensorBench(table)
            let (query, queryNumbers) = bench.input(1, rows, heads * size, in: -3...3)
            let (key, keyNumbers) = bench.input(1, keys, heads * size)
            let (value, valueNumbers) = bench.input(1, keys, heads * size)
            let (queries, usedKeys) = (numbers(queryNumbers), numbers(keyNumbers))
            let values = numbers(valueNumbers)
            let found = bench.run(
                bench.graph.attention(
                    "test", query: query, key: key, value: value, heads: heads,
                    precision: precision))
            var expected = [Double](repeating: 0, count: rows * heads * size)
            for row in 0..<rows {
                for head in 0..<heads {
                    let channels = head * size..<(head + 1) * size
                    let scores = (0..<keys).map { k in
                        channels.reduce(0) { $0 + queries[row, $1] * usedKeys[k, $1] }
                            / Double(size).squareRoot()
                    }
                    let largest = scores.max() ?? 0
                    let shares = scores.map { exp($0 - largest) }
                    let total = shares.reduce(0, +)
                    for channel in channels {
                        expected[row * heads * size + channel] =
                            (0..<keys).reduce(0) { $0 + shares[$1] * values[$1, channel] }
                            / total
                    }
                }
            }
            // Scores reach some 40 / sqrt(size): their rounding is the error of the shares. In bf16
            // each share is rounded by 2^-9 of itself, of values up to 1.
            let bound = isRounded ? 0x1p-9 + 6e-6 : 6e-6
            let error = worst(found, expected, bounds: expected.map { _ in bound })
            #expect(error <= 1, "seed \(bench.random.seed): \(rows) \(keys) \(heads) \(size)")
        }
    }

    @Test(arguments: supportedPaths)
    func largeScoresNeitherOverflowNorVanish(path: KernelPath) {
        let bench = TensorBench(path)
        // The last block holds the largest score by far: everything before is corrected to nothing.
        let (query, _) = bench.input(1, 3, 8, in: 90...100)
        let keyShape = ActivationShape(height: 1, width: 600, channels: 8)
        let key = TensorBuffer(keyShape)
        key.fill(
            (0..<600).flatMap { k in [Float](repeating: k == 599 ? 90 : -90, count: 8) })
        let (value, numbers) = bench.input(1, 600, 8)
        let found = bench.run(
            bench.graph.attention(
                "test", query: query, key: bench.graph.external(key), value: value, heads: 1))
        for row in 0..<3 {
            for channel in 0..<8 {
                #expect(abs(Double(found[row * 8 + channel]) - numbers[599, channel]) < 1e-6)
            }
        }
    }

    @Test(arguments: supportedPaths)
    func functionsOfSingleValuesAreThoseOfMathematics(path: KernelPath) {
        for count in [1, 15, 16, 1000] {
            let bench = TensorBench(path)
            let (a, aNumbers) = bench.input(1, 1, count, in: -20...20)
            let (b, bNumbers) = bench.input(1, 1, count, in: -20...20)
            let cases: [(String, TensorGraph.Value, [Double])] = [
                ("add", bench.graph.add(a, b), zip(aNumbers.values, bNumbers.values).map(+)),
                ("silu", bench.graph.silu(a), aNumbers.values.map(silu)),
                ("clamp", bench.graph.softClamp(a), aNumbers.values.map { 3 * tanh($0 / 3) }),
                (
                    "affine", bench.graph.affine(a, factor: 0.5, offset: 3),
                    aNumbers.values.map { $0 * 0.5 + 3 }
                ),
            ]
            for (name, value, expected) in cases {
                let error = worst(
                    bench.run(value), expected, bounds: expected.map { 6e-7 + 3e-7 * abs($0) })
                #expect(error <= 1, "seed \(bench.random.seed): \(name)")
            }
        }
    }

    @Test func timestepsAreWavesOfFallingRate() {
        for (timestep, sinesFirst) in [(Float(0), false), (1, true), (617, false), (999, true)] {
            let bench = TensorBench(.portable)
            let buffer = TensorBuffer(ActivationShape(height: 1, width: 1, channels: 1))
            buffer.fill([timestep])
            let found = bench.run(
                bench.graph.timestepEmbedding(
                    bench.graph.external(buffer), channels: 320, shift: 0, sinesFirst: sinesFirst))
            for i in 0..<160 {
                let angle = Double(timestep) * exp(-log(10000) * Double(i) / 160)
                let (sine, cosine) = (sin(angle), cos(angle))
                #expect(abs(Double(found[i]) - (sinesFirst ? sine : cosine)) < 1e-7)
                #expect(abs(Double(found[160 + i]) - (sinesFirst ? cosine : sine)) < 1e-7)
            }
        }
    }
}
