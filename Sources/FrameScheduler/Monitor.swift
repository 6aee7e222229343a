// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// A value under a lock, and threads that wait for it to change.
///
/// `@unchecked Sendable`: `state` is touched only while the mutex is held.
@safe
final class Monitor<State>: @unchecked Sendable {
    // pthreads wants its objects at a fixed address: they live as long as this one.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    init(_ state: sending State) {
        self.state = state
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        // Nobody waits on an object that nobody refers to.
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        // Initialised by `init`, destroyed by `deinit` only.
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Changes the value and lets the waiting threads look at it.
    func update<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        // Initialised by `init`, destroyed by `deinit` only.
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(condition)
            unsafe pthread_mutex_unlock(mutex)
        }
        return try body(&state)
    }

    /// Sleeps until `body` has an answer; it is asked again after each `update`.
    func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        // Initialised by `init`, destroyed by `deinit` only.
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            unsafe pthread_cond_wait(condition, mutex)
        }
    }
}
