// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CUV

/// Calls back after a time, once or again and again. Loop thread only; letting go of it ends it.
package final class LoopTimer {
    private let handle: LoopHandle

    init(loop: EventLoop, _ handler: @escaping () -> Void) throws(SocketError) {
        handle = try LoopHandle(UV_TIMER) {
            uv_timer_init(loop.loop, $0.assumingMemoryBound(to: uv_timer_t.self))
        }
        handle.fired = { _ in handler() }
    }

    deinit { handle.close() }

    /// - Parameters:
    ///   - after: milliseconds to the first call.
    ///   - every: milliseconds between further calls; 0: only one call.
    package func start(after: UInt64, every: UInt64 = 0) {
        guard handle.isOpen else { return }
        // libuv counts from the start of its turn, which may be long ago.
        uv_update_time(handle.generic.pointee.loop)
        uv_timer_start(
            handle.pointer(as: uv_timer_t.self), { LoopHandle.of($0)?.fired?(0) }, after, every)
    }

    package func stop() {
        guard handle.isOpen else { return }
        uv_timer_stop(handle.pointer(as: uv_timer_t.self))
    }
}
