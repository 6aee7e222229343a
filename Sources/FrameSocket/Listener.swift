// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CUV
import Glibc

/// Accepts connections. Loop thread only; it accepts until `close`.
package final class Listener {
    /// The socket file, or nil for an inherited descriptor.
    package let path: String?

    private let loop: EventLoop
    private let handle: LoopHandle
    private let descriptor: Int32
    private let file: SocketFile?
    private var onConnection: ((Connection) -> Void)?
    private var onError: ((SocketError) -> Void)?
    private var pauseTimer: LoopTimer?

    /// Connections that may wait for their accept.
    private static let backlog: Int32 = 128
    /// Connections taken in one turn, so that a flood of them leaves time for the others.
    private static let acceptsPerTurn = 16
    /// Milliseconds without accepting when descriptors or memory are short. The clients wait in the
    /// backlog; without the pause the loop would spin on a socket that stays ready.
    private static let pause: UInt64 = 100

    /// Makes the socket file of `address` and listens there.
    package convenience init(loop: EventLoop, address: SocketAddress) throws(SocketError) {
        let file = try SocketFile(address)
        do {
            try self.init(loop: loop, descriptor: file.descriptor, file: file)
        } catch {
            file.remove()
            throw error
        }
    }

    /// Listens on a socket that another process made, e.g. systemd. Its file is left alone at the end.
    package convenience init(
        loop: EventLoop, inherited descriptor: Int32
    ) throws(SocketError) {
        try checkListener(descriptor)
        try self.init(loop: loop, descriptor: descriptor, file: nil)
    }

    private init(loop: EventLoop, descriptor: Int32, file: SocketFile?) throws(SocketError) {
        self.loop = loop
        self.descriptor = descriptor
        self.file = file
        path = file?.path
        do throws(SocketError) {
            guard listen(descriptor, Self.backlog) == 0 else {
                throw .system(
                    call: "listen", subject: file?.path ?? "socket", code: errno)
            }
            handle = try LoopHandle(UV_POLL) {
                uv_poll_init(loop.loop, $0.assumingMemoryBound(to: uv_poll_t.self), descriptor)
            }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        pauseTimer = try loop.makeTimer { [unowned self] in poll() }
    }

    deinit { close() }

    /// - Parameters:
    ///   - onConnection: gets each connection, not started yet.
    ///   - onError: accepts that failed; accepting goes on.
    package func start(
        onConnection: @escaping (Connection) -> Void, onError: @escaping (SocketError) -> Void
    ) {
        self.onConnection = onConnection
        self.onError = onError
        handle.fired = { [unowned self] _ in accept() }
        poll()
    }

    /// Accepts no more and removes the socket file.
    package func close() {
        guard handle.isOpen else { return }
        pauseTimer = nil
        onConnection = nil
        onError = nil
        let (descriptor, file) = (self.descriptor, self.file)
        // libuv looks at the descriptor until the handle is closed.
        handle.didClose = { Glibc.close(descriptor) }
        file?.remove()
        handle.close()
    }

    private func poll() {
        guard handle.isOpen else { return }
        uv_poll_start(handle.pointer(as: uv_poll_t.self), Int32(UV_READABLE.rawValue)) {
            poll, status, _ in LoopHandle.of(poll)?.fired?(status)
        }
    }

    private func accept() {
        for _ in 0..<Self.acceptsPerTurn {
            guard handle.isOpen else { return }
            // Members hide the system calls of the same names.
            let client = Glibc.accept(descriptor, nil, nil)
            guard client < 0 else {
                adopt(client)
                continue
            }
            switch errno {
            case EAGAIN: return
            case EINTR, ECONNABORTED: continue
            default:
                let code = errno
                uv_poll_stop(handle.pointer(as: uv_poll_t.self))
                pauseTimer?.start(after: Self.pause)
                onError?(.system(call: "accept", subject: path ?? "socket", code: code))
                return
            }
        }
    }

    private func adopt(_ client: Int32) {
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        do throws(SocketError) {
            onConnection?(try Connection(loop: loop, descriptor: client))
        } catch {
            onError?(error)
        }
    }
}

/// Checks what a launcher handed over before anything relies on it.
private func checkListener(_ descriptor: Int32) throws(SocketError) {
    func option(_ name: Int32) -> Int32? {
        var value: Int32 = 0
        var byteCount = socklen_t(MemoryLayout<Int32>.size)
        // An int is what each of these options holds.
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &byteCount) == 0 ? value : nil
    }
    func refuse(_ reason: String) -> SocketError {
        .notAListener(descriptor: descriptor, reason: reason)
    }
    guard let domain = option(SO_DOMAIN) else { throw refuse(errorText(errno)) }
    guard domain == AF_UNIX else { throw refuse("its address family is \(domain)") }
    guard option(SO_TYPE) == Int32(SOCK_STREAM.rawValue) else { throw refuse("it is no stream") }
    guard option(SO_ACCEPTCONN) == 1 else { throw refuse("it is not listening") }
    guard fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0,
        fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
    else { throw refuse(errorText(errno)) }
}
