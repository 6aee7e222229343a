// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameScheduler
import FrameTypes
import NeuralDenoiser
import Synchronization

/// Measures a processor's ceiling on all threads of a pool at once, as they render.
final class CeilingMeter: Sendable {
    private let ceiling: Ceiling
    private let pool: RenderPool
    private let milliseconds: Double
    private let started = Atomic(0)
    private let speed = Mutex(0.0)

    init(_ ceiling: Ceiling, pool: RenderPool, milliseconds: Double = 50) {
        self.ceiling = ceiling
        self.pool = pool
        self.milliseconds = milliseconds
    }

    /// Operations a second of all threads together.
    func measure() throws -> Double {
        started.store(0, ordering: .relaxed)
        speed.withLock { $0 = 0 }
        let step = RenderStep(name: "ceiling", stage: .render, tileCount: pool.threadCount) {
            [self] _, _ in
            // Each thread holds its tile until all have one, so that none takes two.
            started.add(1, ordering: .relaxed)
            let deadline = now() + 20_000_000
            while started.load(ordering: .relaxed) < pool.threadCount, now() < deadline {}
            let mine = ceiling.operationsPerSecond(milliseconds: milliseconds)
            speed.withLock { $0 += mine }
        }
        try pool.render(RenderSteps([step]))
        return speed.withLock { $0 }
    }
}
