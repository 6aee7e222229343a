// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import Foundation
import TestSupport
import Testing

@testable import NeuralOps

@Suite struct FunctionTests {
    private typealias Map =
        @convention(c) (
            UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int
        ) -> Void

    /// Largest of |error| / (absolute + relative |value|).
    private func worst(
        _ map: Map?, _ range: ClosedRange<Float>, absolute: Double, relative: Double,
        _ judge: (Double) -> Double
    ) throws -> Double {
        let map = try #require(map)
        var random = SeededGenerator()
        // Every length of the last, partial vector.
        var worst = 0.0
        for tail in 0..<16 {
            let inputs =
                [range.lowerBound, range.upperBound] + random.floats(1000 + tail, in: range)
            var outputs = [Float](repeating: .nan, count: inputs.count)
            RenderThread.prepare()
            map(&outputs, inputs, inputs.count)
            for (input, output) in zip(inputs, outputs) {
                let expected = judge(Double(input))
                let error =
                    abs(Double(output) - expected) / (absolute + relative * abs(expected))
                worst = error.isNaN ? .infinity : max(worst, error)
            }
        }
        return worst
    }

    /// Tolerances: the largest error seen on 16 million values, doubled. The picture needs 1e-3.
    @Test(arguments: supportedPaths)
    func functionsAreThoseOfMathematics(path: KernelPath) throws {
        let table = path.kernels.table.pointee
        #expect(
            try worst(table.exp, -80...80, absolute: 1e-35, relative: 3e-7) { exp($0) } <= 1)
        #expect(try worst(table.exp, -1...1, absolute: 0, relative: 2e-7) { exp($0) } <= 1)
        #expect(try worst(table.log, 1e-6...2, absolute: 1e-7, relative: 2e-7) { log($0) } <= 1)
        #expect(try worst(table.log, 1...1e9, absolute: 1e-7, relative: 2e-7) { log($0) } <= 1)
        #expect(try worst(table.tanh, -12...12, absolute: 3e-7, relative: 0) { tanh($0) } <= 1)
        #expect(
            try worst(table.sigmoid, -90...90, absolute: 1e-35, relative: 4e-7) {
                1 / (1 + exp(-$0))
            } <= 1)
        #expect(
            try worst(table.softplus, -90...90, absolute: 2e-7, relative: 2e-7) {
                max($0, 0) + log1p(exp(-abs($0)))
            } <= 1)
        #expect(
            try worst(table.srgb, 0...1, absolute: 2e-7, relative: 4e-7) {
                $0 <= 0.0031308 ? 12.92 * $0 : 1.055 * pow($0, 1 / 2.4) - 0.055
            } <= 1)
    }

    @Test(arguments: supportedPaths)
    func extremesStayFinite(path: KernelPath) {
        let table = path.kernels.table.pointee
        let inputs: [Float] = [-.infinity, -1e30, -100, 0, 100, 1e30, .infinity]
        var outputs = [Float](repeating: .nan, count: inputs.count)
        table.exp(&outputs, inputs, inputs.count)
        #expect(outputs[0] == 0 && outputs[2] == 0 && outputs[3] == 1)
        #expect(outputs.allSatisfy { $0.isFinite })
        table.tanh(&outputs, inputs, inputs.count)
        #expect(outputs[0] <= -0.9999999 && outputs[3] == 0 && outputs[6] >= 0.9999999)
        table.sigmoid(&outputs, inputs, inputs.count)
        #expect(outputs[0] < 1e-37 && outputs[3] == 0.5 && outputs[6] == 1)
    }

    @Test func linearLightOfEveryByteIsTheExactCurve() {
        let table = withUnsafeBytes(of: k_srgb_to_linear) {
            Array($0.bindMemory(to: Float.self))
        }
        for byte in 0...255 {
            let s = Double(byte) / 255
            let linear = s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4)
            #expect(table[byte] == Float(linear), "\(byte)")
        }
    }
}
