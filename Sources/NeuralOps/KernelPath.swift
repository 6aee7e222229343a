// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// Which compiled form of the kernels does the sums. Results differ in the last bits between paths,
/// never within one.
///
/// `openblas` makes the products of fp32 by that library and everything else as `portable`; its name at
/// fp32 tells the library's version and which of its kernels run here, since the sums depend on both.
/// `portable` runs on every processor. On AArch64 it is compiled to NEON, fuses products and sums, and
/// is named "neon": its sums are not those of `portable` elsewhere.
package enum KernelPath: String, CaseIterable, Sendable {
    case avx512, avx2, openblas, portable

    /// The fastest path that this machine can run.
    package static let best: KernelPath = {
        #if arch(x86_64)
            // Without AVX2 the library's products are faster than ours.
            allCases.first { $0.isSupported } ?? .portable
        #else
            // Ours are compiled to NEON there.
            [.avx512, .avx2, .portable].first { $0.isSupported } ?? .portable
        #endif
    }()

    package var isSupported: Bool { refusal == nil }

    /// Why this machine cannot run the path; nil if it can. Loads OpenBLAS where it is the one asked for.
    package var refusal: String? {
        if self == .openblas { return OpenBLAS.shared.error }
        return k_kernels_of(code) == nil ? "the processor does not have these instructions" : nil
    }

    /// Multiply-adds that one core does in about a millisecond: how work is cut into tiles.
    var workPerMillisecond: Int {
        switch self {
        case .avx512: 50_000_000
        case .avx2: 30_000_000
        case .openblas: 20_000_000
        case .portable: 8_000_000
        }
    }

    /// The table of a path that `isSupported`.
    var kernels: Kernels {
        guard let table = k_kernels_of(code) else {
            preconditionFailure("this machine cannot run the kernel path \(rawValue)")
        }
        return Kernels(table: table)
    }

    /// What the path is compiled to: "avx512", "avx2", "portable", or "neon" on AArch64;
    /// with a library its version and core, "openblas0.3.21+haswell".
    package var instructions: String { String(name(at: Precision.fp32).prefix { $0 != "-" }) }

    /// Instructions and precision, e.g. "avx512vnni-int8".
    package func name(at precision: Precision) -> String {
        let arithmetic: Arithmetic =
            switch precision {
            case .fp32: .fp32
            case .bf16: .bf16
            case .int8: .int8
            }
        if self == .openblas, arithmetic == .fp32 { return "\(OpenBLAS.shared.name)-fp32" }
        return convolutionLoops(arithmetic).map { String(cString: $0.table.pointee.name) }
            ?? "\(rawValue)-\(precision.rawValue)"
    }

    /// The loops of a convolution; by `choice` the fastest first, nil after the last.
    func convolutionLoops(_ arithmetic: Arithmetic, choice: Int = 0) -> ConvolutionLoops? {
        k_convolution_of(code, arithmetic.code, choice).map(ConvolutionLoops.init)
    }

    /// Winograd's beside them; nil where integers are multiplied.
    func winogradLoops(_ arithmetic: Arithmetic, choice: Int = 0) -> WinogradLoops? {
        k_winograd_of(code, arithmetic.code, choice).map(WinogradLoops.init)
    }

    var code: k_path {
        switch self {
        case .avx512: K_AVX512
        case .avx2: K_AVX2
        case .openblas: K_OPENBLAS
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

/// `@unchecked Sendable`: the table is a constant of the program.
struct WinogradLoops: @unchecked Sendable {
    let table: UnsafePointer<k_winograd>
}

/// Number modes of the calling thread.
package enum RenderThread {
    /// Round to nearest, flush to zero, denormals are zero.
    package static func prepare() { k_prepare_thread() }
}
