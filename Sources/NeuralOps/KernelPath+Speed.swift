// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

extension KernelPath {
    /// The fastest precision first; without those that are no faster here than fp32, whose pictures
    /// are always the better ones.
    ///
    /// A precision is faster where the processor has instructions of its own for it (VNNI, bf16).
    /// Without them Winograd's way in fp32 takes no more: measured at 512x512 on two cores with AVX2
    /// alone, 46 and 49 ms in fp32, 61 and 68 in int8, 46 and 39 in bf16, whose products are fp32
    /// there.
    package var precisionsBySpeed: [Precision] {
        [.int8, .bf16].filter(hasOwnInstructions) + [.fp32]
    }

    private func hasOwnInstructions(for precision: Precision) -> Bool {
        name(at: precision) != "\(rawValue)-\(precision.rawValue)"
    }
}
