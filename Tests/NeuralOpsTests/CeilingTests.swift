// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Testing

@testable import NeuralOps

@Suite struct CeilingTests {
    @Test func everyPathHasAnFP32CeilingThatAProcessorCanReach() throws {
        for path in supportedPaths {
            let ceiling = try #require(Ceiling(path: path, precision: .fp32))
            let speed =
                (0..<20).map { _ in ceiling.operationsPerSecond(milliseconds: 0.2) }.max() ?? 0
            // The slowest path does 8 operations a clock, a tenth of a processor of 1 GHz is less;
            // the fastest processor so far does 64 at below 8 GHz. A loop that the compiler had
            // folded would be far above.
            #expect((1e8...1e12).contains(speed), "\(path): \(speed)")
        }
    }

    @Test func fewerBitsAreNoSlowerThanFP32() throws {
        for path in supportedPaths {
            let fp32 = try #require(Ceiling(path: path, precision: .fp32))
            for precision in Precision.allCases {
                guard let other = Ceiling(path: path, precision: precision) else {
                    #expect(path == .portable && precision == .int8)
                    continue
                }
                // The best of many short ones: another program may have the processor for a while.
                let pairs = (0..<60).map { _ in
                    (
                        fp32.operationsPerSecond(milliseconds: 0.2),
                        other.operationsPerSecond(milliseconds: 0.2)
                    )
                }
                let ratio = (pairs.map(\.1).max() ?? 0) / (pairs.map(\.0).max() ?? 1)
                // 1, 2 or 4 by the instructions' widths; a third of it is left for noise.
                #expect(ratio > 0.6 && ratio < 40, "\(path) \(precision): \(ratio)")
            }
        }
    }
}
