// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Synchronization

/// Where a submitted job finds its frame when it begins.
///
/// A job may wait in the scheduler for other sessions. Until a render thread takes the frame, the
/// session can put a newer one in its place or withdraw it, so that a frame that is stale by then is
/// never rendered. Any thread; every call is short.
package final class RenderTicket: Sendable {
    enum State {
        /// `droppableAfter`: from then on the frame is not worth rendering.
        case queued(FrameRequest, droppableAfter: UInt64?)
        case taken
        case expired
        case withdrawn
    }

    private let state: Mutex<State>

    init(_ request: FrameRequest) {
        state = Mutex(.queued(request, droppableAfter: nil))
    }

    /// Called once, by the job when it begins.
    /// - Returns: nil if there is nothing to render any more; the job ends then, with any outcome.
    package func take(now: UInt64) -> FrameRequest? {
        state.withLock { state in
            guard case .queued(let request, let droppableAfter) = state else { return nil }
            if let droppableAfter, now > droppableAfter {
                state = .expired
                return nil
            }
            state = .taken
            return request
        }
    }

    var isQueued: Bool {
        state.withLock { if case .queued = $0 { true } else { false } }
    }

    var isExpired: Bool {
        state.withLock { if case .expired = $0 { true } else { false } }
    }

    /// - Returns: false if a render thread was faster.
    func replace(with request: FrameRequest) -> Bool {
        change(to: .queued(request, droppableAfter: nil))
    }

    /// - Returns: false if a render thread was faster.
    func withdraw() -> Bool { change(to: .withdrawn) }

    func allowDropping(after time: UInt64?) {
        state.withLock { state in
            guard case .queued(let request, _) = state else { return }
            state = .queued(request, droppableAfter: time)
        }
    }

    private func change(to new: State) -> Bool {
        state.withLock { state in
            guard case .queued = state else { return false }
            state = new
            return true
        }
    }
}
