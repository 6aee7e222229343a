// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// Ctrl-C while a clip is rendered: asked for instead of dying from, so that what was rendered is
/// still written and reported.
///
/// The signals are held back from here on, also in threads that are started later, until `end`.
final class Interruption {
    private var signals = sigset_t()
    private var previous = sigset_t()
    private var isHolding = true

    init() {
        // Both sets are this object's own, here and below.
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGINT)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, &previous)
    }

    deinit { end() }

    var isRequested: Bool {
        var pending = sigset_t()
        unsafe sigpending(&pending)
        return unsafe sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1
    }

    /// Takes what came meanwhile, so that it does not strike now; the next one ends the program.
    func end() {
        guard isHolding else { return }
        isHolding = false
        var noWait = timespec()
        while unsafe sigtimedwait(&signals, nil, &noWait) > 0 {}
        unsafe pthread_sigmask(SIG_SETMASK, &previous, nil)
    }
}
