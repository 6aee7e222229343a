// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameProtocol
import FrameSession
import FrameSocket
import FrameTypes
import Logging

/// Clients come, are turned away, fail and are forgotten.
extension Server {
    func accept(_ connection: Connection) {
        let user = connection.peer.userID
        if let error = refusal(of: user) { return turnAway(connection, error) }
        connectionCounts[user, default: 0] += 1
        let client = Client(
            id: nextSession, connection: connection, settings: sessionSettings, server: self)
        nextSession += 1
        clients[client.id] = client
        tickOrder.append(client.id)
        log.debug(
            "connected",
            metadata: ["session": "\(client.id)", "pid": "\(connection.peer.processID)"])
        client.start()
    }

    /// Why one more connection of the user would be too many.
    private func refusal(of user: UInt32) -> ProtocolError? {
        let percent = admission.hasSeveralUsers ? settings.limits.userSharePercent : 100
        let most = max(1, connectionLimit * percent / 100)
        let own = connectionCounts[user] ?? 0
        if clients.count >= connectionLimit {
            return .identityLimit(
                open: clients.count, limit: connectionLimit, key: "limits.connections",
                reason: "\(clients.count) connections are open, at most \(connectionLimit) are "
                    + "allowed (limits.connections, and the limit of open files).")
        }
        guard own >= most else { return nil }
        return .identityLimit(
            open: own, limit: most, key: "limits.user_share_percent",
            reason: "User id \(user) has \(own) connections open, at most \(most) are one user's "
                + "(limits.user_share_percent).")
    }

    /// Tells the reason, unless too many are being told it already.
    private func turnAway(_ connection: Connection, _ error: ProtocolError) {
        sessionsRefused += 1
        connection.start(
            .init(
                nextTarget: { nil }, didRead: { _ in }, didEnd: { _ in },
                didClose: { [weak self] in self?.turnedAway -= 1 }))
        turnedAway += 1
        guard turnedAway <= 32 else { return connection.abort() }
        connection.write(MessageEncoder.error(ErrorReply(error, severity: .session)))
        connection.closeAfterWrites(limit: 1000)
    }

    /// Reads from the client again when its share of the loop's time allows it.
    func resumeLater(_ client: Client) {
        paused.append(client)
        if paused.count == 1 { pauseTimer?.start(after: 2, every: 2) }
    }

    func resumePaused() {
        let now = EventLoop.now
        var looked = 0
        var kept: [Client] = []
        for client in paused {
            // A frame in shared memory is copied here.
            guard looked == 0 || loop.workTime < EventLoop.turnBudget else { break }
            looked += 1
            if !client.isClosed, !client.resumeIfAllowed(now: now) { kept.append(client) }
        }
        paused = paused[looked...] + kept
        if paused.isEmpty { pauseTimer?.stop() }
    }

    /// The session is over; its connection may still be sending the last words.
    func sessionEnded(_ client: Client, _ reason: EndReason) {
        endWatches(of: client)
        defer { giveBackIfDone(client) }
        var words = self.words(about: client)
        switch reason {
        case .closedByClient: log.info("session closed", metadata: words)
        case .connectionLost: log.info("client gone", metadata: words)
        case .error(let error):
            if client.grant == nil { sessionsRefused += 1 } else { protocolErrors += 1 }
            words["reason"] = "\(ErrorReply(error, severity: .session).text)"
            log.notice("session ended", metadata: words)
        }
    }

    func endWatches(of client: Client) {
        watches.end(session: client.id, saying: MessageEncoder.closed())
        snapshots.end(session: client.id)
    }

    /// What the journal finds a session's lines by.
    func words(about client: Client) -> Logger.Metadata {
        var words: Logger.Metadata = [
            "session": "\(client.id)", "user": "\(client.connection.peer.userID)",
        ]
        if let grant = client.grant { words["model"] = "\(grant.model.name)" }
        return words
    }

    func qualityChanged(_ quality: FrameQuality, of client: Client) {
        var words = self.words(about: client)
        words["quality"] = "\(quality)"
        words["load_percent"] = "\(Int((scheduler.statistics.load * 100).rounded()))"
        log.info("quality changed", metadata: words)
    }

    func frameFailed(_ error: ProtocolError, _ frameID: UInt64, of client: Client) {
        frameErrors += 1
        let reply = ErrorReply(error, severity: .frame)
        client.lastError = FrameErrorReport(
            frame: frameID, field: reply.field, text: reply.text,
            count: (client.lastError?.count ?? 0) + 1)
        guard let leftOut = client.errorLimiter.admit(now: EventLoop.now) else { return }
        var words = self.words(about: client)
        words["frame"] = "\(frameID)"
        words["reason"] = "\(reply.text)"
        if leftOut > 0 { words["left_out"] = "\(leftOut)" }
        log.notice("frame failed", metadata: words)
    }

    /// Once no job holds the session's memory any more; what others may have then.
    func giveBackIfDone(_ client: Client) {
        guard client.session.isDone else { return }
        admission.release(client.id)
        ledger.book(client)
        if let grant = client.grant { giveBack(grant) }
        client.grant = nil
    }

    func giveBack(_ grant: Grant) {
        for place in grant.workspaces { shelf.give(back: place.key) }
        models.release(grant.model)
        hasFreedMemory = true
    }

    /// Once its connection is closed as well.
    func forgetIfDone(_ client: Client) {
        giveBackIfDone(client)
        guard client.isClosed, client.session.isDone, clients[client.id] != nil else { return }
        clients[client.id] = nil
        let user = client.connection.peer.userID
        let connections = (connectionCounts[user] ?? 1) - 1
        connectionCounts[user] = connections > 0 ? connections : nil
        scheduler.cancel(session: client.id)
        endedWork += client.session.counters
        if isDraining, clients.isEmpty { endNow() }
    }

    func nextJobID() -> UInt64 {
        defer { nextJob += 1 }
        return nextJob
    }
}
