// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import TestSupport
import Testing

@testable import NeuralOps

/// One compiled form of the diffusion networks' kernels.
struct KernelTable: Sendable, CustomTestStringConvertible {
    let path: KernelPath
    let kernels: TensorKernels

    var testDescription: String { kernels.name }

    /// All that this processor can run.
    static let supported: [KernelTable] = KernelPath.allCases.filter(\.isSupported).flatMap {
        path in
        (0..<2).compactMap { choice in
            path.tensorKernels(choice: choice).map { KernelTable(path: path, kernels: $0) }
        }
    }

    /// Whether the other side of a plain product with such weights is rounded to bf16.
    func rounds(_ precision: WeightPrecision) -> Bool { kernels.hasBF16 && precision == .bf16 }
}

/// `[rows, channels]` of random values, and a graph that reads them.
final class TensorBench {
    var graph: TensorGraph
    var random = SeededGenerator()

    init(_ path: KernelPath) { graph = TensorGraph(kernelPath: path) }

    init(_ table: KernelTable) {
        graph = TensorGraph(kernelPath: table.path, kernels: table.kernels)
    }

    func input(
        _ height: Int, _ width: Int, _ channels: Int, in range: ClosedRange<Float> = -1...1
    ) -> (value: TensorGraph.Value, numbers: Matrix) {
        let shape = ActivationShape(height: height, width: width, channels: channels)
        let buffer = TensorBuffer(shape)
        buffer.fill(random.floats(shape.count, in: range))
        return (
            graph.external(buffer),
            Matrix(columns: channels, values: buffer.values.map(Double.init))
        )
    }

    /// Runs the graph on memory full of NaN: a number that is not written shows.
    func run(_ result: TensorGraph.Value, by runner: StepRunner = .forwards) -> [Float] {
        var graph = graph
        let buffer = TensorBuffer(result.shape)
        graph.copy(result, to: buffer)
        let plan = TensorPlan(graph)
        let arena = Arena(byteCount: plan.byteCount)
        arena.base.update(repeating: .nan, count: plan.byteCount / 4)
        runner.run(plan.steps(in: arena))
        return buffer.values
    }
}

/// Rows in Float64.
struct Matrix {
    var columns: Int
    var values: [Double]

    var rows: Int { values.count / columns }
    subscript(row: Int, column: Int) -> Double { values[row * columns + column] }

    /// Every number rounded to bf16.
    var rounded: Matrix {
        Matrix(columns: columns, values: values.map { Double(bf16(Float($0))) })
    }

    static func joined(_ parts: [Matrix]) -> Matrix {
        Matrix(
            columns: parts.reduce(0) { $0 + $1.columns },
            values: (0..<parts[0].rows).flatMap { row in
                parts.flatMap { part in
                    (0..<part.columns).map { part[row, $0] }
                }
            })
    }
}

/// Largest of |found - expected| / bound; bounds are the judge's.
func worst(_ found: [Float], _ expected: [Double], bounds: [Double]) -> Double {
    precondition(found.count == expected.count)
    return zip(zip(found, expected), bounds).reduce(0) { worst, item in
        let error = abs(Double(item.0.0) - item.0.1) / max(item.1, 1e-30)
        return error.isNaN ? .infinity : max(worst, error)
    }
}

func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }
func gelu(_ x: Double) -> Double { x * 0.5 * (1 + erf(x / 2.0.squareRoot())) }
func bf16(_ value: Float) -> Float {
    let bits = value.bitPattern
    return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
}
