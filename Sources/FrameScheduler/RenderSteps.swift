// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Steps to run on the render threads, how far they are and what they took: all that a program
/// without sessions needs.
package struct RenderSteps: Sendable {
    package let steps: [RenderStep]
    /// Binds the inputs. Leader thread, once, before the first step; counts as converting.
    private let begin: @Sendable () throws -> Void
    /// Lets go of the inputs. Once if `begin` succeeded, also when the job is cancelled. Leader
    /// thread, or the cancelling thread for a job that was set aside; counts as encoding.
    private let finish: @Sendable () -> Void

    /// Nanoseconds of the monotonic clock; nil before `begin`.
    package private(set) var startedAt: UInt64?
    package private(set) var stepsRun = 0
    /// Without the times that they were set aside.
    package private(set) var times = StageTimes()

    package init(
        _ steps: [RenderStep], begin: @escaping @Sendable () throws -> Void = {},
        finish: @escaping @Sendable () -> Void = {}
    ) {
        self.steps = steps
        self.begin = begin
        self.finish = finish
    }

    var isComplete: Bool { stepsRun == steps.count }

    mutating func begin(now: UInt64) throws {
        startedAt = now
        defer { times.add(monotonicNow() - now, to: .convert) }
        try begin()
    }

    /// - Returns: nanoseconds.
    @discardableResult
    mutating func runNext(on pool: RenderPool) -> UInt64 {
        let start = monotonicNow()
        pool.run(steps[stepsRun])
        let elapsed = monotonicNow() - start
        record(elapsed)
        return elapsed
    }

    /// Counts one more step as done.
    mutating func record(_ nanoseconds: UInt64) {
        times.add(nanoseconds, to: steps[stepsRun].stage)
        stepsRun += 1
    }

    mutating func end() {
        let start = monotonicNow()
        finish()
        times.add(monotonicNow() - start, to: .encode)
    }
}
