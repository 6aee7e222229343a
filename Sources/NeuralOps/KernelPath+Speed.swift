// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

extension KernelPath {
    /// The fastest precision first; without those that are no faster here than fp32, whose pictures
    /// are always the better ones.
    ///
    /// A precision is faster where the processor has instructions of its own for it (bf16, VNNI).
    /// bf16 comes first: its 3x3 convolutions go Winograd's way, which integers cannot. Measured at
    /// 512x512 on two cores of Zen 4, the shipped network alone: 14 ms in bf16, 15 in int8, 35 in
    /// fp32; with AVX2 alone 36 ms in fp32, 38 in both others.
    package var precisionsBySpeed: [Precision] {
        [.bf16, .int8].filter(hasOwnInstructions) + [.fp32]
    }

    private func hasOwnInstructions(for precision: Precision) -> Bool {
        // What a library does not multiply is done as on the portable path.
        self != .openblas && name(at: precision) != "\(instructions)-\(precision.rawValue)"
    }
}
