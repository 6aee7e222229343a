// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// The processor that this program runs on.
package enum Processor {
    /// What it calls itself, e.g. "AMD EPYC 9B14 00a10f11"; printable ASCII.
    package static let name: String = {
        // Scratch of the call, which ends it with a zero.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(K_PROCESSOR_NAME)) { name in
            guard let start = name.baseAddress else { return "" }
            k_processor_name(start)
            return String(cString: start)
        }
    }()
}
