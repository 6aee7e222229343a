// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

extension KernelPath {
    /// The fastest precision first, as measured on the compact network; without those that are no
    /// faster here than fp32, whose pictures are always the better ones.
    package var precisionsBySpeed: [Precision] {
        switch self {
        case .avx512: [.int8] + (hasBF16Products ? [.bf16] : []) + [.fp32]
        case .avx2: [.int8, .fp32]
        case .portable: [.fp32]
        }
    }

    /// Elsewhere they are computed as fp32, which saves memory and no time.
    private var hasBF16Products: Bool { k_run_ceiling(code, K_NUMBER_BF16, 1) > 0 }
}
