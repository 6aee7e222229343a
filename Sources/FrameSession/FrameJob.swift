// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Synchronization

/// A frame that a job was submitted for, until its picture is there: here the session and the job
/// that runs on render threads meet.
///
/// The job may wait in the scheduler for other sessions. Until a render thread takes the frame, the
/// session can put a newer one in its place or withdraw it, so that a frame that is stale by then is
/// never rendered. Any thread; every call is short.
package final class FrameJob: Sendable {
    enum Phase {
        /// `droppableAfter`: from then on the frame is not worth rendering.
        case queued(FrameRequest, droppableAfter: UInt64?)
        case taken
        case expired
        case withdrawn
    }

    private struct State {
        var phase: Phase
        /// The one that is queued or was taken.
        var frame: ReceivedFrame
        /// As models read them.
        var planes: PixelStorage
        var historyFrame: UInt64?
        var work = FrameWork.full
    }

    /// What it writes, whichever frame is rendered.
    package let picture: PixelStorage
    let nextHistory: PixelStorage
    /// At which it is rendered, whichever frame it is.
    package let quality: FrameQuality
    private let state: Mutex<State>

    init(_ frame: ReceivedFrame, _ request: FrameRequest, at quality: FrameQuality = .full) {
        self.quality = quality
        picture = request.picture
        nextHistory = request.nextHistory
        state = Mutex(
            State(
                phase: .queued(request, droppableAfter: nil), frame: frame,
                planes: request.gbuffer.storage))
    }

    // MARK: Render threads

    /// Called once, by the job when it begins.
    /// - Returns: nil if there is nothing to render any more; the job ends then, with any outcome.
    package func take(now: UInt64) -> FrameRequest? {
        state.withLock { state in
            guard case .queued(let request, let droppableAfter) = state.phase else { return nil }
            if let droppableAfter, now > droppableAfter {
                state.phase = .expired
                return nil
            }
            state.phase = .taken
            return request
        }
    }

    /// Called once, by the job when it ends.
    /// - Parameters:
    ///   - historyFrame: the frame whose history was used, if one was.
    ///   - work: how much of the frame was rendered.
    package func rendered(historyFrame: UInt64?, work: FrameWork) {
        state.withLock { state in
            state.historyFrame = historyFrame
            state.work = work
        }
    }

    // MARK: Daemon

    /// What a finished job was rendered from. As the picture, valid until its session is told.
    package var message: FrameMessage { frame.message }
    package var planes: PixelStorage { state.withLock { $0.planes } }

    // MARK: Session

    var frame: ReceivedFrame { state.withLock { $0.frame } }
    var historyFrame: UInt64? { state.withLock { $0.historyFrame } }
    var work: FrameWork { state.withLock { $0.work } }

    var isQueued: Bool {
        state.withLock { if case .queued = $0.phase { true } else { false } }
    }

    var isExpired: Bool {
        state.withLock { if case .expired = $0.phase { true } else { false } }
    }

    /// - Returns: false if a render thread was faster.
    func replace(with frame: ReceivedFrame, _ request: FrameRequest) -> Bool {
        state.withLock { state in
            guard case .queued = state.phase else { return false }
            state.phase = .queued(request, droppableAfter: nil)
            state.frame = frame
            state.planes = request.gbuffer.storage
            return true
        }
    }

    /// - Returns: false if a render thread was faster.
    func withdraw() -> Bool {
        state.withLock { state in
            guard case .queued = state.phase else { return false }
            state.phase = .withdrawn
            return true
        }
    }

    func allowDropping(after time: UInt64?) {
        state.withLock { state in
            guard case .queued(let request, _) = state.phase else { return }
            state.phase = .queued(request, droppableAfter: time)
        }
    }
}
