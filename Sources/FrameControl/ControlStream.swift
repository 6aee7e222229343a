// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// A control connection that stays: one request, a line as answer, then whatever follows it. Blocks.
package final class ControlStream {
    private let path: String
    let descriptor: Int32
    private var buffered: [UInt8] = []

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// - Parameter isCancelled: asked a few times a second while nothing comes.
    /// - Returns: fewer bytes where the daemon closed the connection or the wait was cancelled.
    package func read(
        _ count: Int, unless isCancelled: () -> Bool = { false }
    ) throws(ControlError) -> [UInt8] {
        while buffered.count < count {
            guard try readMore(unless: isCancelled) else { break }
        }
        let bytes = Array(buffered.prefix(count))
        buffered.removeFirst(bytes.count)
        return bytes
    }

    /// A line without its newline; nil where the connection ended before.
    package func readLine(
        unless isCancelled: () -> Bool = { false }
    ) throws(ControlError) -> [UInt8]? {
        while true {
            if let end = buffered.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffered[..<end])
                buffered.removeFirst(end + 1)
                return line
            }
            guard try readMore(unless: isCancelled) else { return nil }
        }
    }

    private func readMore(unless isCancelled: () -> Bool) throws(ControlError) -> Bool {
        while true {
            if isCancelled() { return false }
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            // One entry, a local that outlives the call.
            let ready = unsafe poll(&entry, 1, 200)
            if ready < 0 && errno != EINTR {
                throw .system(call: "poll", path: path, errno: errno)
            }
            guard ready > 0 else { continue }
            var chunk = [UInt8](repeating: 0, count: 1 << 20)
            // The chunk is ours for the call and its own size is the limit.
            let count = unsafe chunk.withUnsafeMutableBytes { bytes in
                unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
            }
            if count > 0 {
                buffered += chunk[..<count]
                return true
            }
            if count == 0 || errno == ECONNRESET { return false }
            guard errno == EAGAIN || errno == EINTR else {
                throw .system(call: "recv", path: path, errno: errno)
            }
        }
    }
}

extension ControlClient {
    /// Asks what the daemon understands of a session's next frame, and waits for that frame.
    /// - Returns: RGBA8, rows from the top; nil if the wait was cancelled.
    package func snapshot(
        _ request: SnapshotRequest, unless isCancelled: () -> Bool = { false }
    ) throws(ControlError) -> (report: SnapshotReport, sheet: [UInt8])? {
        let stream = try stream(after: ControlLine.encode(request))
        guard let line = try stream.readLine(unless: isCancelled) else {
            if isCancelled() { return nil }
            throw .closed(path: path)
        }
        switch try? ControlLine.reply(from: line) {
        case .snapshot(let report)?:
            let byteCount = report.width * report.height * 4
            let sheet = try stream.read(byteCount)
            guard sheet.count == byteCount else { throw .closed(path: path) }
            return (report, sheet)
        case .error(let fault)?: throw .refused(fault)
        default: throw .notAReply(path: path, detail: "\(line.count) bytes that do not decode")
        }
    }

    /// Asks for a session's pictures.
    package func watch(
        _ request: WatchRequest
    ) throws(ControlError) -> (report: WatchReport, pictures: ControlStream) {
        let stream = try stream(after: ControlLine.encode(request))
        guard let line = try stream.readLine() else { throw .closed(path: path) }
        switch try? ControlLine.reply(from: line) {
        case .watching(let report)?: return (report, stream)
        case .error(let fault)?: throw .refused(fault)
        default:
            throw .notAReply(path: path, detail: "\(line.count) bytes that do not decode")
        }
    }
}
