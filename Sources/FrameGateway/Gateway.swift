// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CWebSockets
import Glibc
import Synchronization

/// Relays the frame protocol between WebSockets and the daemon's Unix socket, and serves the page
/// that uses it. One thread: everything below runs in `run`.
package final class Gateway {
    private let settings: GatewaySettings
    private let files: PageFiles
    private let encoder: PictureEncoder
    private var admission: Admission
    private var connectionCount = 0

    private var context: OpaquePointer?
    private var vhost: OpaquePointer?
    /// Read by libwebsockets for as long as the context lives.
    private let protocols = UnsafeMutablePointer<lws_protocols>.allocate(capacity: 4)
    private let names = ["http", Admission.protocolName, "daemon"].map { (name: String) in
        strdup(name)
    }
    private let address: UnsafeMutablePointer<CChar>?

    package private(set) var port = 0

    package init(_ settings: GatewaySettings) throws(GatewayError) {
        self.settings = settings
        files = try PageFiles(settings.folders)
        encoder = PictureEncoder(quality: settings.jpegQuality)
        admission = Admission(token: settings.token, hosts: [])
        address = strdup(settings.address)
        protocols.initialize(repeating: lws_protocols(), count: 4)
        for (index, name) in names.enumerated() {
            protocols[index].name = UnsafePointer(name)
            protocols[index].callback = { wsi, reason, user, bytes, count in
                Gateway.dispatch(wsi, reason, user, bytes, count)
            }
            // A reference to the BrowserLink.
            protocols[index].per_session_data_size = MemoryLayout<UnsafeRawPointer>.size
            protocols[index].rx_buffer_size = Self.receiveBytes
        }
        try listen()
        admission = Admission(
            token: settings.token, hosts: settings.hosts + Self.hosts(settings.address, port),
            origins: settings.origins, showsSessions: settings.controlPath != nil,
            takesFrames: settings.takesFrames)
    }

    deinit {
        if let context { lws_context_destroy(context) }
        protocols.deallocate()
        for name in names { free(name) }
        free(address)
    }

    private static let receiveBytes = 64 << 10
    /// Handshakes under way at the same time.
    private static let handshakes: UInt16 = 32

    private static func hosts(_ address: String, _ port: Int) -> [String] {
        let own = address.contains(":") ? "[\(address)]" : address
        return [own, "127.0.0.1", "localhost", "[::1]"].map { "\($0):\(port)" }
    }

    private func listen() throws(GatewayError) {
        lws_set_log_level(LLL_ERR, nil)
        var info = lws_context_creation_info()
        info.port = Int32(settings.port)
        info.iface = UnsafePointer(address)
        info.protocols = UnsafePointer(protocols)
        info.user = Unmanaged.passUnretained(self).toOpaque()
        info.options = UInt64(LWS_SERVER_OPTION_EXPLICIT_VHOSTS)
        info.pt_serv_buf_size = UInt32(Self.receiveBytes)
        info.max_http_header_pool = Self.handshakes
        // `refuseSlow` comes first, with a word.
        info.timeout_secs = UInt32(settings.handshakeSeconds + 2)
        info.timeout_secs_ah_idle = UInt32(settings.handshakeSeconds + 2)
        info.keepalive_timeout = Int32(settings.handshakeSeconds)
        context = lws_create_context(&info)
        if let context { vhost = lws_create_vhost(context, &info) }
        guard let vhost else {
            throw .cannotListen(address: settings.address, port: settings.port)
        }
        port = settings.port != 0 ? settings.port : Int(lws_get_vhost_listen_port(vhost))
        guard port > 0 else {
            throw .cannotListen(address: settings.address, port: settings.port)
        }
    }

    /// Serves until `stop` says so.
    ///
    /// - Parameter shouldStop: asked at least once a second, and after each signal.
    package func run(until shouldStop: () -> Bool) {
        guard let context else { return }
        // libwebsockets waits for events; a signal ends the wait.
        while !shouldStop(), lws_service(context, 0) >= 0 {}
    }

    /// From any thread: `run` asks again whether to stop.
    package var wake: @Sendable () -> Void {
        nonisolated(unsafe) let context = self.context
        // lws_cancel_service is the one call that libwebsockets allows from other threads.
        return { if let context { lws_cancel_service(context) } }
    }

    // MARK: Callbacks

    private static func dispatch(
        _ wsi: OpaquePointer?, _ reason: lws_callback_reasons, _ user: UnsafeMutableRawPointer?,
        _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> Int32 {
        guard let wsi, let context = lws_get_context(wsi),
            let object = lws_context_user(context)
        else { return 0 }
        // `user` of the context was set to a Gateway that lives longer than the context.
        let gateway = Unmanaged<Gateway>.fromOpaque(object).takeUnretainedValue()
        switch reason {
        case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
            lws_set_timer_usecs(wsi, Int64(gateway.settings.handshakeSeconds) * 1_000_000)
            return 0
        case LWS_CALLBACK_HTTP:
            lws_set_timer_usecs(wsi, Self.noTimer)
            return gateway.serveFile(wsi)
        case LWS_CALLBACK_HTTP_FILE_COMPLETION: return lws_http_transaction_completed(wsi)
        case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
            lws_set_timer_usecs(wsi, Self.noTimer)
            return gateway.confirm(wsi)
        case LWS_CALLBACK_TIMER where Self.link(user) == nil: return gateway.refuseSlow(wsi)
        case LWS_CALLBACK_ESTABLISHED: return gateway.establish(wsi, user)
        case LWS_CALLBACK_RECEIVE, LWS_CALLBACK_SERVER_WRITEABLE, LWS_CALLBACK_TIMER,
            LWS_CALLBACK_CLOSED, LWS_CALLBACK_RAW_RX_FILE, LWS_CALLBACK_RAW_WRITEABLE_FILE,
            LWS_CALLBACK_RAW_CLOSE_FILE:
            // Only for these is `user` the memory of a link's handle.
            guard let link = Self.link(user) else { return 0 }
            return gateway.forward(wsi, reason, link, user, bytes, count)
        default: return 0
        }
    }

    private func forward(
        _ wsi: OpaquePointer, _ reason: lws_callback_reasons, _ link: BrowserLink,
        _ user: UnsafeMutableRawPointer?, _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> Int32 {
        var goesOn = true
        switch reason {
        case LWS_CALLBACK_RECEIVE:
            goesOn = link.didReceive(
                [UInt8](UnsafeRawBufferPointer(start: bytes, count: count)),
                remaining: UInt64(lws_remaining_packet_payload(wsi)),
                isLast: lws_is_final_fragment(wsi) != 0, isBinary: lws_frame_is_binary(wsi) != 0)
        case LWS_CALLBACK_SERVER_WRITEABLE: goesOn = link.browserIsWriteable()
        case LWS_CALLBACK_TIMER: goesOn = link.check()
        case LWS_CALLBACK_CLOSED:
            connectionCount -= 1
            link.browserDidClose()
            Self.release(user)
            return 0
        case LWS_CALLBACK_RAW_RX_FILE: link.daemonIsReadable()
        case LWS_CALLBACK_RAW_WRITEABLE_FILE: return link.daemonIsWriteable() ? 0 : -1
        case LWS_CALLBACK_RAW_CLOSE_FILE:
            link.daemonDidClose()
            Self.release(user)
            return 0
        default: return 0
        }
        guard goesOn else { return Self.end(wsi, link.closeReason) }
        return 0
    }

    private static func end(_ wsi: OpaquePointer, _ reason: CloseReason) -> Int32 {
        // A close frame holds 125 bytes: two of code, the rest of text.
        var text = Array(reason.text.utf8.prefix(123))
        lws_close_reason(
            wsi, lws_close_status(rawValue: UInt32(reason.code)), &text, text.count)
        return -1
    }

    // MARK: HTTP

    private func confirm(_ wsi: OpaquePointer) -> Int32 {
        do throws(Admission.Refusal) {
            try admission.check(handshake(of: wsi))
            guard connectionCount < settings.maxConnections else {
                throw .init(
                    status: 503,
                    reason: "\(connectionCount) connections are open, which is the limit")
            }
            return 0
        } catch {
            lws_return_http_status(wsi, error.status, error.reason)
            return 1
        }
    }

    /// A year. LWS_SET_TIMER_USEC_CANCEL makes libwebsockets 4.1 call back at once.
    private static let noTimer: Int64 = 365 * 86400 * 1_000_000

    /// A request that has not come to its end. libwebsockets answers none before: this is written beside it,
    /// as far as the socket takes it at once.
    private func refuseSlow(_ wsi: OpaquePointer) -> Int32 {
        let text = "the request did not come to its end within \(settings.handshakeSeconds) seconds"
        let answer = """
            HTTP/1.1 408 Request Timeout\r
            content-type: text/plain\r
            content-length: \(text.utf8.count)\r
            connection: close\r
            \r
            \(text)
            """
        let bytes = Array(answer.utf8)
        let descriptor = lws_get_socket_fd(wsi)
        // What is unread would make the close a reset, which may overtake the answer.
        var unread = [UInt8](repeating: 0, count: 4096)
        while recv(descriptor, &unread, unread.count, Int32(MSG_DONTWAIT)) > 0 {}
        _ = send(
            descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        return -1
    }

    private func serveFile(_ wsi: OpaquePointer) -> Int32 {
        do throws(Admission.Refusal) {
            try admission.checkHost(header(wsi, WSI_TOKEN_HOST))
            guard let path = header(wsi, WSI_TOKEN_GET_URI) else {
                throw .init(status: 405, reason: "files are read with GET")
            }
            guard let file = files[path] else {
                throw .init(status: 404, reason: "nothing is here")
            }
            var headers = Array(Self.headers.utf8CString.dropLast())
            let status = lws_serve_http_file(
                wsi, file.path, file.mediaType, &headers, Int32(headers.count))
            if status < 0 { return -1 }
            return status > 0 ? lws_http_transaction_completed(wsi) : 0
        } catch {
            if lws_return_http_status(wsi, error.status, error.reason) != 0 { return -1 }
            return lws_http_transaction_completed(wsi)
        }
    }

    /// Nothing may frame a page; what else a page may do is in its own policy.
    private static let headers = """
        cache-control: no-cache\r
        content-security-policy: frame-ancestors 'none'\r
        referrer-policy: no-referrer\r
        x-content-type-options: nosniff\r

        """

    private func handshake(of wsi: OpaquePointer) -> Admission.Handshake {
        Admission.Handshake(
            path: header(wsi, WSI_TOKEN_GET_URI) ?? "", token: argument(wsi, "token="),
            host: header(wsi, WSI_TOKEN_HOST), origin: header(wsi, WSI_TOKEN_ORIGIN),
            protocols: (header(wsi, WSI_TOKEN_PROTOCOL) ?? "").split { $0 == "," || $0 == " " }
                .map(String.init))
    }

    /// Numbers that are none are asked for as 0, which the daemon refuses with a reason.
    private func purpose(of wsi: OpaquePointer) -> LinkPurpose {
        guard header(wsi, WSI_TOKEN_GET_URI) == Admission.watchPath else { return .frames }
        let session = argument(wsi, "session=").flatMap(UInt64.init) ?? 0
        let fps = argument(wsi, "fps=").flatMap(Double.init) ?? 10
        let line =
            #"{"request":"watch","session":\#(session),"fps":\#(fps.isFinite ? fps : 0)}"# + "\n"
        return .watching(
            request: Array(line.utf8), wantsJPEG: argument(wsi, "pictures=") == "jpeg")
    }

    private func argument(_ wsi: OpaquePointer, _ name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        return buffer.withUnsafeMutableBufferPointer {
            lws_get_urlarg_by_name(wsi, name, $0.baseAddress, Int32($0.count)).map {
                String(cString: $0)
            }
        }
    }

    private func header(_ wsi: OpaquePointer, _ token: lws_token_indexes) -> String? {
        let count = lws_hdr_total_length(wsi, token)
        guard count > 0, count < 4096 else { return nil }
        var buffer = [CChar](repeating: 0, count: Int(count) + 1)
        guard lws_hdr_copy(wsi, &buffer, count + 1, token) > 0 else { return nil }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self
        )
    }

    // MARK: Links

    private func establish(_ wsi: OpaquePointer, _ user: UnsafeMutableRawPointer?) -> Int32 {
        connectionCount += 1
        let link = BrowserLink(
            browser: wsi, purpose: purpose(of: wsi), settings: settings, encoder: encoder)
        Self.store(link, user)
        link.connect { descriptor in
            var file = lws_sock_file_fd_type()
            file.filefd = descriptor
            guard
                let daemon = lws_adopt_descriptor_vhost(
                    vhost, LWS_ADOPT_RAW_FILE_DESC, file, names[2], nil)
            else { return nil }
            Self.store(link, lws_wsi_user(daemon))
            return daemon
        }
        return 0
    }

    /// Both handles of a link hold it until their close callbacks.
    private static func store(_ link: BrowserLink, _ user: UnsafeMutableRawPointer?) {
        user?.assumingMemoryBound(to: Unmanaged<BrowserLink>?.self).pointee =
            Unmanaged.passRetained(link)
    }

    private static func link(_ user: UnsafeMutableRawPointer?) -> BrowserLink? {
        // libwebsockets zeroes this memory, which is nil.
        user?.assumingMemoryBound(to: Unmanaged<BrowserLink>?.self).pointee?.takeUnretainedValue()
    }

    private static func release(_ user: UnsafeMutableRawPointer?) {
        guard let place = user?.assumingMemoryBound(to: Unmanaged<BrowserLink>?.self) else {
            return
        }
        let link = place.pointee
        place.pointee = nil
        link?.release()
    }
}
