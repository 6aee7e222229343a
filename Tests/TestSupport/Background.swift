// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import Foundation
import Synchronization

/// Blocking work on a thread of its own, for tests that need two ends to wait at the same time.
package final class Background<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)
    private let done = DispatchSemaphore(value: 0)

    package init(_ work: @escaping @Sendable () throws -> Value) {
        Thread.detachNewThread { [self] in
            let result = Result { try work() }
            outcome.withLock { $0 = result }
            done.signal()
        }
    }

    package var isDone: Bool { outcome.withLock { $0 != nil } }

    /// Waits for the end; may be called once.
    package func value(seconds: Double = 60) throws -> Value {
        guard done.wait(timeout: .now() + seconds) == .success,
            let result = outcome.withLock({ $0 })
        else { throw BackgroundTimeout() }
        return try result.get()
    }
}

package struct BackgroundTimeout: Error {
    package init() {}
}
