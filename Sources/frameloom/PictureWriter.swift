// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import FrameClip
import FrameTypes
import Synchronization

/// Writes pictures as PNG files on a thread of its own while the run goes on.
///
/// A few pictures may wait; then `add` blocks, so that memory does not grow with the run where the
/// disk is slower than the daemon.
final class PictureWriter: Sendable {
    private struct State {
        var writtenCount = 0
        var failure: (any Error)?
    }

    private let size: FrameSize
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "pictures")
    private let places = DispatchSemaphore(value: 8)

    init(size: FrameSize) { self.size = size }

    /// - Throws: why an earlier picture could not be written.
    func add(_ rgba: [UInt8], path: String) throws {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        places.wait()
        queue.async {
            defer { self.places.signal() }
            self.write(rgba, path: path)
        }
    }

    /// Waits for the last one.
    /// - Returns: pictures written, and the first failure.
    func finish() -> (written: Int, failure: (any Error)?) {
        queue.sync {}
        return state.withLock { ($0.writtenCount, $0.failure) }
    }

    private func write(_ rgba: [UInt8], path: String) {
        guard state.withLock({ $0.failure == nil }) else { return }
        do {
            try PNGImage(size: size, channels: 4, bytes: rgba).withoutAlpha.write(to: path)
            state.withLock { $0.writtenCount += 1 }
        } catch {
            state.withLock { $0.failure = error }
        }
    }
}
