// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import FrameTypes

@testable import FrameScheduler

let millisecond: UInt64 = 1_000_000

func workspace(_ model: String) -> WorkspaceKey {
    WorkspaceKey(model: model, size: FrameSize(width: 64, height: 64))
}

func makeStep(tiles: Int = 1, _ body: @escaping @Sendable (Int) -> Void = { _ in }) -> RenderStep {
    RenderStep(name: "step", stage: .render, tileCount: tiles) { tile, _ in body(tile) }
}

/// A job whose workspace is its session's own unless another one is named.
func makeJob(
    _ session: UInt64, id: UInt64 = 1, user: UInt32 = 0, deadline: UInt64? = nil,
    workspace key: String? = nil, steps: [RenderStep] = [makeStep()],
    begin: @escaping @Sendable () throws -> Void = {},
    finish: @escaping @Sendable () -> Void = {}
) -> RenderJob {
    RenderJob(
        id: id, session: session, user: user, deadline: deadline,
        workspace: workspace(key ?? "session \(session)"),
        work: RenderSteps(steps, begin: begin, finish: finish))
}

/// A scheduler with its results, gathered until it is stopped.
final class Bench: Sendable {
    let scheduler: Scheduler
    private let arrival = DispatchSemaphore(value: 0)

    init(threads: Int = 2) throws {
        let arrival = self.arrival
        scheduler = Scheduler(pool: try RenderPool(.init(threadCount: threads))) {
            arrival.signal()
        }
    }

    /// Waits for this many results, or for 20 seconds, which no test needs.
    func results(_ count: Int) -> [JobResult] {
        var results = scheduler.takeResults()
        while results.count < count, arrival.wait(timeout: .now() + 20) == .success {
            results += scheduler.takeResults()
        }
        return results
    }

    func end() {
        scheduler.stop(finishRunning: false)
        scheduler.join()
    }
}

extension JobResult {
    var isFinished: Bool { if case .finished = outcome { true } else { false } }
    var isCancelled: Bool { if case .cancelled = outcome { true } else { false } }
}

/// A list that any thread appends to. Our own lock, because ThreadSanitizer does not see into the
/// standard library's.
final class Log<Element: Sendable>: Sendable {
    private let list = Monitor<[Element]>([])

    func append(_ element: Element) { list.withLock { $0.append(element) } }
    var all: [Element] { list.withLock { $0 } }
}

/// The same numbers on each run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 29) ^ state
    }
}
