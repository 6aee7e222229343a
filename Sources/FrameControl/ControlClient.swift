// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Glibc

/// Client end of the control socket: one request, one reply, with a time limit for both together.
/// Blocks; for programs that people type.
package struct ControlClient: Sendable {
    /// A reply grows with the number of sessions (about 1 KiB each); this is far above any.
    private static let maxReplyBytes = 64 << 20

    package var path: String
    package var timeoutMilliseconds: Int

    package init(path: String, timeoutMilliseconds: Int = 5000) {
        self.path = path
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// - Returns: never `.error`: that is thrown as `ControlError.refused`.
    package func ask(_ request: ControlRequest) throws(ControlError) -> ControlReply {
        try ask(ControlCall(request))
    }

    package func ask(_ call: ControlCall) throws(ControlError) -> ControlReply {
        let line = try exchange(ControlLine.encode(call))
        let reply: ControlReply
        do {
            reply = try ControlLine.reply(from: line)
        } catch {
            throw .notAReply(path: path, detail: "\(line.count) bytes that do not decode")
        }
        if case .error(let fault) = reply { throw .refused(fault) }
        return reply
    }

    /// All of them, page after page.
    package func sessions() throws(ControlError) -> [SessionReport] {
        var found: [SessionReport] = []
        var after: UInt64?
        repeat {
            let line = try exchange(ControlLine.encode(ControlCall(.sessions, after: after)))
            switch try? ControlLine.reply(from: line) {
            case .sessions(let page)?: found += page
            case .error(let fault)?: throw .refused(fault)
            default:
                throw .notAReply(path: path, detail: "\(line.count) bytes that do not decode")
            }
            after = ControlLine.next(from: line)
        } while after != nil
        return found
    }

    /// Sends one line and returns the line that answers, without its newline.
    package func exchange(_ line: [UInt8]) throws(ControlError) -> [UInt8] {
        let deadline = Self.nowMilliseconds() + timeoutMilliseconds
        let descriptor = try connectedSocket()
        defer { close(descriptor) }
        try send(line, to: descriptor, until: deadline)
        return try receiveLine(from: descriptor, until: deadline)
    }

    /// Sends one line on a connection that stays.
    func stream(after line: [UInt8]) throws(ControlError) -> ControlStream {
        let stream = ControlStream(path: path, descriptor: try connectedSocket())
        try send(line, to: stream.descriptor, until: Self.nowMilliseconds() + timeoutMilliseconds)
        return stream
    }

    /// Whether a Unix socket is listening there, of whatever kind.
    package static func connects(to path: String) throws(ControlError) -> Bool {
        do {
            close(try ControlClient(path: path).connectedSocket())
            return true
        } catch .noDaemon {
            return false
        }
    }

    private static func nowMilliseconds() -> Int { Int(monotonicNow() / 1_000_000) }

    private func connectedSocket() throws(ControlError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        let bytes = [UInt8](path.utf8)
        guard bytes.count < capacity else { throw .pathTooLong(path: path, limit: capacity - 1) }
        // The path was checked to fit with a zero byte left after it.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }

        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(call: "socket", path: path, errno: errno) }
        // A Unix socket connects at once or fails; only a full backlog would block, so the
        // descriptor is nonblocking from here on.
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        // `address` is a whole sockaddr_un and outlives the call.
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if status == 0 { return descriptor }
        let code = errno
        close(descriptor)
        switch code {
        case ENOENT, ECONNREFUSED, ENOTDIR: throw .noDaemon(path: path)
        case EACCES, EPERM: throw .noPermission(path: path)
        case EAGAIN: throw .timedOut(path: path, milliseconds: 0)
        default: throw .system(call: "connect", path: path, errno: code)
        }
    }

    private func send(
        _ line: [UInt8], to descriptor: Int32, until deadline: Int
    ) throws(ControlError) {
        var sent = 0
        while sent < line.count {
            try wait(for: Int16(POLLOUT), on: descriptor, until: deadline)
            // The rest of the line is a valid range for the whole call.
            let count = unsafe line[sent...].withUnsafeBytes { rest in
                unsafe Glibc.send(
                    descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EPIPE || errno == ECONNRESET {
                throw .closed(path: path)
            } else if errno != EAGAIN && errno != EINTR {
                throw .system(call: "send", path: path, errno: errno)
            }
        }
    }

    private func receiveLine(
        from descriptor: Int32, until deadline: Int
    ) throws(ControlError) -> [UInt8] {
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            try wait(for: Int16(POLLIN), on: descriptor, until: deadline)
            // The chunk is ours for the call and its own size is the limit.
            let count = unsafe chunk.withUnsafeMutableBytes { bytes in
                unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0)
            }
            if count > 0 {
                let arrived = chunk[..<count]
                // What every message of the frame protocol begins with (FL_MAGIC).
                if line.isEmpty, arrived.starts(with: "LOOM".utf8) {
                    throw .frameSocket(path: path)
                }
                if let end = arrived.firstIndex(of: UInt8(ascii: "\n")) {
                    return line + arrived[..<end]
                }
                line += arrived
                guard line.count <= Self.maxReplyBytes else {
                    throw .notAReply(path: path, detail: "no end of line in \(line.count) bytes")
                }
            } else if count == 0 || errno == ECONNRESET {
                throw .closed(path: path)
            } else if errno != EAGAIN && errno != EINTR {
                throw .system(call: "recv", path: path, errno: errno)
            }
        }
    }

    private func wait(
        for events: Int16, on descriptor: Int32, until deadline: Int
    ) throws(ControlError) {
        while true {
            let left = deadline - Self.nowMilliseconds()
            guard left > 0 else {
                throw .timedOut(path: path, milliseconds: timeoutMilliseconds)
            }
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            // One entry, a local that outlives the call.
            let count = unsafe poll(&entry, 1, Int32(clamping: left))
            if count > 0 { return }
            if count < 0 && errno != EINTR {
                throw .system(call: "poll", path: path, errno: errno)
            }
        }
    }
}
