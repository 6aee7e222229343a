// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import CWebSockets
import FrameTypes
import Glibc

/// What a WebSocket is for.
enum LinkPurpose {
    /// A session of its own.
    case frames
    /// Pictures of another client's session, as this line asks for them.
    case watching(request: [UInt8], wantsJPEG: Bool)
}

/// One WebSocket and the daemon connection behind it. Loop thread only.
///
/// Neither side is read faster than the other takes: the browser's bytes go on in chunks, the
/// daemon's replies through an outbox. Both libwebsockets handles belong to libwebsockets; each is
/// forgotten here in its close callback.
final class BrowserLink {
    /// Bytes in one WebSocket frame: small enough that others get their turn between two of them.
    private static let chunkBytes = 128 << 10
    /// The kernel may hold back about a quarter of a picture of 512x512, no more: what lies there can
    /// not be replaced by a newer one.
    private static let kernelSendBytes: Int32 = 256 << 10

    private struct Sending {
        var buffer: MessageBuffer
        var byteCount: Int
        var sent = 0
        var isText = false
    }

    private let settings: GatewaySettings
    private let purpose: LinkPurpose
    private let encoder: PictureEncoder
    private var browser: OpaquePointer?
    private var daemon: OpaquePointer?
    private var descriptor: Int32 = -1

    private var splitter: MessageSplitter
    /// What the daemon has not taken yet.
    private var toDaemon: [UInt8] = []
    private var isBrowserHeld = false
    private var isDaemonHeld = false

    private var reader: DaemonReader
    private var pool = BufferPool()
    private var outbox = Outbox()
    private var wantsJPEG = false
    private var jpeg: MessageBuffer?
    private var sending: Sending?
    private var lastProgress = monotonicNow()
    private var closing: CloseReason?

    init(
        browser: OpaquePointer, purpose: LinkPurpose, settings: GatewaySettings,
        encoder: PictureEncoder
    ) {
        self.browser = browser
        self.purpose = purpose
        if case .watching(let request, let jpeg) = purpose {
            reader = DaemonReader(startsWithLine: true)
            toDaemon = request
            wantsJPEG = jpeg
        } else {
            reader = DaemonReader(startsWithLine: false)
        }
        self.settings = settings
        self.encoder = encoder
        splitter = MessageSplitter(maxMessageBytes: settings.maxMessageBytes)
        var bytes = Self.kernelSendBytes
        setsockopt(
            lws_get_socket_fd(browser), SOL_SOCKET, SO_SNDBUF, &bytes,
            socklen_t(MemoryLayout<Int32>.size))
    }

    /// Where there is no daemon the reason is sent to the browser.
    func connect(adopt: (Int32) -> OpaquePointer?) {
        do throws(CloseReason) {
            if case .watching = purpose, let control = settings.controlPath {
                descriptor = try connectedSocket(control)
            } else {
                descriptor = try connectedSocket(settings.socketPath)
            }
        } catch {
            return close(error)
        }
        daemon = adopt(descriptor)
        if daemon == nil { close(.daemon("out of connections")) }
        _ = sendToDaemon()
        if let browser { lws_set_timer_usecs(browser, Self.checkInterval) }
    }

    // MARK: From the browser

    /// - Returns: false: the browser's connection ends with `closing`.
    func didReceive(_ bytes: [UInt8], remaining: UInt64, isLast: Bool, isBinary: Bool) -> Bool {
        guard closing == nil else { return true }
        do throws(CloseReason) {
            if case .watching = purpose { throw .viewerSpoke }
            guard isBinary else { throw .notBinary }
            toDaemon += try splitter.append(bytes, remaining: remaining, isLast: isLast)
        } catch {
            close(error)
            return false
        }
        return sendToDaemon()
    }

    func daemonIsWriteable() -> Bool { sendToDaemon() }

    /// - Returns: false if the daemon is gone.
    private func sendToDaemon() -> Bool {
        var sent = 0
        while sent < toDaemon.count, descriptor >= 0 {
            let count = toDaemon.withUnsafeBytes {
                send(
                    descriptor, $0.baseAddress.map { $0 + sent }, toDaemon.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            sent += count
        }
        let failed = sent < toDaemon.count && errno != EAGAIN
        if sent == toDaemon.count {
            toDaemon.removeAll(keepingCapacity: true)
        } else {
            toDaemon.removeFirst(sent)
        }
        if failed {
            // Its last words may still be there to be read.
            toDaemon.removeAll()
            return true
        }
        hold(browser, !toDaemon.isEmpty, &isBrowserHeld)
        if !toDaemon.isEmpty, let daemon { lws_callback_on_writable(daemon) }
        return true
    }

    // MARK: From the daemon

    func daemonIsReadable() {
        while closing == nil, outbox.hasRoom {
            switch reader.next(from: descriptor, pool: &pool) {
            case .reply(let reply): take(reply)
            case .line(let line):
                _ = outbox.add(OutgoingMessage(head: line, isText: true))
                // The line says why; nothing else will come.
                if line.starts(with: Array(#"{"error""#.utf8)) { close(.normal) }
            case .wait: return wantToWrite()
            case .end:
                // What waits is still sent; it says why.
                close(.daemon("the daemon closed the connection"))
            }
        }
        if closing == nil { hold(daemon, true, &isDaemonHeld) }
        wantToWrite()
    }

    private func take(_ reply: OutgoingMessage) {
        var reply = reply
        let type = UInt32(reply.head[6]) | UInt32(reply.head[7]) << 8
        if type == FL_OPENED {
            // Never in a connection that only watches.
            wantsJPEG = splitter.agreement.wantsJPEG
            outbox.takesEvery = splitter.agreement.takesEvery
        }
        if type == FL_CLOSED { isClosedByRequest = true }
        reply.wantsJPEG = wantsJPEG && type == FL_PICTURE
        if let freed = outbox.add(reply) { pool.give(freed) }
    }

    private var isClosedByRequest = false

    // MARK: To the browser

    /// - Returns: false: the browser's connection ends with `closing`.
    func browserIsWriteable() -> Bool {
        guard let browser else { return false }
        if sending == nil, let next = outbox.takeNext() {
            sending = prepare(next)
            lastProgress = monotonicNow()
        }
        guard var current = sending else {
            resumeDaemon()
            return closing == nil
        }
        let count = min(current.byteCount - current.sent, Self.chunkBytes)
        let isFirst = current.sent == 0
        let isLast = current.sent + count == current.byteCount
        // The bytes before this chunk were sent already: libwebsockets may write its header there.
        let kind = current.isText ? LWS_WRITE_TEXT : LWS_WRITE_BINARY
        var mode = isFirst ? kind.rawValue : LWS_WRITE_CONTINUATION.rawValue
        if !isLast { mode |= LWS_WRITE_NO_FIN.rawValue }
        guard
            lws_write(
                browser, current.buffer.start + current.sent, count,
                lws_write_protocol(rawValue: mode)) >= 0
        else { return false }
        current.sent += count
        lastProgress = monotonicNow()
        if isLast {
            if current.buffer !== jpeg { pool.give(current.buffer) }
            sending = nil
            resumeDaemon()
        } else {
            sending = current
        }
        if sending != nil || !outbox.waiting.isEmpty || closing != nil { wantToWrite() }
        return true
    }

    /// The message in one piece of memory; pictures become JPEG here, so that one that gave way to a
    /// newer one was never encoded.
    private func prepare(
        _ message: OutgoingMessage
    ) -> Sending {
        guard let payload = message.payload else {
            let buffer = MessageBuffer(capacity: message.head.count)
            buffer.copy(message.head)
            return Sending(
                buffer: buffer, byteCount: message.head.count, isText: message.isText)
        }
        if message.wantsJPEG, let encoded = encode(message, payload) {
            pool.give(payload)
            return encoded
        }
        payload.copy(message.head)
        return Sending(buffer: payload, byteCount: payload.capacity)
    }

    private func encode(
        _ message: OutgoingMessage, _ payload: MessageBuffer
    ) -> Sending? {
        var head = message.head
        let body = Int(FL_HEADER_BYTES)
        guard head.count >= body + MemoryLayout<fl_picture>.size else { return nil }
        let width = Int(Outbox.word32(head, body + 80))
        let height = Int(Outbox.word32(head, body + 84))
        let rowStride = Int(Outbox.word32(head, body + 88))
        let pixels = payload.capacity - head.count
        guard width > 0, height > 0, rowStride >= width * 4, rowStride * height <= pixels
        else { return nil }
        let limit = head.count + PictureEncoder.maxByteCount(width: width, height: height)
        let target =
            jpeg.flatMap { $0.capacity == limit ? $0 : nil } ?? MessageBuffer(capacity: limit)
        guard
            let byteCount = encoder.encode(
                payload.start + head.count, width: width, height: height, rowStride: rowStride,
                into: target.start + head.count)
        else { return nil }
        jpeg = target
        Outbox.put(UInt64(byteCount), byteCount: 8, at: 16, in: &head)
        Outbox.put(0, byteCount: 4, at: body + 88, in: &head)
        Outbox.put(UInt64(FL_PICTURE_JPEG), byteCount: 4, at: body + 92, in: &head)
        target.copy(head)
        return Sending(buffer: target, byteCount: head.count + byteCount)
    }

    private func resumeDaemon() {
        if outbox.hasRoom { hold(daemon, false, &isDaemonHeld) }
    }

    private func wantToWrite() {
        guard let browser, sending != nil || !outbox.waiting.isEmpty || closing != nil else {
            return
        }
        lws_callback_on_writable(browser)
    }

    // MARK: Ending

    private static let checkInterval: lws_usec_t = 1_000_000

    /// Called every second. A browser that takes nothing of what waits for it is let go.
    func check() -> Bool {
        guard let browser else { return false }
        lws_set_timer_usecs(browser, Self.checkInterval)
        let stalled = monotonicNow() - lastProgress > UInt64(settings.stallSeconds) * 1_000_000_000
        if sending == nil && outbox.waiting.isEmpty { lastProgress = monotonicNow() }
        guard stalled, sending != nil || !outbox.waiting.isEmpty else { return true }
        closing = .tooSlow(seconds: settings.stallSeconds)
        return false
    }

    /// How the browser's connection ends, for its close frame.
    var closeReason: CloseReason {
        isClosedByRequest ? .normal : closing ?? .normal
    }

    var droppedPictureCount: UInt64 { outbox.droppedCount }

    private func close(_ reason: CloseReason) {
        closing = closing ?? reason
        dropDaemon()
        wantToWrite()
    }

    /// The daemon's connection first, so that the session ends at once.
    private func dropDaemon() {
        guard let daemon else { return }
        self.daemon = nil
        descriptor = -1
        lws_set_timeout(daemon, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC)
    }

    func browserDidClose() {
        browser = nil
        dropDaemon()
    }

    func daemonDidClose() {
        guard daemon != nil else { return }
        daemon = nil
        descriptor = -1
        close(.daemon("the daemon closed the connection"))
    }

    /// Stops or goes on reading one side; the kernel's buffers then hold its peer back.
    private func hold(_ handle: OpaquePointer?, _ isHeld: Bool, _ state: inout Bool) {
        guard let handle, state != isHeld else { return }
        state = isHeld
        lws_rx_flow_control(handle, isHeld ? 0 : 1)
    }
}

private func connectedSocket(_ path: String) throws(CloseReason) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = [UInt8](path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
        throw .daemon("the daemon's socket path is too long")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let descriptor = socket(
        AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw .daemon("no more sockets: error \(errno)") }
    let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard status == 0 else {
        let code = errno
        close(descriptor)
        throw .daemon("no daemon answers on its socket: error \(code)")
    }
    return descriptor
}
