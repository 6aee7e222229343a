// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Synchronization

/// Adds up how long each step of a frame takes.
///
/// It stands between the steps as steps of its own: such a one has a single tile, which the leading
/// thread runs after all tiles of the step before and ahead of the next ones.
final class StepClock: Sendable {
    private struct State {
        var last: UInt64 = 0
        var sums: [UInt64] = []
    }

    private let state = Mutex(State())

    func timed(_ steps: [RenderStep]) -> [RenderStep] {
        state.withLock { $0.sums = Array(repeating: 0, count: steps.count) }
        guard let first = steps.first else { return [] }
        let start = mark(first.stage) { state, time in state.last = time }
        return [start]
            + steps.enumerated().flatMap { index, step in
                [
                    step,
                    mark(step.stage) { state, time in
                        state.sums[index] += time - state.last
                        state.last = time
                    },
                ]
            }
    }

    /// Forgets what was added up until now, such as frames that only warmed up.
    func reset() {
        state.withLock { $0.sums = Array(repeating: 0, count: $0.sums.count) }
    }

    /// Nanoseconds, in the order of the steps.
    var sums: [UInt64] { state.withLock { $0.sums } }

    private func mark(
        _ stage: RenderStep.Stage, _ record: @escaping @Sendable (inout State, UInt64) -> Void
    ) -> RenderStep {
        RenderStep(name: "clock", stage: stage, tileCount: 1) { [self] _, _ in
            let time = now()
            state.withLock { record(&$0, time) }
        }
    }
}
