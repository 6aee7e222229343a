// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Synchronization

/// Renders the jobs of all sessions on one pool, one at a time. All its calls are for any thread.
///
/// Results wait in a list until they are taken; `onResult` says that there are some. `JobQueue` says
/// in which order jobs run. It holds itself until `stop` and `join`.
package final class Scheduler: Sendable {
    /// What the render threads do and did.
    package struct Statistics: Sendable {
        /// Nanoseconds since the start that a job was being rendered.
        package var busyTime: UInt64
        /// Share of the last second that a job was being rendered, 0 to 1.
        package var load: Double
        /// Jobs that have not started.
        package var waitingCount: Int
        /// Jobs that started and stand aside for another one.
        package var setAsideCount: Int
        package var isRendering: Bool
    }

    private enum Phase { case running, finishing, stopped }

    private struct State {
        var queue = JobQueue()
        var results: [JobResult] = []
        var meter = LoadMeter()
        var phase = Phase.running
        /// Session of the job that the leader works on.
        var current: UInt64?
        var cancelsCurrent = false
        /// Jobs taken out of the queue whose results are not in the list yet.
        var dropping = 0
        /// Sessions to forget as soon as their last job is over.
        var ending: Set<UInt64> = []
    }

    private enum Next {
        case job(RenderJob)
        case end
    }

    private enum AfterStep {
        case goOn
        case cancel
        case giveWay(RenderJob?)
    }

    private struct Dropped {
        var waiting: [RenderJob] = []
        var setAside: [RenderJob] = []
    }

    private let pool: RenderPool
    private let onResult: @Sendable () -> Void
    private let state = Monitor(State())
    /// When the leader last got on with a job; 0 while it has none.
    private let heartbeat = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - pool: used by nothing else until `join`, which ends it.
    ///   - onResult: called on a render thread, or on the thread that cancels.
    package init(pool: RenderPool, onResult: @escaping @Sendable () -> Void) {
        self.pool = pool
        self.onResult = onResult
        pool.lead { [self] in lead() }
    }

    /// Queues a job. After `stop` it is reported as cancelled.
    package func submit(_ job: RenderJob) {
        let dropped = state.update { state in
            state.ending.remove(job.session)
            if state.phase == .running {
                state.queue.submit(job)
                return Dropped()
            }
            state.dropping += 1
            return Dropped(waiting: [job])
        }
        drop(dropped)
    }

    /// The results so far, oldest first, each once.
    package func takeResults() -> [JobResult] {
        state.withLock { state in
            defer { state.results = [] }
            return state.results
        }
    }

    /// Cancels all jobs of a session that ends, and forgets what it cost. Call it for each session
    /// that was ever submitted for. A job under way is reported when its current step ends, as
    /// finished if that was its last.
    package func cancel(session: UInt64) {
        drop(
            state.update { state in
                if state.current == session { state.cancelsCurrent = true }
                state.ending.insert(session)
                let dropped = Self.remove([session], started: true, from: &state)
                forgetEnded(session, &state)
                return dropped
            })
    }

    /// Takes no more jobs and cancels the waiting ones; returns at once. A second call can turn a
    /// patient stop into an impatient one.
    ///
    /// - Parameter finishRunning: whether jobs that have started are finished, or cancelled at the
    ///   end of the current step.
    package func stop(finishRunning: Bool) {
        drop(
            state.update { state in
                if state.phase == .running { state.phase = .finishing }
                if !finishRunning, state.current != nil { state.cancelsCurrent = true }
                return Self.remove(state.queue.sessions, started: !finishRunning, from: &state)
            })
    }

    /// Whether `stop` was called and the last result is there.
    package var isStopped: Bool { state.withLock { $0.phase == .stopped } }

    /// After `stop`: waits for the last job and ends the pool's threads.
    package func join() { pool.stop() }

    package var statistics: Statistics {
        state.withLock { state in
            Statistics(
                busyTime: state.meter.total, load: state.meter.load(now: monotonicNow()),
                waitingCount: state.queue.waitingCount, setAsideCount: state.queue.setAsideCount,
                isRendering: state.current != nil)
        }
    }

    /// Nanoseconds since the render threads last ended a step; 0 if they have nothing to do. For a
    /// watchdog: steps take milliseconds, so seconds mean that they hang.
    package func stalledTime(now: UInt64) -> UInt64 {
        let last = heartbeat.load(ordering: .relaxed)
        return last == 0 || last > now ? 0 : now - last
    }

    // MARK: Leader thread

    private func lead() {
        var next = nextJob()
        while let job = next {
            next = perform(job) ?? nextJob()
        }
        rest()
        onResult()
    }

    /// Sleeps until there is a job; nil: none will come.
    private func nextJob() -> RenderJob? {
        var next = state.withLock(takeNext)
        if next == nil {
            rest()
            next = state.wait(takeNext)
        }
        guard case .job(let job)? = next else { return nil }
        heartbeat.store(monotonicNow(), ordering: .relaxed)
        pool.beginFrame()
        return job
    }

    /// Nothing to render: the helpers may sleep and no progress is expected.
    private func rest() {
        pool.endFrame()
        heartbeat.store(0, ordering: .relaxed)
    }

    private func takeNext(_ state: inout State) -> Next? {
        if let job = state.queue.takeNext() {
            state.current = job.session
            return .job(job)
        }
        guard state.phase != .running, state.dropping == 0 else { return nil }
        state.phase = .stopped
        return .end
    }

    /// Works on a job until it is over or gives way; the answer is the job that it gives way to.
    private func perform(_ job: RenderJob) -> RenderJob? {
        var job = job
        if !job.hasStarted {
            do {
                try job.work.begin(now: monotonicNow())
            } catch {
                end(job, .failed(error), last: job.work.times.job)
                return nil
            }
            let elapsed = job.work.times.job
            state.withLock { Self.charge(elapsed, to: job.session, &$0) }
        }
        while !job.work.isComplete {
            let elapsed = job.work.runNext(on: pool)
            heartbeat.store(monotonicNow(), ordering: .relaxed)
            switch state.withLock({ afterStep(job, elapsed, &$0) }) {
            case .goOn: continue
            case .giveWay(let successor): return successor
            case .cancel: return finish(&job, .cancelled)
            }
        }
        return finish(&job, .finished)
    }

    private func afterStep(
        _ job: RenderJob, _ elapsed: UInt64, _ state: inout State
    ) -> AfterStep {
        Self.charge(elapsed, to: job.session, &state)
        if job.work.isComplete { return .goOn }
        if state.cancelsCurrent { return .cancel }
        guard let successor = state.queue.successor(of: job) else { return .goOn }
        let next = state.queue.setAside(job, for: successor)
        state.current = next?.session
        return .giveWay(next)
    }

    private func finish(_ job: inout RenderJob, _ outcome: JobResult.Outcome) -> RenderJob? {
        let before = job.work.times.job
        job.work.end()
        end(job, outcome, last: job.work.times.job - before)
        return nil
    }

    /// - Parameter last: nanoseconds that were not charged yet.
    private func end(_ job: RenderJob, _ outcome: JobResult.Outcome, last: UInt64) {
        let result = job.result(outcome)
        var cost: UInt64?
        if case .finished = outcome { cost = job.work.times.job }
        state.update { state in
            Self.charge(last, to: job.session, &state)
            state.queue.end(job, cost: cost)
            state.current = nil
            state.cancelsCurrent = false
            state.results.append(result)
            forgetEnded(job.session, &state)
        }
        onResult()
    }

    private static func charge(_ elapsed: UInt64, to session: UInt64, _ state: inout State) {
        state.queue.charge(session, elapsed)
        state.meter.add(elapsed, now: monotonicNow())
    }

    // MARK: Cancelling

    private static func remove(
        _ sessions: [UInt64], started: Bool, from state: inout State
    ) -> Dropped {
        var dropped = Dropped()
        for session in sessions {
            dropped.waiting += state.queue.removeWaiting(of: session)
            guard started, let job = state.queue.removeSetAside(of: session) else { continue }
            dropped.setAside.append(job)
        }
        state.dropping += dropped.waiting.count + dropped.setAside.count
        return dropped
    }

    /// Reports jobs that were taken out of the queue. Until a job set aside has let go of its inputs
    /// its workspace stays held.
    private func drop(_ dropped: Dropped) {
        guard !dropped.waiting.isEmpty || !dropped.setAside.isEmpty else { return }
        let finished = dropped.setAside.map { job in
            var job = job
            job.work.end()
            return job
        }
        state.update { state in
            for job in finished { state.queue.end(job, cost: nil) }
            state.results += (finished + dropped.waiting).map { $0.result(.cancelled) }
            state.dropping -= dropped.waiting.count + dropped.setAside.count
        }
        onResult()
    }

    private func forgetEnded(_ session: UInt64, _ state: inout State) {
        guard state.current != session, state.ending.contains(session) else { return }
        state.queue.forget(session)
        state.ending.remove(session)
    }
}
