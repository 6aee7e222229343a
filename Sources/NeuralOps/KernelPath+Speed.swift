// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

extension KernelPath {
    /// The fastest precision first; without those that are no faster here than fp32, whose pictures
    /// are always the better ones.
    ///
    /// A precision is faster where the processor has instructions of its own for it (bf16, VNNI), and
    /// bf16 with AVX2 as well: half of the bytes to read and write, and the same arithmetic. It comes
    /// first: its 3x3 convolutions go Winograd's way, which integers cannot. Measured at 512x512 on two
    /// cores of Zen 4 held to AVX2, whole frames: 21 ms in bf16, 25 to 29 in fp32, 30 to 33 in int8.
    package var precisionsBySpeed: [Precision] {
        [.bf16, .int8].filter(isFaster) + [.fp32]
    }

    private func isFaster(in precision: Precision) -> Bool {
        if self == .avx2, precision == .bf16 { return true }
        // What a library does not multiply is done as on the portable path.
        return self != .openblas && name(at: precision) != "\(instructions)-\(precision.rawValue)"
    }
}
