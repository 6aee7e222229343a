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
            session, frame: id, deadline: deadline, workspace: workspace,
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
        private var frameID: UInt64 = 0

        init(costs: [UInt64: Int]) {
            self.costs = costs
            for session in costs.keys.sorted() { send(session) }
        }

        mutating func send(_ session: UInt64) {
            guard let cost = costs[session] else { return }
            frameID += 1
            queue.submit(JobQueueTests.frame(session, frameID, milliseconds: cost))
        }

        mutating func run(until end: UInt64) {
            var next: JobQueue.Turn?
            while now < end, let turn = next ?? queue.takeNext() {
                next = nil
                var running: RunningJob
                switch turn {
                case .start(let job): running = RunningJob(job, now: now)
                case .resume(let job): running = job
                }
                order.append(turn.session)
                while !running.isComplete, next == nil {
                    running.record(5 * millisecond)
                    now += 5 * millisecond
                    used[turn.session, default: 0] += 5 * millisecond
                    queue.charge(turn.session, 5 * millisecond)
                    if !running.isComplete, let successor = queue.successor(of: running) {
                        timesSetAside += 1
                        next = queue.setAside(running, for: successor)
                    }
                }
                guard next == nil else { continue }
                queue.end(running.job, cost: running.times.total)
                send(turn.session)
            }
        }
    }

    private static func started(_ turn: JobQueue.Turn?) -> UInt64? {
        guard case .start(let job)? = turn else { return nil }
        return job.frameID
    }

    @Test func framesOfASessionKeepTheirOrder() {
        var queue = JobQueue()
        for id in 1...5 { queue.submit(makeJob(1, frame: UInt64(id))) }
        for id in 1...5 {
            let turn = queue.takeNext()
            #expect(Self.started(turn) == UInt64(id))
            // The second frame needs the history of the first: never both at once.
            #expect(queue.takeNext() == nil)
            queue.end(makeJob(1), cost: millisecond)
        }
        #expect(queue.waitingCount == 0)
    }

    @Test func laterFrameDoesNotPassItsSessionsSetAsideOne() {
        var queue = JobQueue()
        queue.submit(Self.frame(1, 1, milliseconds: 500))
        guard case .start(let job)? = queue.takeNext() else {
            Issue.record("nothing to start")
            return
        }
        var running = RunningJob(job, now: 0)
        running.record(5 * millisecond)
        queue.charge(1, 5 * millisecond)
        queue.submit(Self.frame(1, 2, milliseconds: 5))
        #expect(queue.successor(of: running) == nil)
        queue.submit(Self.frame(2, 3, milliseconds: 5))
        #expect(Self.started(queue.setAside(running, for: 2)) == 3)
        queue.charge(2, 5 * millisecond)
        queue.end(Self.frame(2, 3, milliseconds: 5), cost: 5 * millisecond)
        guard case .resume(let resumed)? = queue.takeNext() else {
            Issue.record("the job set aside does not go on")
            return
        }
        #expect(resumed.job.frameID == 1)
        #expect(resumed.timesSetAside == 1)
    }

    @Test func leastChargedSessionGoesFirst() {
        var queue = JobQueue()
        for session: UInt64 in [1, 2, 3] { queue.submit(makeJob(session, frame: session)) }
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
        // Only a first frame of unknown cost is let through.
        #expect(simulation.timesSetAside <= 1)
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
        queue.submit(makeJob(1, frame: 1))
        queue.submit(makeJob(2, frame: 2, deadline: 900))
        queue.submit(makeJob(3, frame: 3, deadline: 800))
        queue.charge(3, JobQueue.slack)
        #expect(Self.started(queue.takeNext()) == 3)
        #expect(Self.started(queue.takeNext()) == 2)
        #expect(Self.started(queue.takeNext()) == 1)
    }

    @Test func deadlineDoesNotBuyMoreThanTheSlack() {
        var queue = JobQueue()
        queue.submit(makeJob(1, frame: 1))
        queue.submit(makeJob(2, frame: 2, deadline: 1))
        queue.charge(2, JobQueue.slack + 1)
        #expect(Self.started(queue.takeNext()) == 1)
    }

    @Test func jobWaitsForItsWorkspace() {
        var queue = JobQueue()
        queue.submit(makeJob(1, frame: 1, workspace: "shared"))
        queue.submit(makeJob(2, frame: 2, workspace: "shared"))
        queue.submit(makeJob(3, frame: 3, workspace: "own"))
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
        guard case .start(let job)? = queue.takeNext() else {
            Issue.record("nothing to start")
            return
        }
        var running = RunningJob(job, now: 0)
        running.record(5 * millisecond)
        queue.charge(1, 5 * millisecond)
        queue.submit(Self.frame(2, milliseconds: 5, workspace: "shared"))
        queue.charge(1, 5 * millisecond)
        #expect(queue.successor(of: running) == nil)
        queue.submit(Self.frame(3, milliseconds: 5, workspace: "own"))
        queue.charge(1, 5 * millisecond)
        #expect(queue.successor(of: running) == 3)
    }

    @Test func withdrawnFrameIsNotStarted() {
        var queue = JobQueue()
        queue.submit(makeJob(1, frame: 7))
        queue.submit(makeJob(1, frame: 8))
        #expect(queue.withdraw(session: 1, frameID: 7)?.frameID == 7)
        #expect(queue.withdraw(session: 1, frameID: 7) == nil)
        #expect(queue.withdraw(session: 2, frameID: 8) == nil)
        #expect(Self.started(queue.takeNext()) == 8)
        #expect(queue.withdraw(session: 1, frameID: 8) == nil)
    }
}
