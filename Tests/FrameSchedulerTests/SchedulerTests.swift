// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Glibc
import Synchronization
import Testing

@testable import FrameScheduler

@Suite(.timeLimit(.minutes(1))) struct SchedulerTests {
    /// Steps that write the session into `log`; `action` runs inside of step `index`.
    private static func steps(
        _ session: UInt64, _ count: Int, into log: Log<UInt64>, at index: Int = -1,
        _ action: @escaping @Sendable () -> Void = {}
    ) -> [RenderStep] {
        (0..<count).map { number in
            makeStep { _ in
                log.append(session)
                usleep(500)
                if number == index { action() }
            }
        }
    }

    @Test func jobsOfManySessionsFinishInTheirOrder() throws {
        let bench = try Bench()
        for id: UInt64 in 1...20 {
            for session: UInt64 in 1...5 { bench.scheduler.submit(makeJob(session, id: id)) }
        }
        let results = bench.results(100)
        bench.end()
        #expect(results.count == 100)
        #expect(results.allSatisfy { $0.isFinished })
        for session: UInt64 in 1...5 {
            #expect(results.filter { $0.session == session }.map(\.id) == Array(1...20))
        }
    }

    @Test func longJobIsSetAsideForAShortOneWithinOneStep() throws {
        let bench = try Bench()
        let log = Log<UInt64>()
        let scheduler = bench.scheduler
        let short = makeJob(2, steps: Self.steps(2, 3, into: log))
        bench.scheduler.submit(
            makeJob(
                1, steps: Self.steps(1, 60, into: log, at: 9) { scheduler.submit(short) }))
        let results = bench.results(2)
        bench.end()
        let expected =
            [UInt64](repeating: 1, count: 10) + [2, 2, 2] + [UInt64](repeating: 1, count: 50)
        #expect(log.all == expected)
        #expect(results.map(\.session) == [2, 1])
        #expect(results.last?.timesSetAside == 1)
        #expect(results.last?.stepsRun == 60)
        // Standing aside is not rendering.
        if let long = results.last, let start = long.startedAt {
            #expect(long.times.job < long.finishedAt - start)
        }
    }

    @Test func failingBeginIsReportedAndTheNextJobRuns() throws {
        struct Refused: Error {}
        let bench = try Bench()
        let finishes = Atomic(0)
        let steps = Atomic(0)
        bench.scheduler.submit(
            makeJob(
                1, id: 1, steps: [makeStep { _ in steps.add(1, ordering: .relaxed) }],
                begin: { throw Refused() }, finish: { finishes.add(1, ordering: .relaxed) }))
        bench.scheduler.submit(makeJob(1, id: 2))
        let results = bench.results(2)
        bench.end()
        guard case .failed(let error)? = results.first?.outcome else {
            Issue.record("results \(results)")
            return
        }
        #expect(error is Refused)
        #expect(steps.load(ordering: .relaxed) == 0)
        #expect(finishes.load(ordering: .relaxed) == 0)
        #expect(results.last?.isFinished == true)
    }

    @Test func cancelledSessionEndsAfterTheCurrentStep() throws {
        let bench = try Bench()
        let log = Log<UInt64>()
        let finishes = Atomic(0)
        let scheduler = bench.scheduler
        bench.scheduler.submit(
            makeJob(
                1, id: 1,
                steps: Self.steps(1, 50, into: log, at: 4) { scheduler.cancel(session: 1) },
                finish: { finishes.add(1, ordering: .relaxed) }))
        bench.scheduler.submit(makeJob(1, id: 2))
        bench.scheduler.submit(makeJob(2, id: 3))
        let results = bench.results(3).sorted { $0.id < $1.id }
        bench.end()
        #expect(results.map(\.isCancelled) == [true, true, false])
        #expect(results.map(\.stepsRun) == [5, 0, 1])
        #expect(results.map { $0.startedAt == nil } == [false, true, false])
        #expect(log.all.count == 5)
        #expect(finishes.load(ordering: .relaxed) == 1)
    }

    @Test func cancelledJobThatStoodAsideFreesItsWorkspace() throws {
        let bench = try Bench()
        let log = Log<UInt64>()
        let finishes = Atomic(0)
        let scheduler = bench.scheduler
        let short = makeJob(
            2, steps: Self.steps(2, 2, into: log, at: 0) { scheduler.cancel(session: 1) })
        bench.scheduler.submit(
            makeJob(
                1, workspace: "wanted",
                steps: Self.steps(1, 50, into: log, at: 2) { scheduler.submit(short) },
                finish: { finishes.add(1, ordering: .relaxed) }))
        bench.scheduler.submit(makeJob(3, workspace: "wanted"))
        let results = bench.results(3)
        bench.end()
        #expect(log.all == [1, 1, 1, 2, 2])
        #expect(finishes.load(ordering: .relaxed) == 1)
        #expect(results.first { $0.session == 1 }?.isCancelled == true)
        #expect(results.first { $0.session == 2 }?.isFinished == true)
        #expect(results.first { $0.session == 3 }?.isFinished == true)
    }

    @Test func stopFinishesWhatHasStarted() throws {
        let bench = try Bench()
        let log = Log<UInt64>()
        let scheduler = bench.scheduler
        // Stops while session 1 stands aside for session 2 and session 3 waits.
        let short = makeJob(
            2, steps: Self.steps(2, 2, into: log, at: 0) { scheduler.stop(finishRunning: true) })
        bench.scheduler.submit(
            makeJob(
                1, workspace: "shared",
                steps: Self.steps(1, 30, into: log, at: 2) { scheduler.submit(short) }))
        bench.scheduler.submit(makeJob(3, workspace: "shared"))
        let results = bench.results(3)
        bench.scheduler.join()
        #expect(results.first { $0.session == 1 }?.isFinished == true)
        #expect(results.first { $0.session == 2 }?.isFinished == true)
        #expect(results.first { $0.session == 3 }?.isCancelled == true)
        #expect(log.all.filter { $0 == 1 }.count == 30)
        #expect(bench.scheduler.isStopped)
        bench.scheduler.submit(makeJob(4))
        #expect(bench.results(1).first?.isCancelled == true)
    }

    @Test func impatientStopEndsAfterTheCurrentStep() throws {
        let bench = try Bench()
        let log = Log<UInt64>()
        let scheduler = bench.scheduler
        bench.scheduler.submit(
            makeJob(
                1,
                steps: Self.steps(1, 1_000, into: log, at: 3) {
                    scheduler.stop(finishRunning: true)
                    scheduler.stop(finishRunning: false)
                }))
        let results = bench.results(1)
        bench.scheduler.join()
        #expect(results.first?.isCancelled == true)
        #expect(log.all.count == 4)
        #expect(bench.scheduler.isStopped)
    }

    @Test func stoppedSchedulerIsLetGoOf() throws {
        weak var remains: Scheduler?
        do {
            let bench = try Bench()
            remains = bench.scheduler
            bench.scheduler.submit(makeJob(1))
            _ = bench.results(1)
            bench.end()
        }
        #expect(remains == nil)
    }

    /// Two workspaces and who uses them.
    private final class Workspaces: Sendable {
        let users = Monitor([0, 0])
        let clashes = Atomic(0)
        let begun = Atomic(0)
        let finished = Atomic(0)

        func job(_ session: UInt64, _ id: UInt64) -> RenderJob {
            let key = Int(session % 2)
            return makeJob(
                session, id: id, workspace: "\(key)",
                steps: (0..<Int(id % 7) + 1).map { _ in makeStep(tiles: 5) },
                begin: { [self] in
                    begun.add(1, ordering: .relaxed)
                    let count = count(key, 1)
                    if count != 1 { clashes.add(1, ordering: .relaxed) }
                },
                finish: { [self] in
                    finished.add(1, ordering: .relaxed)
                    _ = count(key, -1)
                })
        }

        private func count(_ key: Int, _ change: Int) -> Int {
            users.withLock {
                $0[key] += change
                return $0[key]
            }
        }
    }

    private static func submitAtRandom(
        _ seed: UInt64, to scheduler: Scheduler, _ workspaces: Workspaces
    ) {
        var random = SeededGenerator(state: seed)
        for id: UInt64 in 1...1_500 {
            let session = seed * 10 + UInt64.random(in: 0..<4, using: &random)
            scheduler.submit(workspaces.job(session, id))
            if Int.random(in: 0..<20, using: &random) == 0 { scheduler.cancel(session: session) }
        }
    }

    /// Three threads submit and cancel: each job is reported once, and no workspace is ever used by
    /// two at a time.
    @Test func everyJobIsAccountedForAndWorkspacesAreNotShared() async throws {
        let bench = try Bench(threads: 3)
        let workspaces = Workspaces()
        let scheduler = bench.scheduler
        await withTaskGroup(of: Void.self) { group in
            for seed: UInt64 in 1...3 {
                group.addTask { Self.submitAtRandom(seed, to: scheduler, workspaces) }
            }
        }
        let results = bench.results(4_500)
        bench.end()
        #expect(results.count == 4_500)
        #expect(bench.scheduler.takeResults().isEmpty)
        #expect(Set(results.map { [$0.session, $0.id] }).count == results.count)
        #expect(workspaces.clashes.load(ordering: .relaxed) == 0)
        let begun = workspaces.begun.load(ordering: .relaxed)
        #expect(begun == workspaces.finished.load(ordering: .relaxed))
        #expect(begun >= results.filter { $0.isFinished }.count)
        #expect(bench.scheduler.statistics.waitingCount == 0)
        #expect(bench.scheduler.statistics.setAsideCount == 0)
    }

    @Test func hangingStepShowsInTheStalledTime() throws {
        let bench = try Bench()
        let scheduler = bench.scheduler
        let seen = Log<UInt64>()
        #expect(scheduler.stalledTime(now: monotonicNow()) == 0)
        scheduler.submit(
            makeJob(
                1,
                steps: [
                    makeStep { _ in
                        usleep(30_000)
                        seen.append(scheduler.stalledTime(now: monotonicNow()))
                    }
                ]))
        _ = bench.results(1)
        #expect(seen.all.count == 1 && seen.all[0] >= 30 * millisecond)
        #expect(scheduler.statistics.busyTime >= 30 * millisecond)
        #expect(scheduler.statistics.load >= 0.03)
        bench.end()
        #expect(scheduler.stalledTime(now: monotonicNow()) == 0)
    }
}
