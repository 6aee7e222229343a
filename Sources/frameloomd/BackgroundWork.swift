// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import Foundation
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
            let start = DispatchTime.now().uptimeNanoseconds
            let value = work()
            slot.value.withLock { $0 = value }
            finished.ids.withLock { $0.append(id) }
            wake()
            guard restPerWork > 0 else { return }
            let busy = DispatchTime.now().uptimeNanoseconds - start
            usleep(UInt32(min(Double(busy) / 1000 * restPerWork, 500_000)))
        }
    }

    /// Loop thread, after a wake.
    func takeFinished() {
        let ids = finished.ids.withLock { ids in
            defer { ids.removeAll() }
            return ids
        }
        for id in ids { waiting.removeValue(forKey: id)?() }
    }
}
