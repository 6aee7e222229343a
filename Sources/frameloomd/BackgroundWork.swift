// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import Foundation
import FrameScheduler
import Synchronization

/// Work that would keep the loop from its sockets, done in order on a thread of its own; its answer
/// comes back to the loop thread, which owns this object.
///
/// With a share of less than 1 the thread rests after each piece, so that however much is asked for,
/// the work takes no more than that part of a core from the render threads.
final class BackgroundWork {
    private let queue: DispatchQueue
    private let wake: @Sendable () -> Void
    private let restPerWork: Double
    private let finished = Finished()
    private var waiting: [UInt64: () -> Void] = [:]
    private var nextID: UInt64 = 0

    private final class Finished: Sendable {
        let ids = Mutex<[UInt64]>([])
    }

    private final class Slot<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
    }

    /// - Parameters:
    ///   - share: of the thread's time, above 0 to 1.
    ///   - wake: lets the loop thread call `takeFinished`. Any thread.
    init(label: String, share: Double = 1, wake: @escaping @Sendable () -> Void) {
        queue = DispatchQueue(label: label, qos: .utility)
        restPerWork = 1 / share - 1
        self.wake = wake
    }

    /// Pieces that have not been handed back.
    var count: Int { waiting.count }

    /// - Parameters:
    ///   - work: on the background thread.
    ///   - completion: on the loop thread, once, from `takeFinished`.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value, then completion: @escaping (Value) -> Void
    ) {
        let id = nextID
        nextID += 1
        let slot = Slot<Value>()
        waiting[id] = {
            guard let value = slot.value.withLock({ $0.take() }) else { return }
            completion(value)
        }
        queue.async { [finished, wake, restPerWork] in
            ThreadSlice.background.take()
            let start = Self.processorTime()
            let value = work()
            slot.value.withLock { $0 = value }
            finished.ids.withLock { $0.append(id) }
            wake()
            guard restPerWork > 0 else { return }
            let busy = Self.processorTime() - start
            usleep(UInt32(min(Double(busy) / 1000 * restPerWork, 500_000)))
        }
    }

    /// Of the calling thread, nanoseconds: what it waited for the processor took nobody's time.
    private static func processorTime() -> UInt64 {
        var time = timespec()
        // A local that outlives the call.
        guard unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Loop thread, after a wake: at least one, and more while there is time; the rest after another
    /// wake.
    func takeFinished(while hasTime: () -> Bool) {
        repeat {
            let id = finished.ids.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            guard let id else { return }
            waiting.removeValue(forKey: id)?()
        } while hasTime()
        if finished.ids.withLock({ !$0.isEmpty }) { wake() }
    }
}
