// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

package struct SocketError: Error, CustomStringConvertible {
    package var call: String
    package var number: Int32

    package init(call: String, number: Int32) {
        self.call = call
        self.number = number
    }

    package var description: String { "\(call): \(String(cString: strerror(number)))" }
}

/// A blocking Unix socket with a time limit on every wait: both ends of what a test says by hand.
package final class UnixSocket: Sendable {
    package let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    package static func listening(at path: String) throws -> UnixSocket {
        let made = try make()
        try withAddress(path) { address, length in
            try check("bind", bind(made.descriptor, address, length))
        }
        try check("listen", listen(made.descriptor, 16))
        return made
    }

    package static func connected(to path: String) throws -> UnixSocket {
        let made = try make()
        try withAddress(path) { address, length in
            try check("connect", connect(made.descriptor, address, length))
        }
        return made
    }

    package func accept(seconds: Double = 20) throws -> UnixSocket {
        try wait(for: POLLIN, seconds: seconds)
        let accepted = Glibc.accept(descriptor, nil, nil)
        try Self.check("accept", accepted)
        return UnixSocket(descriptor: accepted)
    }

    /// Fewer bytes than asked for mean that the peer closed.
    package func read(_ count: Int, seconds: Double = 20) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            try wait(for: POLLIN, seconds: seconds)
            let got = bytes.withUnsafeMutableBytes { buffer in
                recv(descriptor, buffer.baseAddress! + filled, count - filled, 0)
            }
            // A peer that closes with unread bytes resets the connection: also an end.
            if got == 0 || (got < 0 && errno == ECONNRESET) { break }
            if got < 0 && errno != EINTR { throw SocketError(call: "recv", number: errno) }
            filled += max(got, 0)
        }
        return Array(bytes.prefix(filled))
    }

    /// - Returns: false if the peer closed before everything was taken.
    @discardableResult
    package func write(_ bytes: [UInt8], seconds: Double = 20) throws -> Bool {
        var sent = 0
        while sent < bytes.count {
            try wait(for: POLLOUT, seconds: seconds)
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    descriptor, buffer.baseAddress! + sent, bytes.count - sent,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count < 0 && (errno == EPIPE || errno == ECONNRESET) { return false }
            if count < 0 && errno != EINTR && errno != EAGAIN {
                throw SocketError(call: "send", number: errno)
            }
            sent += max(count, 0)
        }
        return true
    }

    /// The peer reads an end, and can still answer.
    package func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Small buffers make a writer wait for its reader early.
    package func shrinkBuffers() { Self.shrinkBuffers(of: descriptor) }

    package static func shrinkBuffers(of descriptor: Int32) {
        var bytes: Int32 = 2048
        for option in [SO_SNDBUF, SO_RCVBUF] {
            setsockopt(
                descriptor, SOL_SOCKET, option, &bytes, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    private func wait(for event: Int32, seconds: Double) throws {
        var events = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        let ready = poll(&events, 1, Int32(seconds * 1000))
        if ready == 0 { throw SocketError(call: "waiting", number: ETIMEDOUT) }
        if ready < 0 && errno != EINTR { throw SocketError(call: "poll", number: errno) }
    }

    private static func make() throws -> UnixSocket {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try check("socket", descriptor)
        return UnixSocket(descriptor: descriptor)
    }

    private static func check(_ call: String, _ result: Int32) throws {
        if result < 0 { throw SocketError(call: call, number: errno) }
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Void
    ) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SocketError(call: "socket path", number: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        try withUnsafeBytes(of: &address) { raw in
            try body(
                raw.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
