// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Glibc
import Synchronization
import Testing

@testable import FrameScheduler

@Suite struct RenderPoolTests {
    @Test(arguments: [1, 2, 3, 7]) func everyTileRunsExactlyOnce(threads: Int) throws {
        let pool = try RenderPool(.init(threadCount: threads))
        var random = SeededGenerator(state: UInt64(threads))
        let counts = (0..<2_000).map { _ in Int.random(in: 0...17, using: &random) }
        let runs = Monitor([[Int]](counts.map { [Int](repeating: 0, count: $0) }))
        let steps = counts.indices.map { index in
            makeStep(tiles: counts[index]) { tile in runs.withLock { $0[index][tile] += 1 } }
        }
        let result = try pool.render(RenderSteps(steps))
        pool.stop()
        #expect(result.isComplete)
        #expect(result.stepsRun == 2_000)
        #expect(runs.withLock { $0.allSatisfy { $0.allSatisfy { $0 == 1 } } })
    }

    /// The first and the last tile wait for each other: a second thread that took the next tile
    /// would leave the first one waiting.
    @Test func twoThreadsBeginAtBothEnds() throws {
        let pool = try RenderPool(.init(threadCount: 2))
        let met = Atomic(0)
        let step = makeStep(tiles: 6) { tile in
            guard tile == 0 || tile == 5 else { return }
            let arrived = met.add(1, ordering: .relaxed).newValue
            let limit = monotonicNow() + 10_000 * millisecond
            while arrived == 1, met.load(ordering: .relaxed) == 1, monotonicNow() < limit {
                sched_yield()
            }
            if monotonicNow() >= limit { met.store(-10, ordering: .relaxed) }
        }
        try pool.render(RenderSteps([step]))
        pool.stop()
        #expect(met.load(ordering: .relaxed) == 2)
    }

    @Test func noTileStartsBeforeTheStepBeforeHasEnded() throws {
        let pool = try RenderPool(.init(threadCount: 4))
        let ended = Atomic(0)
        let early = Atomic(0)
        let steps = (0..<3_000).map { index in
            makeStep(tiles: 6) { _ in
                if ended.load(ordering: .relaxed) < index * 6 { early.add(1, ordering: .relaxed) }
                ended.add(1, ordering: .relaxed)
            }
        }
        try pool.render(RenderSteps(steps))
        pool.stop()
        #expect(early.load(ordering: .relaxed) == 0)
        #expect(ended.load(ordering: .relaxed) == 18_000)
    }

    @Test func sameResultForOneAndManyThreads() throws {
        func render(threads: Int) throws -> [Float] {
            let pool = try RenderPool(.init(threadCount: threads))
            let values = Monitor([Float](repeating: 1, count: 64))
            let steps = (0..<50).map { step in
                makeStep(tiles: 64) { tile in
                    let left = values.withLock { $0[tile] }
                    values.withLock { $0[tile] = left * 1.01 + Float(step ^ tile) / 7 }
                }
            }
            try pool.render(RenderSteps(steps))
            pool.stop()
            return values.withLock { $0 }
        }
        let alone = try render(threads: 1)
        for threads in [2, 5] {
            let together = try render(threads: threads)
            #expect(together == alone)
        }
    }

    /// 20,000 fork-joins; at a sleep and a wake for each it would be more than 2 seconds here, and a
    /// lost wake would never end.
    @Test(.timeLimit(.minutes(1))) func emptyStepsAreQuick() throws {
        let pool = try RenderPool(.init(threadCount: 2))
        let tiles = Atomic(0)
        let step = makeStep(tiles: 2) { _ in tiles.add(1, ordering: .relaxed) }
        let result = try pool.render(RenderSteps([_](repeating: step, count: 20_000)))
        pool.stop()
        print("empty step with 2 tiles on 2 threads: \(result.times.job / 20_000) ns")
        #expect(tiles.load(ordering: .relaxed) == 40_000)
        #expect(result.times.job < 10_000 * millisecond)
    }

    /// Each tile waits until all three run, so a helper that is not woken, at the start of a frame or
    /// after it fell asleep inside of one, makes the frame late.
    @Test func helpersWakeForEachStep() throws {
        let pool = try RenderPool(.init(threadCount: 3))
        let started = Atomic(0)
        let late = Atomic(0)
        func together(_ number: Int) -> RenderStep {
            makeStep(tiles: 3) { _ in
                started.add(1, ordering: .relaxed)
                let limit = monotonicNow() + 5_000 * millisecond
                while started.load(ordering: .relaxed) < 3 * number {
                    sched_yield()
                    if monotonicNow() > limit {
                        late.add(1, ordering: .relaxed)
                        return
                    }
                }
            }
        }
        for frame in 0..<100 where late.load(ordering: .relaxed) == 0 {
            let steps = [
                together(3 * frame + 1), makeStep { _ in usleep(2_000) }, together(3 * frame + 2),
                together(3 * frame + 3),
            ]
            try pool.render(RenderSteps(steps))
        }
        pool.stop()
        #expect(late.load(ordering: .relaxed) == 0)
        #expect(started.load(ordering: .relaxed) == 900)
    }

    @Test func setupRunsOnEachThreadAndPinsIt() throws {
        let cpus = AvailableProcessors.affinity
        let threads = min(cpus.count, 2)
        let seen = Log<[Int]>()
        let pool = try RenderPool(
            .init(threadCount: threads) { seen.append(AvailableProcessors.affinity) })
        try pool.render(RenderSteps([makeStep()]))
        pool.stop()
        #expect(pool.isPinned)
        #expect(seen.all.sorted { $0[0] < $1[0] } == cpus.prefix(threads).map { [$0] })
    }

    @Test func threadsAreNotPinnedWhereThereAreTooFewCPUs() throws {
        let cpus = AvailableProcessors.affinity
        let seen = Log<[Int]>()
        let pool = try RenderPool(
            .init(threadCount: cpus.count + 1) { seen.append(AvailableProcessors.affinity) })
        pool.stop()
        #expect(!pool.isPinned)
        #expect(seen.all == [[Int]](repeating: cpus, count: cpus.count + 1))
    }

    /// Helpers that would spin between frames took all of the 200 ms.
    @Test func helpersSleepBetweenFrames() throws {
        let clocks = Log<clockid_t>()
        let pool = try RenderPool(
            .init(threadCount: 2) {
                var clock = clockid_t()
                pthread_getcpuclockid(pthread_self(), &clock)
                clocks.append(clock)
            })
        try pool.render(RenderSteps([makeStep(tiles: 4)]))
        func used() -> [Int] {
            clocks.all.map { clock in
                var time = timespec()
                clock_gettime(clock, &time)
                return time.tv_sec * 1_000_000_000 + time.tv_nsec
            }
        }
        usleep(20_000)
        let before = used()
        usleep(200_000)
        let after = used()
        pool.stop()
        #expect(before.count == 2)
        for (start, end) in zip(before, after) { #expect(end - start < 20_000_000) }
    }

    @Test func endedPoolIsLetGoOf() throws {
        weak var remains: RenderPool?
        do {
            let pool = try RenderPool(.init(threadCount: 3))
            remains = pool
            try pool.render(RenderSteps([makeStep(tiles: 9)]))
            pool.stop()
            pool.stop()
        }
        #expect(remains == nil)
    }

    @Test func failingBeginEndsTheJob() throws {
        struct Refused: Error {}
        let pool = try RenderPool(.init(threadCount: 2))
        let steps = Atomic(0)
        let finishes = Atomic(0)
        #expect(throws: Refused.self) {
            try pool.render(
                RenderSteps(
                    [makeStep { _ in steps.add(1, ordering: .relaxed) }],
                    begin: { throw Refused() }, finish: { finishes.add(1, ordering: .relaxed) }))
        }
        pool.stop()
        #expect(finishes.load(ordering: .relaxed) == 0)
        #expect(steps.load(ordering: .relaxed) == 0)
    }
}
