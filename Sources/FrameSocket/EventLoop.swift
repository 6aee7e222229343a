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

    /// A turn of the loop, and what the thread did in it.
    package struct Turn: Sendable, Equatable {
        /// From the moment the kernel reported events to the next wait, nanoseconds: all but the waiting.
        package var time: UInt64 = 0
        /// Of these, on a processor.
        package var worked: UInt64 = 0
        /// How often it slept for something, as a lock, memory or a disk.
        package var sleeps = 0
        /// How often the processor was given to another thread or program.
        package var preemptions = 0
    }

    /// Called after a turn of the loop that kept it from its sockets for `blockedThreshold` or more.
    package var onBlocked: ((Turn) -> Void)?
    /// Nanoseconds.
    package var blockedThreshold: UInt64 = 100_000_000
    /// The longest turn so far, nanoseconds.
    package private(set) var longestTurn: UInt64 = 0

    /// Nanoseconds of work after which what can wait is left for the next turn.
    package static let turnBudget: UInt64 = 1_000_000
    /// The longest turn of the last 10 to 20 seconds, nanoseconds, and the most work in one.
    package var recentLongestTurn: UInt64 { max(longestTurns.last.time, longestTurns.current.time) }
    package var recentMostWork: UInt64 {
        max(longestTurns.last.worked, longestTurns.current.worked)
    }
    /// Number of the turn under way.
    private(set) var turn: UInt64 = 0

    /// Each member the largest of its kind.
    private var longestTurns = (current: Turn(), last: Turn(), since: uv_hrtime())
    private var usage = ThreadUsage()
    /// When the work of this turn was first asked for; nil before.
    private var workStart: UInt64?
    private var deferred: [() -> Void] = []
    /// Connections that had bytes when the turn's time was over.
    private var postponed: [() -> Void] = []
    /// Of these, served first in the next turn. A read and what it causes takes some tens of
    /// microseconds.
    private static let postponedPerTurn = 16
    private var deferral: LoopHandle?
    /// When the last turn ended, and what the loop had waited until then.
    private var turnStart = uv_hrtime()
    private var waited: UInt64 = 0
    private var isClosed = false

    package init() throws(SocketError) {
        let status = uv_loop_init(loop)
        guard status == 0 else {
            isClosed = true
            throw .system(call: "init", subject: "event loop", code: -status)
        }
        let counting = uv_loop_count_idle_time(loop)
        guard counting == 0 else {
            throw .system(call: "configure", subject: "event loop", code: -counting)
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
        waited = uv_metrics_idle_time(loop)
        usage = ThreadUsage.now()
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
        postponed = []
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
        turnWithoutWaiting()
    }

    /// Lets a connection read in one of the next turns, some of them in each, in the order of these
    /// calls.
    func readLater(_ resume: @escaping () -> Void) {
        postponed.append(resume)
        turnWithoutWaiting()
    }

    /// While the idle handle runs, the loop looks at its sockets without waiting.
    private func turnWithoutWaiting() {
        guard let deferral, deferral.isOpen, deferred.count + postponed.count == 1 else { return }
        uv_idle_start(deferral.pointer(as: uv_idle_t.self)) { LoopHandle.of($0)?.fired?(0) }
    }

    private func workOff() {
        let readers = postponed.prefix(Self.postponedPerTurn)
        postponed.removeFirst(readers.count)
        for resume in readers { resume() }
        // What this work adds belongs to the next turn.
        let pieces = deferred
        var done = 0
        while done < pieces.count, done == 0 || workTime < Self.turnBudget {
            pieces[done]()
            done += 1
        }
        deferred.removeFirst(done)
        if deferred.isEmpty, postponed.isEmpty, let deferral, deferral.isOpen {
            uv_idle_stop(deferral.pointer(as: uv_idle_t.self))
        }
    }

    /// A turn ends right before the next wait, where `prepare` runs. libuv's own clock is no help: each
    /// timer that is started sets it forward in the middle of a turn.
    private func watchTurns() throws(SocketError) {
        let prepare = try LoopHandle(UV_PREPARE) {
            uv_prepare_init(loop, $0.assumingMemoryBound(to: uv_prepare_t.self))
        }
        prepare.fired = { [unowned self] _ in endTurn() }
        uv_prepare_start(prepare.pointer(as: uv_prepare_t.self)) { LoopHandle.of($0)?.fired?(0) }
        let deferral = try LoopHandle(UV_IDLE) {
            uv_idle_init(loop, $0.assumingMemoryBound(to: uv_idle_t.self))
        }
        deferral.fired = { [unowned self] _ in workOff() }
        self.deferral = deferral
        uv_unref(prepare.generic)
        uv_unref(deferral.generic)
    }

    private func endTurn() {
        let now = uv_hrtime()
        let before = (usage: usage, waited: waited, start: turnStart)
        usage = ThreadUsage.now()
        waited = uv_metrics_idle_time(loop)
        turnStart = now
        let passed = now - before.start
        let turn = Turn(
            time: passed - min(passed, waited - before.waited),
            worked: usage.time - before.usage.time,
            // Of them, the wait for events was one.
            sleeps: max(0, usage.sleeps - before.usage.sleeps - 1),
            preemptions: usage.preemptions - before.usage.preemptions)
        self.turn += 1
        workStart = nil
        longestTurn = max(longestTurn, turn.time)
        longestTurns.current.time = max(longestTurns.current.time, turn.time)
        longestTurns.current.worked = max(longestTurns.current.worked, turn.worked)
        if now - longestTurns.since > 10_000_000_000 {
            longestTurns = (current: Turn(), last: longestTurns.current, since: now)
        }
        if turn.time >= blockedThreshold { onBlocked?(turn) }
    }
}

/// What the calling thread used so far.
private struct ThreadUsage {
    /// Nanoseconds.
    var time: UInt64 = 0
    var sleeps = 0
    var preemptions = 0

    /// RUSAGE_THREAD, which bits/resource.h keeps for C with GNU's extensions.
    private static let thread: Int32 = 1

    static func now() -> ThreadUsage {
        var usage = rusage()
        // A local that outlives the call.
        guard getrusage(__rusage_who_t(thread), &usage) == 0 else { return ThreadUsage() }
        func nanoseconds(_ time: timeval) -> UInt64 {
            UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1000
        }
        return ThreadUsage(
            time: nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime),
            sleeps: usage.ru_nvcsw, preemptions: usage.ru_nivcsw)
    }
}
