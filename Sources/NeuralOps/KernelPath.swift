// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// Which compiled form of the kernels does the sums. Results differ in the last bits between paths,
/// never within one.
package enum KernelPath: String, CaseIterable, Sendable {
    case avx512, avx2, portable

    /// The fastest path that this machine can run.
    package static var best: KernelPath {
        allCases.first { $0.isSupported } ?? .portable
    }

    package var isSupported: Bool { k_kernels_of(code) != nil }

    /// Multiply-adds that one core does in about a millisecond: how work is cut into tiles.
    var workPerMillisecond: Int {
        switch self {
        case .avx512: 50_000_000
        case .avx2: 30_000_000
        case .portable: 8_000_000
        }
    }

    /// The table of a path that `isSupported`.
    var kernels: Kernels {
        guard let table = k_kernels_of(code) else {
            preconditionFailure("the processor cannot run the kernel path \(rawValue)")
        }
        return Kernels(table: table)
    }

    /// Instructions and precision, e.g. "avx512vnni-int8".
    package func name(at precision: Precision) -> String {
        let arithmetic: Arithmetic =
            switch precision {
            case .fp32: .fp32
            case .bf16: .bf16
            case .int8: .int8
            }
        return convolutionLoops(arithmetic).map { String(cString: $0.table.pointee.name) }
            ?? "\(rawValue)-\(precision.rawValue)"
    }

    /// The loops of a convolution; by `choice` the fastest first, nil after the last.
    func convolutionLoops(_ arithmetic: Arithmetic, choice: Int = 0) -> ConvolutionLoops? {
        k_convolution_of(code, arithmetic.code, choice).map(ConvolutionLoops.init)
    }

    var code: k_path {
        switch self {
        case .avx512: K_AVX512
        case .avx2: K_AVX2
        case .portable: K_PORTABLE
        }
    }
}

/// `@unchecked Sendable`: the table is a constant of the program.
struct Kernels: @unchecked Sendable {
    let table: UnsafePointer<k_kernels>
}

/// `@unchecked Sendable`: the table is a constant of the program.
struct ConvolutionLoops: @unchecked Sendable {
    let table: UnsafePointer<k_convolution>
}

/// Number modes of the calling thread.
package enum RenderThread {
    /// Round to nearest, flush to zero, denormals are zero.
    package static func prepare() { k_prepare_thread() }
}
