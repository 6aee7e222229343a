// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import Foundation
import Synchronization

/// Log lines on their way to a descriptor, or entries on their way to the journal. Whoever logs never waits: lines go into a bounded queue, a
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

    enum Sink: Sendable, Equatable {
        /// Is not closed. May be a bad one: everything is dropped then.
        case descriptor(Int32)
        /// A datagram socket that takes one entry each.
        case journal(path: String)
    }

    let sink: Sink
    private let byteLimit: Int
    private let state = Mutex(State())
    private let arrival = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - byteLimit: lines beyond it, waiting at once, are dropped.
    init(_ sink: Sink, byteLimit: Int = 256 << 10) {
        self.sink = sink
        self.byteLimit = byteLimit
        Thread.detachNewThread { [self] in writeForever() }
    }

    /// - Parameter line: without its newline; for the journal, an entry.
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
            guard let lines = take() else { continue }
            let lost: Int
            switch sink {
            case .descriptor(let descriptor):
                let text = lines.joined(separator: "\n") + "\n"
                lost = write(Array(text.utf8), to: descriptor) ? 0 : lines.count
            case .journal(let path): lost = send(lines, to: path)
            }
            state.withLock { state in
                state.isWriting = false
                state.dropped += UInt64(lost)
            }
        }
    }

    private func take() -> [String]? {
        state.withLock { state in
            guard !state.lines.isEmpty else { return nil }
            var lines = state.lines
            if state.unmentioned > 0 {
                let text = "\(state.unmentioned) log lines dropped: nobody took them"
                if case .descriptor = sink {
                    lines.append(text)
                } else {
                    lines.append(Journal.entry(level: .warning, message: text, fields: []))
                }
            }
            state.lines.removeAll(keepingCapacity: true)
            state.byteCount = 0
            state.unmentioned = 0
            state.isWriting = true
            return lines
        }
    }

    /// May block for as long as the reader likes.
    /// - Returns: false if the descriptor takes nothing, as when it is closed or its disk is full.
    private func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
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

    /// Waits while the journal's queue is full.
    /// - Returns: how many it did not take, as while it is being restarted.
    private func send(_ entries: [String], to path: String) -> Int {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = [UInt8](path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return entries.count
        }
        // The path was checked to fit with a zero byte left after it.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return entries.count }
        defer { close(descriptor) }
        // `address` is a whole sockaddr_un and outlives the call.
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { return entries.count }
        return entries.count { entry in
            // The array is lent to the call with its size.
            let sent = unsafe Array(entry.utf8).withUnsafeBytes {
                unsafe Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            return sent < 0
        }
    }
}
