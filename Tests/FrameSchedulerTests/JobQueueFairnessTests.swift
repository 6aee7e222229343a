// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Testing

@testable import FrameScheduler

/// A client of the simulation: what it sends, and what it got.
private struct Player {
    enum Habit {
        /// Sends the next frame when the last one is done.
        case greedy
        /// The same in a session of its own for each frame.
        case reconnecting
        /// Sends a frame every so many nanoseconds.
        case paced(UInt64)
        /// The same in a session of its own for each frame, of steps whose first takes half of it.
        case hopping(UInt64)

        var period: UInt64? {
            switch self {
            case .greedy, .reconnecting: nil
            case .paced(let period), .hopping(let period): period
            }
        }

        var isHopping: Bool { if case .hopping = self { true } else { false } }
    }

    var habit: Habit
    var user: UInt32
    /// Milliseconds of one frame.
    var cost: Int
    /// Nanoseconds from sending to the wish; nil: none.
    var budget: UInt64?
    /// Nanoseconds that were rendered for it.
    var used: UInt64 = 0
    /// From sending to done, of each frame.
    var latencies: [UInt64] = []
    var nextDue: UInt64 = 0

    init(_ habit: Habit, user: UInt32 = 1, cost: Int, budget: UInt64? = nil) {
        self.habit = habit
        self.user = user
        self.cost = cost
        self.budget = budget
    }

    /// The worst of a hundred.
    var worst: UInt64 {
        let sorted = latencies.sorted()
        return sorted.isEmpty ? .max : sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
    }
}

/// Runs the queue on a clock of its own, in steps of 5 ms or the rest of a frame.
private struct Simulation {
    var queue = JobQueue()
    var players: [Player]
    var now: UInt64 = 0
    private var sentAt: [UInt64: (player: Int, time: UInt64)] = [:]
    private var sessions: [UInt64]
    private var nextSession: UInt64 = 1
    private var nextJob: UInt64 = 1

    init(_ players: [Player]) {
        self.players = players
        sessions = []
        for index in players.indices {
            sessions.append(nextSession)
            nextSession += 1
            if players[index].habit.period != nil { continue }
            send(index)
        }
    }

    private mutating func send(_ index: Int) {
        let player = players[index]
        let count = player.habit.isHopping ? 11 : (player.cost + 4) / 5
        let job = makeJob(
            sessions[index], id: nextJob, user: player.user,
            deadline: player.budget.map { now + $0 },
            workspace: player.habit.isHopping ? "of player \(index)" : nil,
            steps: [RenderStep](repeating: makeStep(), count: count))
        sentAt[nextJob] = (index, now)
        nextJob += 1
        queue.submit(job)
    }

    private mutating func sendPaced() {
        for index in players.indices {
            guard let period = players[index].habit.period else { continue }
            while players[index].nextDue <= now {
                send(index)
                players[index].nextDue += period
            }
        }
    }

    mutating func run(milliseconds: UInt64) {
        let end = now + milliseconds * millisecond
        while now < end {
            sendPaced()
            guard var next = queue.takeNext() else {
                now += millisecond
                continue
            }
            while let successor = work(&next) { next = successor }
        }
    }

    /// Until the job is done or gives way.
    private mutating func work(_ job: inout RenderJob) -> RenderJob? {
        guard let sent = sentAt[job.id] else { return nil }
        let cost = UInt64(players[sent.player].cost) * millisecond
        while !job.work.isComplete {
            let step =
                !players[sent.player].habit.isHopping
                ? 5 * millisecond : job.work.stepsRun == 0 ? cost / 2 : cost / 20
            let elapsed = min(step, cost - job.work.times.job)
            job.work.record(elapsed)
            now += elapsed
            players[sent.player].used += elapsed
            queue.charge(job.session, elapsed)
            sendPaced()
            if !job.work.isComplete, let successor = queue.successor(of: job) {
                return queue.setAside(job, for: successor)
            }
        }
        queue.end(job, cost: job.work.times.job)
        players[sent.player].latencies.append(now - sent.time)
        switch players[sent.player].habit {
        case .greedy: send(sent.player)
        case .reconnecting:
            queue.forget(job.session)
            sessions[sent.player] = nextSession
            nextSession += 1
            send(sent.player)
        case .hopping:
            queue.forget(job.session)
            sessions[sent.player] = nextSession
            nextSession += 1
        case .paced: break
        }
        return nil
    }

    func share(of indices: Range<Int>) -> Double {
        Double(players[indices].reduce(0) { $0 + $1.used }) / Double(now)
    }
}

@Suite struct JobQueueFairnessTests {
    /// The good client of the issue: 128x128, 20 a second, about 3 ms a frame.
    private static func good(user: UInt32 = 1, budget: UInt64? = nil) -> Player {
        Player(.paced(50 * millisecond), user: user, cost: 3, budget: budget)
    }

    @Test(arguments: [1, 3, 8], [UInt32(1), 2])
    func reconnectingDoesNotPassWhoStays(count: Int, user: UInt32) {
        var simulation = Simulation(
            [Self.good()]
                + [Player](repeating: Player(.reconnecting, user: user, cost: 20), count: count))
        simulation.run(milliseconds: 40_000)
        let good = simulation.players[0]
        #expect(good.latencies.count >= 798)
        // A step of the others and its own work; its first frame waits with the others' first ones.
        #expect(good.worst <= 13 * millisecond, "\(good.worst / millisecond) ms")
    }

    /// They ask for as much as they can get, and so does the one that stays: all get the same.
    @Test(arguments: [1, 3]) func whoReconnectsGetsAnEqualPartOnly(count: Int) {
        var simulation = Simulation(
            [Player(.greedy, cost: 20)]
                + [Player](repeating: Player(.reconnecting, cost: 20), count: count))
        simulation.run(milliseconds: 40_000)
        let share = simulation.share(of: 0..<1)
        let equal = 1 / Double(count + 1)
        #expect(abs(share - equal) < 0.03, "\(share) instead of \(equal)")
    }

    @Test(arguments: [UInt32(1), 2], [UInt64?.none, 50 * millisecond])
    func whoAsksForLittleDoesNotWaitForGreedyOnes(user: UInt32, budget: UInt64?) {
        var simulation = Simulation(
            [Self.good(budget: budget)]
                + [Player](repeating: Player(.greedy, user: user, cost: 60), count: 8))
        simulation.run(milliseconds: 40_000)
        let good = simulation.players[0]
        #expect(good.latencies.count >= 798)
        #expect(good.worst <= 13 * millisecond, "\(good.worst / millisecond) ms")
    }

    /// What is expected of a session's first frame comes from other frames of its kind: as long as it
    /// was made up from the first step, such a frame was set aside for whole frames of others.
    @Test func firstFramesAreNotSetAsideForLongerOnes() {
        var simulation = Simulation(
            [Player(.hopping(50 * millisecond), user: 1, cost: 4)]
                + [Player](repeating: Player(.greedy, user: 2, cost: 16), count: 8))
        simulation.run(milliseconds: 40_000)
        let good = simulation.players[0]
        #expect(good.latencies.count >= 798)
        #expect(good.worst <= 10 * millisecond, "\(good.worst / millisecond) ms")
    }

    @Test func twoUsersGetHalfTheTimeEach() {
        var simulation = Simulation(
            [Player(.greedy, user: 1, cost: 20)]
                + [Player](repeating: Player(.greedy, user: 2, cost: 35), count: 15))
        simulation.run(milliseconds: 30_000)
        let share = simulation.share(of: 0..<1)
        #expect(abs(share - 0.5) < 0.01, "\(share)")
    }

    @Test func equalSessionsOfOneUserGetTheSame() {
        var simulation = Simulation(
            [Player](repeating: Player(.greedy, cost: 15), count: 16))
        simulation.run(milliseconds: 60_000)
        let counts = simulation.players.map(\.latencies.count)
        let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
        #expect(Double(most - least) <= 0.05 * Double(most), "\(counts)")
    }

    /// Two sessions of 40 % each, and a greedy one of the same user: both budgets are kept.
    @Test func budgetsWithinTheUsersShareAreKept() {
        var simulation = Simulation([
            Player(.paced(100 * millisecond), cost: 30, budget: 100 * millisecond),
            Player(.paced(100 * millisecond), cost: 30, budget: 60 * millisecond),
            Player(.greedy, cost: 80),
        ])
        simulation.run(milliseconds: 20_000)
        for (player, budget) in [(0, 100), (1, 60)] {
            let worst = simulation.players[player].worst
            #expect(worst <= UInt64(budget) * millisecond, "\(worst / millisecond) ms")
        }
    }

    /// A budget moves time within its user's share and takes none of another user's.
    @Test func budgetBuysNothingFromAnotherUser() {
        var simulation = Simulation([
            Player(.greedy, user: 1, cost: 20, budget: millisecond),
            Player(.greedy, user: 2, cost: 20),
        ])
        simulation.run(milliseconds: 20_000)
        #expect(abs(simulation.share(of: 0..<1) - 0.5) < 0.01)
    }

    /// Random numbers of random clients: nobody's debt or credit grows.
    @Test func nobodyFallsBehindWithoutBound() {
        var random = SeededGenerator(state: 17)
        for _ in 0..<40 {
            let count = Int.random(in: 2...9, using: &random)
            let players = (0..<count).map { _ in
                let cost = Int.random(in: 1...80, using: &random)
                let user = UInt32.random(in: 1...3, using: &random)
                return Player(
                    Bool.random(using: &random) ? .greedy : .reconnecting, user: user, cost: cost)
            }
            var simulation = Simulation(players)
            simulation.run(milliseconds: 20_000)
            let users = Dictionary(grouping: simulation.players, by: \.user)
            for (user, own) in users {
                let used = own.reduce(0) { $0 + $1.used }
                let equal = simulation.now / UInt64(users.count)
                #expect(used + 100 * millisecond > equal, "user \(user) of \(users.count)")
                for player in own {
                    // Whoever ends his sessions loses what he was owed; it hurts nobody else.
                    guard case .greedy = player.habit else { continue }
                    let part = equal / UInt64(own.count)
                    #expect(player.used + 200 * millisecond > part, "\(player.cost) ms a frame")
                }
            }
        }
    }

    /// Whose workspace is held by a job set aside gets it soon: that job runs in its place.
    @Test func heldWorkspaceIsHandedOn() {
        var queue = JobQueue()
        let steps = [RenderStep](repeating: makeStep(), count: 100)
        queue.submit(makeJob(1, id: 1, workspace: "shared", steps: steps))
        guard var first = queue.takeNext() else {
            Issue.record("nothing to start")
            return
        }
        first.work.record(5 * millisecond)
        queue.charge(1, 5 * millisecond)
        queue.submit(makeJob(2, id: 2))
        guard let successor = queue.successor(of: first),
            let second = queue.setAside(first, for: successor)
        else {
            Issue.record("the long job does not give way")
            return
        }
        #expect(second.id == 2)
        // It wants what the first job holds, and would come before a third session.
        queue.submit(makeJob(3, id: 3, user: 7, workspace: "shared"))
        queue.charge(2, millisecond)
        queue.end(second, cost: millisecond)
        guard var resumed = queue.takeNext() else {
            Issue.record("nothing goes on")
            return
        }
        #expect(resumed.id == 1)
        // Nor does it give way again, a step later, to its own user's short frames.
        resumed.work.record(millisecond)
        queue.charge(1, millisecond)
        queue.submit(makeJob(4, id: 4))
        #expect(queue.successor(of: resumed) == nil)
        #expect(queue.removeWaiting(of: 3).map(\.id) == [3])
        queue.charge(1, millisecond)
        #expect(queue.successor(of: resumed) == 4)
    }
}
