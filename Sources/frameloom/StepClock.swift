// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Synchronization

/// How long one step took over several frames, nanoseconds.
struct StepTime {
    var sum: UInt64 = 0
    /// In its fastest frame: what it takes where no other program takes the processor from it.
    var shortest = UInt64.max
    var longest: UInt64 = 0

    mutating func add(_ time: UInt64) {
        sum += time
        shortest = min(shortest, time)
        longest = max(longest, time)
    }
}

/// Notes how long each step of a frame takes.
///
/// It stands between the steps as steps of its own: such a one has a single tile, which the leading
/// thread runs after all tiles of the step before and ahead of the next ones.
final class StepClock: Sendable {
    private struct State {
        var last: UInt64 = 0
        var times: [StepTime] = []
    }

    private let state = Mutex(State())

    func timed(_ steps: [RenderStep]) -> [RenderStep] {
        state.withLock { $0.times = Array(repeating: StepTime(), count: steps.count) }
        guard let first = steps.first else { return [] }
        let start = mark(first.stage) { state, time in state.last = time }
        return [start]
            + steps.enumerated().flatMap { index, step in
                [
                    step,
                    mark(step.stage) { state, time in
                        state.times[index].add(time - state.last)
                        state.last = time
                    },
                ]
            }
    }

    /// Forgets what was noted until now, such as frames that only warmed up.
    func reset() {
        state.withLock { $0.times = Array(repeating: StepTime(), count: $0.times.count) }
    }

    /// In the order of the steps.
    var times: [StepTime] { state.withLock { $0.times } }

    private func mark(
        _ stage: RenderStep.Stage, _ record: @escaping @Sendable (inout State, UInt64) -> Void
    ) -> RenderStep {
        RenderStep(name: "clock", stage: stage, tileCount: 1) { [self] _, _ in
            let time = now()
            state.withLock { record(&$0, time) }
        }
    }
}
