// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

extension KernelPath {
    /// Kernels of the diffusion networks, of a path that `isSupported`.
    var tensorKernels: TensorKernels {
        let code: k_path =
            switch self {
            case .avx512: K_AVX512
            case .avx2: K_AVX2
            case .portable: K_PORTABLE
            }
        guard let table = k_tensor_kernels_of(code) else {
            preconditionFailure("the processor cannot run the kernel path \(rawValue)")
        }
        return TensorKernels(table: table)
    }
}

/// `@unchecked Sendable`: the table is a constant of the program.
struct TensorKernels: @unchecked Sendable {
    let table: UnsafePointer<k_tensor_kernels>
}
