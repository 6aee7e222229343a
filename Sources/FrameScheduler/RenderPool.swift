// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Glibc
import Synchronization

/// The render threads: all of them work on the tiles of one step at a time.
///
/// One of them, the leader, goes through the steps; the others help with each. They spin between the
/// steps of a frame, where a sleep would cost more (60 us) than many steps take, and sleep between
/// frames. The threads hold the pool: it ends with `stop`, not by being let go of.
package final class RenderPool: Sendable {
    package struct Configuration: Sendable {
        /// Threads including the leader; at least 1.
        package var threadCount: Int
        /// Keeps each thread on a CPU of its own, where there are enough of them.
        package var pinsThreads: Bool
        /// Called on each thread before any work, e.g. to set its floating-point mode.
        package var threadSetup: @Sendable () -> Void

        package init(
            threadCount: Int = AvailableProcessors.count, pinsThreads: Bool = true,
            threadSetup: @escaping @Sendable () -> Void = {}
        ) {
            self.threadCount = threadCount
            self.pinsThreads = pinsThreads
            self.threadSetup = threadSetup
        }
    }

    package enum StartError: Error, Sendable, Hashable {
        /// The system gave `started` threads of the `wanted` ones.
        case threads(started: Int, wanted: Int)
    }

    package let threadCount: Int
    /// Whether each thread has a CPU of its own.
    package let isPinned: Bool

    private struct Leader {
        var work: [@Sendable () -> Void] = []
        var isStopping = false
    }

    private let tiles = TileQueue()
    private let leaderMemory = WorkerMemory()
    private let leader = Monitor(Leader())
    private let threads = Monitor<[PoolThread]>([])

    package init(_ configuration: Configuration = Configuration()) throws(StartError) {
        precondition(configuration.threadCount > 0, "a render pool needs a thread")
        threadCount = configuration.threadCount
        let cpus = AvailableProcessors.affinity
        isPinned = configuration.pinsThreads && threadCount <= cpus.count
        let setup = configuration.threadSetup
        for index in 0..<threadCount {
            let thread = PoolThread(cpu: isPinned ? cpus[index] : nil) { [self] in
                ThreadSlice.rendering.take()
                setup()
                if index == 0 { lead() } else { help(index) }
            }
            guard let thread else {
                stop()
                throw .threads(started: index, wanted: threadCount)
            }
            threads.withLock { $0.append(thread) }
        }
    }

    /// Finishes the work given to the leader, then ends the threads and waits for them. Not to be
    /// called on a render thread. Again does nothing.
    package func stop() {
        leader.update { $0.isStopping = true }
        let ending = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        // Helpers go last: the leader's work may need them.
        ending.first?.join()
        tiles.stop()
        for thread in ending.dropFirst() { thread.join() }
    }

    /// Runs steps on all threads and waits for them: for programs without sessions, and for warming
    /// up. Not while a scheduler uses the pool, nor after `stop`.
    ///
    /// - Returns: the same with what they took.
    /// - Throws: what binding the inputs threw; then no step was run.
    @discardableResult
    package func render(_ work: RenderSteps) throws -> RenderSteps {
        let result = Monitor<Result<RenderSteps, any Error>?>(nil)
        lead { [self] in
            let finished = Result { try renderAlone(work) }
            result.update { $0 = finished }
        }
        return try result.wait { $0 }.get()
    }

    /// Hands work to the leader thread, which does it after what it was given before.
    func lead(_ work: @escaping @Sendable () -> Void) {
        leader.update { $0.work.append(work) }
    }

    /// Leader only: the helpers stay awake from here on.
    func beginFrame() { tiles.isFrameActive.store(true, ordering: .relaxed) }

    /// Leader only: the helpers may sleep, and the last step is let go of.
    func endFrame() { tiles.endFrame() }

    /// Leader only: runs all tiles of a step on all threads, unless it is no part of the frame.
    func run(_ step: RenderStep) {
        if let isIdle = step.isIdle, isIdle() { return }
        if threadCount == 1 || step.tileCount <= 1 {
            for tile in 0..<step.tileCount { step.runTile(tile, leaderMemory) }
        } else {
            tiles.run(step, leaderMemory)
        }
    }

    /// The leader takes tiles from the front, the first helper from the back, and so on in turn.
    private func help(_ index: Int) {
        tiles.help(from: index % 2 == 0 ? .front : .back, WorkerMemory())
    }

    private func lead() {
        while true {
            let work = leader.wait { leader -> (@Sendable () -> Void)?? in
                if !leader.work.isEmpty { return .some(leader.work.removeFirst()) }
                return leader.isStopping ? .some(nil) : nil
            }
            guard let work else { return }
            work()
        }
    }

    private func renderAlone(_ work: RenderSteps) throws -> RenderSteps {
        var work = work
        beginFrame()
        defer { endFrame() }
        try work.begin(now: monotonicNow())
        while !work.isComplete { work.runNext(on: self) }
        work.end()
        return work
    }
}
