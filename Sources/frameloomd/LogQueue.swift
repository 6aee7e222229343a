// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import Foundation
import Synchronization

/// Log lines on their way to a descriptor. Whoever logs never waits: lines go into a bounded queue, a
/// thread of its own writes them, and what does not fit is dropped and counted. So a reader of the
/// log that stops reading, a full disk or a closed descriptor cost lines and nothing else.
///
/// Any thread. The writing thread lives as long as the process.
final class LogQueue: Sendable {
    private struct State {
        var lines: [String] = []
        var byteCount = 0
        /// Handed to the writing thread and not written yet.
        var isWriting = false
        var dropped: UInt64 = 0
        /// Of these, those that the log itself does not mention yet.
        var unmentioned: UInt64 = 0
    }

    private let descriptor: Int32
    private let byteLimit: Int
    private let state = Mutex(State())
    private let arrival = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - descriptor: is not closed. May be a bad one: everything is dropped then.
    ///   - byteLimit: lines beyond it, waiting at once, are dropped.
    init(descriptor: Int32, byteLimit: Int = 256 << 10) {
        self.descriptor = descriptor
        self.byteLimit = byteLimit
        Thread.detachNewThread { [self] in writeForever() }
    }

    /// - Parameter line: without its newline.
    func append(_ line: String) {
        let needed = line.utf8.count + 1
        let isTaken = state.withLock { state in
            guard state.byteCount + needed <= byteLimit else {
                state.dropped += 1
                state.unmentioned += 1
                return false
            }
            state.lines.append(line)
            state.byteCount += needed
            return true
        }
        if isTaken { arrival.signal() }
    }

    /// Lines that were not written since the start, and never will be.
    var droppedCount: UInt64 { state.withLock { $0.dropped } }

    /// Waits until everything is written, but no longer than this: the end of a process whose log
    /// nobody reads must not hang.
    func flush(milliseconds: Int) {
        for _ in 0..<milliseconds {
            if state.withLock({ $0.lines.isEmpty && !$0.isWriting }) { return }
            usleep(1000)
        }
    }

    // MARK: Writing thread

    private func writeForever() {
        while true {
            arrival.wait()
            guard let (text, lineCount) = take() else { continue }
            let isWritten = write(Array(text.utf8))
            state.withLock { state in
                state.isWriting = false
                if !isWritten { state.dropped += lineCount }
            }
        }
    }

    private func take() -> (text: String, lineCount: UInt64)? {
        state.withLock { state in
            guard !state.lines.isEmpty else { return nil }
            let lineCount = UInt64(state.lines.count)
            var text = state.lines.joined(separator: "\n") + "\n"
            if state.unmentioned > 0 {
                text += "\(state.unmentioned) log lines dropped: nobody took them\n"
            }
            state.lines.removeAll(keepingCapacity: true)
            state.byteCount = 0
            state.unmentioned = 0
            state.isWriting = true
            return (text, lineCount)
        }
    }

    /// May block for as long as the reader likes.
    /// - Returns: false if the descriptor takes nothing, as when it is closed or its disk is full.
    private func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            // The slice is lent to the call with its size.
            let count = unsafe rest.withUnsafeBytes {
                unsafe Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                // One entry, a local that outlives the call.
                _ = unsafe poll(&wanted, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
