// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Glibc
import Synchronization

/// The tiles of the step under way, claimed by all render threads.
///
/// Half of the threads take tiles from the front and half from the back: with two threads, each
/// works on its own half of every step, as much as their speeds allow.
///
/// A claim takes one of `unclaimed`, so nobody looks at the step before owning one of its tiles,
/// and the leader does not replace the step before each owned tile is counted in `finished`. A
/// helper that wakes too late finds nothing to claim and needs not be waited for.
///
/// `@unchecked Sendable`: `step` is written by the leader while no tile is claimed, and read by
/// owners of a tile only; the claim's acquire sees what the publishing store released.
final class TileQueue: @unchecked Sendable {
    let isFrameActive = Atomic(false)
    private let isStopping = Atomic(false)
    /// `TileRange`.
    private let unclaimed = Atomic<UInt64>(0)
    private let finished = Atomic(0)
    private let sleepers = Atomic(0)
    /// Wakes so far; helpers sleep here. A state without size would make ThreadSanitizer take the
    /// lock's own fields for it.
    private let parking = Monitor(0)
    private var step: RenderStep?

    /// How long a helper waits awake for the next step of a frame, nanoseconds: longer than most
    /// steps that one thread does alone.
    private static let spinTime: UInt64 = 1_000_000

    /// Leader only.
    func run(_ step: RenderStep, _ memory: WorkerMemory) {
        self.step = step
        finished.store(0, ordering: .relaxed)
        // In one order with a helper's "sleepers, then unclaimed": one of the two sees the other.
        unclaimed.store(
            TileRange(first: 0, end: UInt32(step.tileCount)).word, ordering: .sequentiallyConsistent
        )
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 { parking.update { $0 &+= 1 } }
        drain(from: .front, memory)
        var spin = Spin()
        while finished.load(ordering: .acquiring) < step.tileCount { spin.turn() }
    }

    /// Leader only, with no step under way.
    func endFrame() {
        isFrameActive.store(false, ordering: .relaxed)
        step = nil
    }

    /// A helper's life.
    func help(from side: TileSide, _ memory: WorkerMemory) {
        while !isStopping.load(ordering: .relaxed) {
            drain(from: side, memory)
            waitForTiles()
        }
    }

    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        parking.update { $0 &+= 1 }
    }

    private func drain(from side: TileSide, _ memory: WorkerMemory) {
        guard let first = claim(from: side), let step else { return }
        // Until the tiles done here are counted, the leader cannot go on to another step.
        step.runTile(first, memory)
        var done = 1
        while let tile = claim(from: side) {
            step.runTile(tile, memory)
            done += 1
        }
        finished.add(done, ordering: .releasing)
    }

    private func claim(from side: TileSide) -> Int? {
        var word = unclaimed.load(ordering: .relaxed)
        while true {
            var left = TileRange(word: word)
            guard let tile = left.take(from: side) else { return nil }
            let (exchanged, original) = unclaimed.weakCompareExchange(
                expected: word, desired: left.word, successOrdering: .acquiring,
                failureOrdering: .relaxed)
            if exchanged { return tile }
            word = original
        }
    }

    private func waitForTiles() {
        var spin = Spin()
        while TileRange(word: unclaimed.load(ordering: .relaxed)).isEmpty,
            !isStopping.load(ordering: .relaxed)
        {
            let spinsOn =
                isFrameActive.load(ordering: .relaxed) && spin.isShorter(than: Self.spinTime)
            if spinsOn { spin.turn() } else { return sleep() }
        }
    }

    private func sleep() {
        sleepers.add(1, ordering: .sequentiallyConsistent)
        parking.wait { _ in
            let isAwaited =
                !TileRange(word: unclaimed.load(ordering: .sequentiallyConsistent)).isEmpty
                || isStopping.load(ordering: .sequentiallyConsistent)
            return isAwaited ? () : nil
        }
        sleepers.subtract(1, ordering: .relaxed)
    }
}

/// Waiting awake: mostly by looking again, now and then by letting another thread go first, which
/// matters where the CPUs are shared with the loop or with clients.
private struct Spin {
    private var turns: UInt32 = 0
    private var started: UInt64 = 0

    private static let turnsPerYield: UInt32 = 256

    mutating func turn() {
        turns &+= 1
        if turns % Self.turnsPerYield == 0 { sched_yield() }
    }

    /// Looks at the clock only where it would yield.
    mutating func isShorter(than limit: UInt64) -> Bool {
        guard turns % Self.turnsPerYield == Self.turnsPerYield - 1 else { return true }
        let now = monotonicNow()
        if started == 0 { started = now }
        return now - started < limit
    }
}
