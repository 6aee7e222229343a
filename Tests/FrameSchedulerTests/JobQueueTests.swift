// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Testing

@testable import FrameScheduler

@Suite struct JobQueueTests {
    /// Steps of 5 ms.
    private static func frame(
        _ session: UInt64, _ id: UInt64 = 1, milliseconds: Int, deadline: UInt64? = nil,
        workspace: String? = nil
    ) -> RenderJob {
        makeJob(
            session, id: id, deadline: deadline, workspace: workspace,
            steps: [RenderStep](repeating: makeStep(), count: milliseconds / 5))
    }

    /// Runs the queue on a clock of its own; each session in `costs` sends its next frame as soon as
    /// the last is done.
    private struct Simulation {
        var queue = JobQueue()
        var costs: [UInt64: Int]
        var now: UInt64 = 0
        var used: [UInt64: UInt64] = [:]
        var order: [UInt64] = []
        var timesSetAside = 0
        private var id: UInt64 = 0

        init(costs: [UInt64: Int]) {
            self.costs = costs
            for session in costs.keys.sorted() { send(session) }
        }

        mutating func send(_ session: UInt64) {
            guard let cost = costs[session] else { return }
            id += 1
            queue.submit(JobQueueTests.frame(session, id, milliseconds: cost))
        }

        mutating func run(until end: UInt64) {
            var next: RenderJob?
            while now < end, let taken = next ?? queue.takeNext() {
                next = nil
                var running = taken
                order.append(running.session)
                while !running.work.isComplete, next == nil {
                    running.work.record(5 * millisecond)
                    now += 5 * millisecond
                    used[running.session, default: 0] += 5 * millisecond
                    queue.charge(running.session, 5 * millisecond)
                    if !running.work.isComplete, let successor = queue.successor(of: running) {
                        timesSetAside += 1
                        next = queue.setAside(running, for: successor)
                    }
                }
                guard next == nil else { continue }
                queue.end(running, cost: running.work.times.job)
                send(running.session)
            }
        }
    }

    /// Of a job that is taken for the first time.
    private static func started(_ job: RenderJob?) -> UInt64? {
        guard let job, job.work.stepsRun == 0 else { return nil }
        return job.id
    }

    @Test func framesOfASessionKeepTheirOrder() {
        var queue = JobQueue()
        for id in 1...5 { queue.submit(makeJob(1, id: UInt64(id))) }
        for id in 1...5 {
            let job = queue.takeNext()
            #expect(Self.started(job) == UInt64(id))
            // The second frame needs the history of the first: never both at once.
            #expect(queue.takeNext() == nil)
            queue.end(makeJob(1), cost: millisecond)
        }
        #expect(queue.waitingCount == 0)
    }

    @Test func laterFrameDoesNotPassItsSessionsSetAsideOne() {
        var queue = JobQueue()
        queue.submit(Self.frame(1, 1, milliseconds: 500))
        guard var running = queue.takeNext() else {
            Issue.record("nothing to start")
            return
        }
        running.work.record(5 * millisecond)
        queue.charge(1, 5 * millisecond)
        queue.submit(Self.frame(1, 2, milliseconds: 5))
        #expect(queue.successor(of: running) == nil)
        queue.submit(Self.frame(2, 3, milliseconds: 5))
        #expect(Self.started(queue.setAside(running, for: 2)) == 3)
        queue.charge(2, 5 * millisecond)
        queue.end(Self.frame(2, 3, milliseconds: 5), cost: 5 * millisecond)
        let resumed = queue.takeNext()
        #expect(resumed?.id == 1)
        #expect(resumed?.work.stepsRun == 1)
        #expect(resumed?.timesSetAside == 1)
    }

    @Test func leastChargedSessionGoesFirst() {
        var queue = JobQueue()
        for session: UInt64 in [1, 2, 3] { queue.submit(makeJob(session, id: session)) }
        queue.charge(1, 300 * millisecond)
        queue.charge(2, 100 * millisecond)
        queue.charge(3, 200 * millisecond)
        #expect(Self.started(queue.takeNext()) == 2)
        #expect(Self.started(queue.takeNext()) == 3)
        #expect(Self.started(queue.takeNext()) == 1)
    }

    /// 20 ms against 1 s a frame, both always waiting. The share of the expensive one can be off by a
    /// frame of it.
    @Test func cheapAndExpensiveSessionShareTheTime() {
        var simulation = Simulation(costs: [1: 20, 2: 1_000])
        simulation.run(until: 60_000 * millisecond)
        let cheap = Double(simulation.used[1] ?? 0) / Double(simulation.now)
        #expect(cheap > 0.48 && cheap < 0.52, "the cheap session had \(cheap) of the time")
    }

    @Test func threeSessionsOfAnyCostShareTheTime() {
        var simulation = Simulation(costs: [1: 15, 2: 80, 3: 400])
        simulation.run(until: 60_000 * millisecond)
        for (session, time) in simulation.used {
            let share = Double(time) / Double(simulation.now)
            #expect(share > 0.31 && share < 0.36, "session \(session) had \(share) of the time")
        }
    }

    @Test func framesOfLikeCostAreNotCutIntoPieces() {
        var simulation = Simulation(costs: [1: 80, 2: 80])
        simulation.run(until: 20_000 * millisecond)
        // Only first frames, whose cost is not known, are let through.
        #expect(simulation.timesSetAside <= 2)
        #expect(abs(Int64(simulation.used[1] ?? 0) - Int64(simulation.used[2] ?? 0)) <= 80_000_000)
    }

    @Test func newcomerDoesNotCatchUpWithThePast() {
        var simulation = Simulation(costs: [1: 50])
        simulation.run(until: 30_000 * millisecond)
        simulation.costs[2] = 50
        simulation.send(2)
        let before = simulation.used[1] ?? 0
        simulation.run(until: 31_000 * millisecond)
        let share = Double((simulation.used[1] ?? 0) - before) / 1_000_000_000
        #expect(share >= 0.4 && share <= 0.6, "the older session had \(share) of the next second")
    }

    @Test func pausedSessionSavesNothing() {
        var simulation = Simulation(costs: [1: 50, 2: 50])
        simulation.run(until: 1_000 * millisecond)
        simulation.costs[2] = nil
        simulation.run(until: 20_000 * millisecond)
        simulation.costs[2] = 50
        simulation.send(2)
        let before = simulation.used[1] ?? 0
        simulation.run(until: 21_000 * millisecond)
        let share = Double((simulation.used[1] ?? 0) - before) / 1_000_000_000
        #expect(share >= 0.4 && share <= 0.6, "the busy session had \(share) of the next second")
    }

    @Test func earliestDeadlineGoesFirstAmongEquals() {
        var queue = JobQueue()
        queue.submit(makeJob(1, id: 1))
        queue.submit(makeJob(2, id: 2, deadline: 900))
        queue.submit(makeJob(3, id: 3, deadline: 800))
        #expect(Self.started(queue.takeNext()) == 3)
        #expect(Self.started(queue.takeNext()) == 2)
        #expect(Self.started(queue.takeNext()) == 1)
    }

    @Test func deadlineBuysNothingBeyondTheShare() {
        var queue = JobQueue()
        queue.submit(makeJob(1, id: 1))
        queue.submit(makeJob(2, id: 2, deadline: 1))
        queue.charge(2, millisecond)
        #expect(Self.started(queue.takeNext()) == 1)
    }

    @Test func jobWaitsForItsWorkspace() {
        var queue = JobQueue()
        queue.submit(makeJob(1, id: 1, workspace: "shared"))
        queue.submit(makeJob(2, id: 2, workspace: "shared"))
        queue.submit(makeJob(3, id: 3, workspace: "own"))
        queue.charge(3, 500 * millisecond)
        #expect(Self.started(queue.takeNext()) == 1)
        #expect(Self.started(queue.takeNext()) == 3)
        #expect(queue.takeNext() == nil)
        queue.end(makeJob(1, workspace: "shared"), cost: millisecond)
        #expect(Self.started(queue.takeNext()) == 2)
    }

    @Test func runningJobDoesNotGiveWayToOneThatNeedsItsWorkspace() {
        var queue = JobQueue()
        queue.submit(Self.frame(1, milliseconds: 500, workspace: "shared"))
        guard var running = queue.takeNext() else {
            Issue.record("nothing to start")
            return
        }
        running.work.record(5 * millisecond)
        queue.charge(1, 5 * millisecond)
        queue.submit(Self.frame(2, milliseconds: 5, workspace: "shared"))
        queue.charge(1, 5 * millisecond)
        #expect(queue.successor(of: running) == nil)
        queue.submit(Self.frame(3, milliseconds: 5, workspace: "own"))
        queue.charge(1, 5 * millisecond)
        #expect(queue.successor(of: running) == 3)
    }

    @Test func removedJobsAreNotStarted() {
        var queue = JobQueue()
        for id: UInt64 in [7, 8] { queue.submit(makeJob(1, id: id)) }
        queue.submit(makeJob(2, id: 9))
        #expect(queue.removeWaiting(of: 1).map(\.id) == [7, 8])
        #expect(queue.removeWaiting(of: 1).isEmpty)
        #expect(queue.removeWaiting(of: 3).isEmpty)
        #expect(queue.waitingCount == 1)
        #expect(Self.started(queue.takeNext()) == 9)
        #expect(queue.takeNext() == nil)
    }
}
