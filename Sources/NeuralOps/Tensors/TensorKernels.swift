// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

extension KernelPath {
    /// Kernels of the diffusion networks, of a path that `isSupported`.
    var tensorKernels: TensorKernels {
        guard let kernels = tensorKernels(choice: 0) else {
            preconditionFailure("the processor cannot run the kernel path \(rawValue)")
        }
        return kernels
    }

    /// By `choice` the fastest first, nil after the last.
    func tensorKernels(choice: Int) -> TensorKernels? {
        k_tensor_kernels_of(code, choice).map(TensorKernels.init)
    }

    /// Instructions and precision of a diffusion network, e.g. "avx512bf16-bf16".
    package func name(at precision: WeightPrecision) -> String {
        // No library multiplies for these networks.
        if self == .openblas { return KernelPath.portable.name(at: precision) }
        // Networks with fp32 weights do the same sums in all tables of a path.
        return precision == .bf16 ? "\(tensorKernels.name)-bf16" : "\(instructions)-fp32"
    }
}

/// `@unchecked Sendable`: the table is a constant of the program.
struct TensorKernels: @unchecked Sendable {
    let table: UnsafePointer<k_tensor_kernels>

    /// The instructions, e.g. "avx512bf16".
    var name: String { String(cString: table.pointee.name) }

    /// How many times as fast as in fp32 weights of this precision are multiplied.
    func speed(of precision: WeightPrecision) -> Int { hasBF16 && precision == .bf16 ? 2 : 1 }

    /// Whether products with bf16 weights round their other side to bf16 too.
    var hasBF16: Bool { table.pointee.has_bf16 != 0 }
}
