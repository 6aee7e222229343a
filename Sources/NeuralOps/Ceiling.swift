// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

/// What one thread could do on a kernel path if memory cost nothing: a loop over registers alone.
package struct Ceiling: Sendable {
    private let path: KernelPath
    private let number: k_number

    /// Of the numbers that are multiplied at `precision`. Where the processor has no instruction for
    /// products of bf16, they are computed as fp32, and that is their ceiling.
    /// - Returns: nil if the processor has no instruction for the products.
    package init?(path: KernelPath, precision: Precision) {
        guard path.isSupported else { return nil }
        // A library's kernels use the instructions that there are.
        let path = path == .openblas ? Self.compiled : path
        self.path = path
        let wanted: k_number =
            switch precision {
            case .fp32: K_NUMBER_FP32
            case .bf16: K_NUMBER_BF16
            case .int8: K_NUMBER_INT8
            }
        if k_run_ceiling(path.code, wanted, 1) > 0 {
            number = wanted
        } else if wanted == K_NUMBER_BF16, k_run_ceiling(path.code, K_NUMBER_FP32, 1) > 0 {
            number = K_NUMBER_FP32
        } else {
            return nil
        }
    }

    private static var compiled: KernelPath {
        [.avx512, .avx2].first { $0.isSupported } ?? .portable
    }

    /// Operations a second of the calling thread, a multiply-add counting as two, over about
    /// `milliseconds`.
    package func operationsPerSecond(milliseconds: Double) -> Double {
        let start = monotonicNow()
        let end = start + UInt64(milliseconds * 1e6)
        // A few microseconds each, so that the clock costs nothing and the end is met.
        let rounds = 2_000
        var operations = 0.0
        var now = start
        while now < end {
            operations += Double(k_run_ceiling(path.code, number, rounds) * rounds)
            now = monotonicNow()
        }
        return now > start ? operations * 1e9 / Double(now - start) : 0
    }
}
