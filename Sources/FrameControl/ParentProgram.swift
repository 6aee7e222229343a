// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CAffinity
import Glibc

/// The program that started this one, for those that are parts of it: `frameloom walk` and its daemon and
/// gateway.
package enum ParentProgram {
    /// The option by which it is named.
    package static let option = "--ends-with"

    /// Ends this program when that one ends, also by SIGKILL: at once if it is gone already. First thing
    /// in `main`.
    package static func endWith(_ pid: Int64) {
        if end_with_parent(pid) == ESRCH { exit(0) }
    }
}
