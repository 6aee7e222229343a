// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameSocket
import Glibc

/// Answers people and programs on the control socket: one JSON object a line, in and out.
/// Loop thread only.
///
/// Lines are answered one at a time, in turn among the connections that have one, those of the
/// operators (who may change the daemon) first, and no faster than one a millisecond: whoever
/// floods this socket waits for himself. Reading and writing JSON, whose cost grows with what clients
/// send and with the sessions that are open, happens elsewhere.
final class ControlServer {
    struct Limits {
        /// At once; the one that was idle for longest makes room for a new one.
        var connections: Int
        /// Of these, kept for the operator.
        var reserved: Int { connections / 4 }
        /// Nanoseconds without a request after which a connection is closed.
        var idleTime: UInt64
    }

    /// Hands the reply's line to `completion`, at once or later.
    typealias Answer = (_ call: ControlCall, _ completion: @escaping ([UInt8]) -> Void) ->
        Void

    /// Besides root and the daemon's own user.
    struct Rights {
        var change: PeerList
        var watch: PeerList

        init(_ permissions: Configuration.Permissions) throws(SocketError) {
            change = try PeerList(permissions.change)
            watch = try PeerList(permissions.watch)
        }
    }

    private final class Peer {
        let connection: Connection
        /// Whether it may change the daemon.
        let isOperator: Bool
        /// Whether it may see pictures of other users' sessions.
        let mayWatch: Bool
        /// Of the request that is being answered.
        var requestID: ControlID?
        var reader = LineReader(limit: ControlLine.maxRequestBytes)
        /// Read and not answered; nothing is read while there are any.
        var lines: [String] = []
        var isAnswering = false
        var lastRequestAt = EventLoop.now

        init(_ connection: Connection, _ rights: Rights) {
            self.connection = connection
            let peer = connection.peer
            let isOwn = peer.userID == 0 || peer.userID == geteuid()
            isOperator = isOwn || rights.change.contains(peer)
            mayWatch = isOwn || rights.watch.contains(peer)
        }

        var isIdle: Bool { !isAnswering && lines.isEmpty }
    }

    private let listener: Listener
    private let loop: EventLoop
    private let limits: Limits
    private let rights: Rights
    private let owner: (_ session: UInt64) -> UInt32?
    private let work: BackgroundWork
    private let answer: Answer
    private let watches: PictureWatches
    private let snapshots: Snapshots
    private let describe: (WatchRequest) -> WatchReport?
    private var peers: [ObjectIdentifier: Peer] = [:]
    /// Those with a line to answer, in the order of their turns.
    private var operators: [Peer] = []
    private var others: [Peer] = []
    private var pace: LoopTimer?
    private var isPacing = false

    /// A line's bytes at a time, so that a read brings few lines.
    private static let bytesPerRead = 4096

    /// - Parameters:
    ///   - work: parses requests.
    init(
        loop: EventLoop, listener: Listener, limits: Limits, rights: Rights,
        owner: @escaping (_ session: UInt64) -> UInt32?, work: BackgroundWork,
        onError: @escaping (SocketError) -> Void, watches: PictureWatches,
        snapshots: Snapshots, describe: @escaping (WatchRequest) -> WatchReport?,
        answer: @escaping Answer
    ) throws(SocketError) {
        self.answer = answer
        self.watches = watches
        self.snapshots = snapshots
        self.describe = describe
        self.limits = limits
        self.rights = rights
        self.owner = owner
        self.loop = loop
        self.work = work
        self.listener = listener
        pace = try loop.makeTimer { [unowned self] in answerNext() }
        listener.start(
            onConnection: { [unowned self] in serve($0) }, onError: onError)
    }

    /// Removes the socket and lets answers under way go out.
    func close() {
        listener.close()
        pace = nil
        for peer in peers.values { peer.connection.closeAfterWrites(limit: 1000) }
    }

    /// The daemon did not run for so long, nanoseconds.
    func forgive(_ gap: UInt64) {
        for peer in peers.values { peer.lastRequestAt += gap }
    }

    /// Closes connections that have asked nothing for too long. A few times a second.
    func tick(now: UInt64) {
        for peer in peers.values
        where isIdle(peer) && now - min(now, peer.lastRequestAt) > limits.idleTime {
            peer.connection.closeAfterWrites(limit: 1000)
        }
    }

    // MARK: Connections

    private func serve(_ connection: Connection) {
        let peer = Peer(connection, rights)
        let room = peer.isOperator ? limits.connections : limits.connections - limits.reserved
        if peers.count >= room, !makeRoom(for: peer) {
            let fault = ControlFault(
                code: .internalError,
                text: "\(peers.count) control connections are open already "
                    + "(limits.control_connections)")
            connection.start(
                .init(nextTarget: { nil }, didRead: { _ in }, didEnd: { _ in }, didClose: {}))
            connection.write(ControlLine.encode(.error(fault)))
            return connection.closeAfterWrites(limit: 1000)
        }
        peers[ObjectIdentifier(connection)] = peer
        connection.start(
            .init(
                // A client that asks faster than it reads the answers waits.
                nextTarget: { [unowned peer] in
                    peer.isIdle ? .bytes(atMost: Self.bytesPerRead) : nil
                },
                didRead: { [unowned self, unowned peer] event in
                    guard case .bytes(let bytes) = event else { return }
                    read(bytes, from: peer)
                },
                didEnd: { [unowned connection] _ in connection.closeAfterWrites(limit: 1000) },
                didClose: { [weak self] in self?.forget(peer) }))
    }

    /// Closes the connection that was idle for longest, an operator's only for another operator.
    private func makeRoom(for newcomer: Peer) -> Bool {
        let candidates = peers.values.filter {
            isIdle($0) && (newcomer.isOperator || !$0.isOperator)
        }
        // Of others before of operators.
        let oldest = candidates.min {
            ($0.isOperator ? 1 : 0, $0.lastRequestAt) < ($1.isOperator ? 1 : 0, $1.lastRequestAt)
        }
        guard let oldest else { return false }
        oldest.connection.abort()
        forget(oldest)
        return true
    }

    /// Who watches pictures asks nothing, and is not idle.
    private func isIdle(_ peer: Peer) -> Bool {
        peer.isIdle && !watches.isWatching(peer.connection)
            && !snapshots.isWaiting(peer.connection)
    }

    private func forget(_ peer: Peer) {
        watches.remove(peer.connection)
        snapshots.remove(peer.connection)
        peers[ObjectIdentifier(peer.connection)] = nil
        peer.lines = []
        operators.removeAll { $0 === peer }
        others.removeAll { $0 === peer }
    }

    // MARK: Requests

    private func read(_ bytes: [UInt8], from peer: Peer) {
        do {
            peer.lines = try peer.reader.append(bytes)
            if !peer.lines.isEmpty { queue(peer) }
        } catch {
            let fault = ControlFault.lineTooLong(limit: ControlLine.maxRequestBytes)
            peer.connection.write(ControlLine.encode(.error(fault)))
            peer.connection.closeAfterWrites(limit: 1000)
        }
    }

    private func queue(_ peer: Peer) {
        if peer.isOperator { operators.append(peer) } else { others.append(peer) }
        guard !isPacing else { return }
        isPacing = true
        pace?.start(after: 0, every: 1)
    }

    private func answerNext() {
        let next = operators.isEmpty ? others.first : operators.first
        guard let peer = next else {
            isPacing = false
            pace?.stop()
            return
        }
        if peer.isOperator { operators.removeFirst() } else { others.removeFirst() }
        let line = peer.lines.removeFirst()
        // Pictures follow on it: there is no place for answers any more.
        guard !watches.isWatching(peer.connection), !snapshots.isWaiting(peer.connection) else {
            return peer.connection.closeAfterWrites(limit: 1000)
        }
        peer.isAnswering = true
        peer.lastRequestAt = EventLoop.now
        // What a watchdog asks is answered at once, whatever else is asked.
        if line == Self.healthLine { return reply(to: ControlCall(.health), of: peer) }
        work.run({ Request.parse(line) }) {
            [weak self, weak peer] (id: ControlID?, parsed: Request) in
            guard let self, let peer else { return }
            peer.requestID = id
            switch parsed {
            case .question(let call): reply(to: call, of: peer)
            case .watch(let request): watch(request, peer)
            case .snapshot(let request): snapshot(request, peer)
            case .fault(let fault): send(ControlLine.encode(.error(fault)), to: peer)
            }
        }
    }

    private enum Request: Sendable {
        case question(ControlCall)
        case watch(WatchRequest)
        case snapshot(SnapshotRequest)
        case fault(ControlFault)

        static func parse(_ line: String) -> (ControlID?, Request) {
            let bytes = Array(line.utf8)
            var id: ControlID?
            do throws(ControlFault) {
                id = try ControlLine.id(from: bytes)
                if let request = try ControlLine.watchRequest(from: bytes) {
                    return (id, .watch(request))
                }
                if let request = try ControlLine.snapshotRequest(from: bytes) {
                    return (id, .snapshot(request))
                }
                return (id, .question(try ControlLine.call(from: bytes)))
            } catch {
                return (id, .fault(error))
            }
        }
    }

    private func watch(_ request: WatchRequest, _ peer: Peer) {
        do throws(ControlFault) {
            guard let report = describe(request) else {
                throw ControlFault(
                    code: .noSession, text: "no session \(request.session) is open")
            }
            try checkMayWatch(request.session, peer)
            try watches.add(request, peer.connection)
            send(ControlLine.encode(.watching(report)), to: peer)
        } catch {
            send(ControlLine.encode(.error(error)), to: peer)
        }
    }

    /// Answered with the session's next frame.
    private func snapshot(_ request: SnapshotRequest, _ peer: Peer) {
        do throws(ControlFault) {
            guard describe(.init(session: request.session, fps: 1)) != nil else {
                throw ControlFault(
                    code: .noSession, text: "no session \(request.session) is open")
            }
            try checkMayWatch(request.session, peer)
            try snapshots.add(peer.connection, session: request.session)
            peer.isAnswering = false
            peer.connection.resumeReading()
        } catch {
            send(ControlLine.encode(.error(error)), to: peer)
        }
    }

    /// Everybody may see his own.
    private func checkMayWatch(_ session: UInt64, _ peer: Peer) throws(ControlFault) {
        let user = peer.connection.peer.userID
        guard peer.mayWatch || owner(session) == user else {
            throw ControlFault(
                code: .notAllowed,
                text: "user \(user) may not see what other users' sessions show; control.watch in "
                    + "the daemon's configuration says who may")
        }
    }

    private static let healthLine = #"{"request":"health"}"#

    private func reply(to call: ControlCall, of peer: Peer) {
        guard !call.request.changesSomething || peer.isOperator else {
            let fault = ControlFault(
                code: .notAllowed,
                text: "user \(peer.connection.peer.userID) may ask and not change anything; "
                    + "control.change in the daemon's configuration says who may")
            return send(ControlLine.encode(.error(fault)), to: peer)
        }
        answer(call) { [weak self, weak peer] bytes in
            guard let self, let peer else { return }
            send(bytes, to: peer)
        }
    }

    private func send(_ reply: [UInt8], to peer: Peer) {
        let bytes = peer.requestID.map { ControlLine.adding("id", $0, to: reply) } ?? reply
        peer.requestID = nil
        peer.connection.write(bytes) { [weak self, weak peer] _ in
            guard let self, let peer else { return }
            peer.isAnswering = false
            peer.lastRequestAt = EventLoop.now
            if peer.lines.isEmpty {
                peer.connection.resumeReading()
            } else if peers[ObjectIdentifier(peer.connection)] != nil {
                queue(peer)
            }
        }
    }
}
