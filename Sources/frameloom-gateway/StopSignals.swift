// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc
import Synchronization

/// SIGINT and SIGTERM, waited for by a thread of their own, so that no code of ours runs in a signal
/// handler.
final class StopSignals: Sendable {
    private let stopping = Atomic(false)

    /// Before any other thread: they all must hold the signals back.
    init() {
        var signals = Self.set
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    var isStopping: Bool { stopping.load(ordering: .acquiring) }

    /// - Parameter action: called on another thread, once.
    func onSignal(_ action: @escaping @Sendable () -> Void) {
        let waiting = Unmanaged.passRetained(Waiting(signals: self, action: action))
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { object in
                guard let object else { return nil }
                // The reference that `onSignal` made.
                let waiting = Unmanaged<Waiting>.fromOpaque(object).takeRetainedValue()
                var signals = StopSignals.set
                var number: Int32 = 0
                sigwait(&signals, &number)
                waiting.signals.stopping.store(true, ordering: .releasing)
                waiting.action()
                return nil
            }, waiting.toOpaque())
        pthread_detach(thread)
    }

    private static var set: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        return signals
    }

    private final class Waiting: Sendable {
        let signals: StopSignals
        let action: @Sendable () -> Void

        init(signals: StopSignals, action: @escaping @Sendable () -> Void) {
            self.signals = signals
            self.action = action
        }
    }
}
