// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CUV
import Synchronization

/// Wakes a loop from any thread.
package final class LoopWaker: Sendable {
    /// `@unchecked Sendable`: the pointer is used under the lock only, and taken away before libuv's
    /// memory is freed.
    private struct Target: @unchecked Sendable {
        var handle: UnsafeMutablePointer<uv_async_t>?
    }

    private let target: Mutex<Target>

    init(_ handle: UnsafeMutablePointer<uv_async_t>) {
        target = Mutex(Target(handle: handle))
    }

    /// Any thread. Many wakes before the loop turns are one call of the handler; after the loop was
    /// closed nothing happens.
    package func wake() {
        target.withLock { target in
            guard let handle = target.handle else { return }
            uv_async_send(handle)
        }
    }

    /// Loop thread, before the handle's memory goes.
    func detach() {
        target.withLock { $0.handle = nil }
    }
}
