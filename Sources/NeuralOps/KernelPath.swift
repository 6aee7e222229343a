// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Which compiled form of the kernels does the sums. Results differ in the last bits between paths,
/// never within one.
package enum KernelPath: String, CaseIterable, Sendable {
    case avx512, avx2, portable

    /// The fastest path that this machine can run.
    package static var best: KernelPath {
        allCases.first { $0.isSupported } ?? .portable
    }

    package var isSupported: Bool { self == .portable }
}
