// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// One thread of the pool.
struct PoolThread {
    private let thread: pthread_t

    /// - Parameter cpu: the only CPU that may run it; nil: any.
    init?(cpu: Int?, _ body: @escaping @Sendable () -> Void) {
        final class Start {
            let cpu: Int?
            let body: @Sendable () -> Void
            init(cpu: Int?, body: @escaping @Sendable () -> Void) {
                self.cpu = cpu
                self.body = body
            }
        }
        let start = unsafe Unmanaged.passRetained(Start(cpu: cpu, body: body))
        var thread = pthread_t()
        // The new thread takes the reference that was just made; if there is none it is taken here.
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                if let cpu = start.cpu { AvailableProcessors.pinThread(to: cpu) }
                start.body()
                return nil
            }, start.toOpaque())
        guard status == 0 else {
            unsafe start.release()
            return nil
        }
        self.thread = thread
    }

    func join() {
        // Once, by the pool that made the thread.
        pthread_join(thread, nil)
    }
}
