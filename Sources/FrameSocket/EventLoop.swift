// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CUV
import Glibc

/// The loop that owns sockets, timers and signals. It and everything made from it belong to the
/// thread that calls `run`; the only call from other threads is `LoopWaker.wake`.
package final class EventLoop {
    let loop = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
    /// Where bytes land that have no storage of their own. Shared by all connections: libuv fills it
    /// and hands it over before it reads anything else.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)

    /// Called after a turn of the loop that kept it from its sockets for `blockedThreshold` or more.
    package var onBlocked: ((_ nanoseconds: UInt64) -> Void)?
    /// Nanoseconds; the clock behind the start of a turn counts milliseconds.
    package var blockedThreshold: UInt64 = 100_000_000
    /// The longest turn so far, nanoseconds.
    package private(set) var longestTurn: UInt64 = 0

    /// Nanoseconds of work after which what can wait is left for the next turn.
    package static let turnBudget: UInt64 = 1_000_000
    /// The longest turn of the last 10 to 20 seconds, nanoseconds.
    package var recentLongestTurn: UInt64 { max(longestTurns.last, longestTurns.current) }
    /// Number of the turn under way.
    private(set) var turn: UInt64 = 0

    private var longestTurns = (current: UInt64(0), last: UInt64(0), since: uv_hrtime())
    /// When the work of this turn was first asked for; nil before.
    private var workStart: UInt64?
    private var deferred: [() -> Void] = []
    private var deferral: LoopHandle?
    private var turnStart = uv_hrtime()
    private var isClosed = false

    package init() throws(SocketError) {
        let status = uv_loop_init(loop)
        guard status == 0 else {
            isClosed = true
            throw .system(call: "init", subject: "event loop", code: -status)
        }
        try watchTurns()
    }

    deinit {
        close()
        loop.deallocate()
        scratch.deallocate()
    }

    /// Nanoseconds of the monotonic clock.
    package static var now: UInt64 { uv_hrtime() }

    /// Runs until `stop`, or until nothing is left to wait for.
    package func run() {
        turnStart = uv_hrtime()
        uv_run(loop, UV_RUN_DEFAULT)
    }

    /// Lets `run` return after the current turn.
    package func stop() {
        uv_stop(loop)
    }

    /// Closes whatever is still open and gives the loop's memory back. Writes under way are
    /// reported as cancelled. The loop cannot run again.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        deferral = nil
        deferred = []
        uv_walk(
            loop,
            { handle, _ in
                guard let open = LoopHandle.of(handle) else { return }
                if let connection = open.connection { connection.abort() } else { open.close() }
            }, nil)
        // The close callbacks run from here. A `stop` that came too late ends the first round early.
        while uv_run(loop, UV_RUN_DEFAULT) != 0 {}
        let status = uv_loop_close(loop)
        precondition(status == 0, "a libuv handle survived the close of its loop")
    }

    /// Calls `handler` on the loop thread whenever one of the signals arrives.
    package func onSignals(
        _ numbers: [Int32], _ handler: @escaping (_ number: Int32) -> Void
    ) throws(SocketError) {
        for number in numbers {
            let handle = try LoopHandle(UV_SIGNAL) {
                uv_signal_init(loop, $0.assumingMemoryBound(to: uv_signal_t.self))
            }
            handle.fired = handler
            let status = uv_signal_start(
                handle.pointer(as: uv_signal_t.self),
                { signal, number in LoopHandle.of(signal)?.fired?(number) }, number)
            guard status == 0 else {
                handle.close()
                throw .system(call: "sigaction", subject: "signal \(number)", code: -status)
            }
            uv_unref(handle.generic)
        }
    }

    package func makeTimer(_ handler: @escaping () -> Void) throws(SocketError) -> LoopTimer {
        try LoopTimer(loop: self, handler)
    }

    /// - Parameter handler: called on the loop thread, once for any number of wakes before it.
    package func makeWaker(_ handler: @escaping () -> Void) throws(SocketError) -> LoopWaker {
        let handle = try LoopHandle(UV_ASYNC) {
            uv_async_init(loop, $0.assumingMemoryBound(to: uv_async_t.self)) {
                LoopHandle.of($0)?.fired?(0)
            }
        }
        let waker = LoopWaker(handle.pointer(as: uv_async_t.self))
        handle.fired = { _ in handler() }
        handle.didClose = { waker.detach() }
        return waker
    }

    /// Nanoseconds since the first call in this turn, which every read makes.
    package var workTime: UInt64 {
        let now = uv_hrtime()
        guard let workStart else {
            self.workStart = now
            return 0
        }
        return now - workStart
    }

    /// Does work on the next turns, in the order of these calls: at least one piece a turn, and more
    /// while the turn is within its budget. For what comes in numbers that clients decide.
    package func later(_ work: @escaping () -> Void) {
        deferred.append(work)
        guard let deferral, deferred.count == 1 else { return }
        // While it runs, the loop looks at its sockets without waiting.
        uv_idle_start(deferral.pointer(as: uv_idle_t.self)) { LoopHandle.of($0)?.fired?(0) }
    }

    private func workOff() {
        // What this work adds belongs to the next turn.
        let pieces = deferred
        var done = 0
        while done < pieces.count, done == 0 || workTime < Self.turnBudget {
            pieces[done]()
            done += 1
        }
        deferred.removeFirst(done)
        if deferred.isEmpty, let deferral, deferral.isOpen {
            uv_idle_stop(deferral.pointer(as: uv_idle_t.self))
        }
    }

    /// One turn is measured from the moment the kernel reports events to the next wait. The `check`
    /// handle runs after the sockets' callbacks, `prepare` right before the next wait.
    private func watchTurns() throws(SocketError) {
        let check = try LoopHandle(UV_CHECK) {
            uv_check_init(loop, $0.assumingMemoryBound(to: uv_check_t.self))
        }
        let prepare = try LoopHandle(UV_PREPARE) {
            uv_prepare_init(loop, $0.assumingMemoryBound(to: uv_prepare_t.self))
        }
        // libuv takes its time when the wait ends.
        check.fired = { [unowned self] _ in turnStart = uv_now(loop) * 1_000_000 }
        prepare.fired = { [unowned self] _ in endTurn() }
        uv_check_start(check.pointer(as: uv_check_t.self)) { LoopHandle.of($0)?.fired?(0) }
        uv_prepare_start(prepare.pointer(as: uv_prepare_t.self)) { LoopHandle.of($0)?.fired?(0) }
        let deferral = try LoopHandle(UV_IDLE) {
            uv_idle_init(loop, $0.assumingMemoryBound(to: uv_idle_t.self))
        }
        deferral.fired = { [unowned self] _ in workOff() }
        self.deferral = deferral
        uv_unref(check.generic)
        uv_unref(prepare.generic)
        uv_unref(deferral.generic)
    }

    private func endTurn() {
        let now = uv_hrtime()
        let busy = now > turnStart ? now - turnStart : 0
        turn += 1
        workStart = nil
        longestTurn = max(longestTurn, busy)
        longestTurns.current = max(longestTurns.current, busy)
        if now - longestTurns.since > 10_000_000_000 {
            longestTurns = (current: 0, last: longestTurns.current, since: now)
        }
        if busy >= blockedThreshold { onBlocked?(busy) }
    }
}
