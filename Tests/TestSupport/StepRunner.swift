// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import FrameTypes
import NeuralOps
import Synchronization

/// Runs the steps of a frame in ways that must not matter.
package enum StepRunner: Sendable, CaseIterable {
    case forwards, backwards, twoThreads, threeThreads, fiveThreads

    package func run(_ steps: [RenderStep]) {
        for step in steps where step.isIdle?() != true {
            run(tileCount: step.tileCount, step.runTile)
        }
    }

    package func run(_ steps: [OpStep]) {
        for step in steps where step.isIdle?() != true {
            run(tileCount: step.tileCount, step.runTile)
        }
    }

    private func run(tileCount: Int, _ tile: @escaping @Sendable (Int, WorkerMemory) -> Void) {
        RenderThread.prepare()
        let memory = WorkerMemory()
        switch self {
        case .forwards: for index in 0..<tileCount { tile(index, memory) }
        case .backwards: for index in (0..<tileCount).reversed() { tile(index, memory) }
        case .twoThreads: Self.run(tileCount: tileCount, threads: 2, tile)
        case .threeThreads: Self.run(tileCount: tileCount, threads: 3, tile)
        case .fiveThreads: Self.run(tileCount: tileCount, threads: 5, tile)
        }
    }

    private static func run(
        tileCount: Int, threads: Int,
        _ tile: @escaping @Sendable (Int, WorkerMemory) -> Void
    ) {
        let claims = Claims()
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            RenderThread.prepare()
            let memory = WorkerMemory()
            while case let index = claims.claim(), index < tileCount { tile(index, memory) }
        }
    }

    private final class Claims: Sendable {
        private let next = Atomic(0)

        func claim() -> Int { next.add(1, ordering: .relaxed).oldValue }
    }
}
