// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameSocket

/// Answers people and programs on the control socket: one JSON object a line, in and out.
/// Loop thread only.
final class ControlServer {
    private let listener: Listener
    private let connectionLimit: Int
    private let answer: (ControlRequest) -> ControlReply
    private let watches: PictureWatches
    private let describe: (WatchRequest) -> WatchReport?
    private var connections: [ObjectIdentifier: Connection] = [:]

    init(
        loop: EventLoop, address: SocketAddress, connectionLimit: Int,
        onError: @escaping (SocketError) -> Void,
        watches: PictureWatches, describe: @escaping (WatchRequest) -> WatchReport?,
        answer: @escaping (ControlRequest) -> ControlReply
    ) throws(SocketError) {
        self.answer = answer
        self.watches = watches
        self.describe = describe
        self.connectionLimit = connectionLimit
        listener = try Listener(loop: loop, address: address)
        listener.start(
            onConnection: { [unowned self] in serve($0) }, onError: onError)
    }

    /// Removes the socket and lets answers under way go out.
    func close() {
        listener.close()
        for connection in connections.values { connection.closeAfterWrites(limit: 1000) }
    }

    private func serve(_ connection: Connection) {
        guard connections.count < connectionLimit else {
            let fault = ControlFault(
                code: .internalError,
                text: "\(connectionLimit) control connections are open already "
                    + "(limits.control_connections)")
            connection.start(
                .init(nextTarget: { nil }, didRead: { _ in }, didEnd: { _ in }, didClose: {}))
            connection.write(ControlLine.encode(.error(fault)))
            return connection.closeAfterWrites()
        }
        connections[ObjectIdentifier(connection)] = connection
        var lines = LineReader(limit: ControlLine.maxRequestBytes)
        connection.start(
            .init(
                // A client that asks faster than it reads the answers waits.
                nextTarget: { [unowned connection] in
                    connection.pendingWriteBytes > 1 << 20 ? nil : .bytes(atMost: 64 << 10)
                },
                didRead: { [unowned self, unowned connection] event in
                    guard case .bytes(let bytes) = event else { return }
                    do {
                        for line in try lines.append(bytes) { reply(to: line, on: connection) }
                    } catch {
                        let fault = ControlFault.lineTooLong(limit: ControlLine.maxRequestBytes)
                        connection.write(ControlLine.encode(.error(fault)))
                        connection.closeAfterWrites()
                    }
                },
                didEnd: { [unowned connection] _ in connection.closeAfterWrites() },
                didClose: { [weak self, unowned connection] in
                    self?.connections[ObjectIdentifier(connection)] = nil
                    self?.watches.remove(connection)
                }))
    }

    private func reply(to line: String, on connection: Connection) {
        // Pictures follow on it: there is no place for answers any more.
        guard !watches.isWatching(connection) else { return connection.closeAfterWrites() }
        let reply: ControlReply
        do throws(ControlFault) {
            if let request = try ControlLine.watchRequest(from: Array(line.utf8)) {
                return try watch(request, on: connection)
            }
            reply = answer(try ControlLine.request(from: Array(line.utf8)))
        } catch {
            reply = .error(error)
        }
        connection.write(ControlLine.encode(reply)) { [weak connection] _ in
            connection?.resumeReading()
        }
    }

    private func watch(
        _ request: WatchRequest, on connection: Connection
    ) throws(ControlFault) {
        guard let report = describe(request) else {
            throw ControlFault(
                code: .noSession, text: "no session \(request.session) is open")
        }
        try watches.add(request, connection)
        connection.write(ControlLine.encode(.watching(report)))
    }
}
