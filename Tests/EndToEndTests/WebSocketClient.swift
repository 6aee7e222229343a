// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import Glibc
import TestSupport

/// A WebSocket by hand: what browsers do, and what they never would.
final class WebSocketClient {
    let descriptor: Int32
    private var received: [UInt8] = []

    struct Frame {
        var opcode: UInt8
        var payload: [UInt8]

        /// Of a close frame.
        var closeCode: Int? {
            opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
        }
        var closeText: String { String(decoding: payload.dropFirst(2), as: UTF8.self) }
    }

    /// Only connects.
    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw SocketError(call: "connect", number: errno) }
    }

    deinit { close(descriptor) }

    /// Connects and shakes hands.
    convenience init(
        port: Int, path: String, origin: String? = nil, subprotocol: String? = "frameloom-1"
    ) throws {
        try self.init(port: port)
        let answer = try handshake(port: port, path: path, origin: origin, subprotocol: subprotocol)
        guard answer.hasPrefix("HTTP/1.1 101") else { throw TestFailure(answer) }
    }

    /// - Returns: the answer's head, with the body behind it where there is one.
    func handshake(
        port: Int, path: String, host: String? = nil, origin: String? = nil,
        subprotocol: String? = "frameloom-1"
    ) throws -> String {
        var lines = [
            "GET \(path) HTTP/1.1", "Host: \(host ?? "127.0.0.1:\(port)")", "Upgrade: websocket",
            "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ]
        if let origin { lines.append("Origin: \(origin)") }
        if let subprotocol { lines.append("Sec-WebSocket-Protocol: \(subprotocol)") }
        return try request(lines.joined(separator: "\r\n") + "\r\n\r\n")
    }

    /// Sends the text of a request and reads up to the end of the answer's head.
    func request(_ text: String) throws -> String {
        try write(Array(text.utf8))
        let end = Array("\r\n\r\n".utf8)
        while received.firstRange(of: end) == nil { guard try readMore() else { break } }
        let headEnd = received.firstRange(of: end)?.upperBound ?? received.count
        let head = String(decoding: received[..<headEnd], as: UTF8.self)
        received.removeFirst(headEnd)
        if head.hasPrefix("HTTP/1.1 101") { return head }
        while try readMore(seconds: 1) {}
        let body = String(decoding: received, as: UTF8.self)
        received = []
        return head + body
    }

    func send(opcode: UInt8 = 2, _ payload: [UInt8], isFinal: Bool = true, claiming: UInt64? = nil)
        throws
    {
        var frame: [UInt8] = [(isFinal ? 0x80 : 0) | opcode, 0x80 | 127]
        let count = claiming ?? UInt64(payload.count)
        for shift in stride(from: 56, through: 0, by: -8) {
            frame.append(UInt8(truncatingIfNeeded: count >> UInt64(shift)))
        }
        // A mask of zeros is a mask.
        frame += [0, 0, 0, 0]
        try write(frame + payload)
    }

    func send(_ message: WireMessage) throws { try send(message.bytes) }

    /// The next frame of any kind; nil where the connection ended.
    func receiveFrame(seconds: Double = 20) throws -> Frame? {
        guard let head = try take(2, seconds: seconds) else { return nil }
        var count = Int(head[1] & 127)
        if count >= 126 {
            guard let more = try take(count == 126 ? 2 : 8, seconds: seconds) else { return nil }
            count = more.reduce(0) { $0 << 8 | Int($1) }
        }
        guard let payload = try take(count, seconds: seconds) else { return nil }
        isMessageOver = head[0] & 0x80 != 0
        return Frame(opcode: head[0] & 15, payload: payload)
    }

    private var isMessageOver = true

    /// The next message, put together from its frames; nil where the connection ended.
    func receive(seconds: Double = 20) throws -> Frame? {
        guard var message = try receiveFrame(seconds: seconds) else { return nil }
        while !isMessageOver {
            guard let more = try receiveFrame(seconds: seconds) else { return nil }
            message.payload += more.payload
        }
        return message
    }

    /// The next reply of the daemon.
    func receiveReply(seconds: Double = 20) throws -> WireMessage {
        guard let message = try receive(seconds: seconds), message.opcode == 2 else {
            throw TestFailure("no reply")
        }
        let header = message.payload.withUnsafeBytes { $0.loadUnaligned(as: fl_header.self) }
        var reply = WireMessage(UInt32(header.type))
        reply.header = header
        reply.body = Array(message.payload[32..<32 + Int(header.body_bytes)])
        reply.payload = Array(message.payload[(32 + Int(header.body_bytes))...])
        return reply
    }

    /// Reads until the connection's end; the close frame if there was one.
    func receiveClose(seconds: Double = 20) throws -> Frame? {
        while let frame = try receiveFrame(seconds: seconds) {
            if frame.opcode == 8 { return frame }
        }
        return nil
    }

    // MARK: Bytes

    func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            var events = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&events, 1, 20_000) > 0 else {
                throw SocketError(call: "send", number: ETIMEDOUT)
            }
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress! + sent, bytes.count - sent,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count < 0, errno != EAGAIN, errno != EINTR {
                throw SocketError(call: "send", number: errno)
            }
            sent += max(0, count)
        }
    }

    private func take(_ count: Int, seconds: Double) throws -> [UInt8]? {
        while received.count < count { guard try readMore(seconds: seconds) else { return nil } }
        let bytes = Array(received[..<count])
        received.removeFirst(count)
        return bytes
    }

    /// - Returns: false at the end, or where nothing came in time.
    private func readMore(seconds: Double = 20) throws -> Bool {
        var events = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&events, 1, Int32(seconds * 1000)) > 0 else { return false }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        received += bytes[..<count]
        return true
    }
}
