// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

extension Session {
    /// Goes on when everything that a phase waits for is done.
    mutating func finishPhase(now: UInt64) {
        switch phase {
        case .reconfiguring(let request, let keepsHistory):
            // The old pictures are written first: their memory is planned anew.
            let isSending = pendingWrites.contains { $0.picture != nil }
            if hasNoFrames, !isSending {
                reconfigure(request, keepsHistory: keepsHistory)
            }
        case .closing:
            if hasNoFrames {
                send(MessageEncoder.closed(), now: now)
                end(.closedByClient)
            }
        case .draining:
            if job == nil { fail(.draining, now: now) }
        case .connected, .admitting, .receivingHistory, .convertingHistory, .running, .ended: break
        }
    }

    private var hasNoFrames: Bool { job == nil && waiting.isEmpty && !isRenewing }

    /// Ends the session and says why.
    mutating func fail(_ error: ProtocolError, now: UInt64) {
        send(MessageEncoder.error(ErrorReply(error, severity: .session)), now: now)
        end(.error(error))
    }

    private mutating func end(_ reason: EndReason) {
        withdrawFrames()
        if job != nil { act(.cancelJob) }
        // A job that still runs keeps what it needs.
        storages = nil
        history = nil
        incoming = .nothing
        phase = .ended(reason)
        act(.end(reason))
    }

    /// Lets go of every frame that is not being rendered. No reply says so: to the client they are
    /// unanswered, and it sends them again to the daemon that it resumes with.
    private mutating func withdrawFrames() {
        if let queued = job, queued.withdraw() {
            job = nil
            storages?.freePictures.append(queued.picture)
            waiting.insert(queued.frame, at: 0)
            act(.cancelJob)
        }
        for frame in waiting {
            counted.frames.dropped += 1
            storages?.freeFrames.append(frame.storage)
        }
        waiting.removeAll()
    }

    package mutating func connectionLost(now: UInt64) -> [SessionAction] {
        perform(now: now) { $0.end(.connectionLost) }
    }

    /// The daemon stops: the frame that is being rendered is finished and sent, the rest stays
    /// unanswered.
    package mutating func drain(now: UInt64) -> [SessionAction] {
        perform(now: now) { session in
            session.withdrawFrames()
            session.phase = .draining
        }
    }

    /// Ends a session that nothing is under way in: somebody else asks for what it holds.
    package mutating func yield(now: UInt64) -> [SessionAction] {
        perform(now: now) { session in
            session.fail(.yielded(seconds: seconds(session.idleTime(now: now))), now: now)
        }
    }

    /// The operator ended it.
    package mutating func kick(now: UInt64) -> [SessionAction] {
        perform(now: now) { $0.fail(.kicked, now: now) }
    }

    /// The daemon itself did not run for so long (a stopped process, a machine that stood): no limit of
    /// the client's runs meanwhile. Nanoseconds.
    package mutating func forgive(_ gap: UInt64) {
        connectedAt += gap
        lastActivity += gap
    }

    /// Checks the limits in time.
    /// - Parameter writeStall: for how long the client has taken nothing although something was
    ///   waiting for it, nanoseconds.
    package mutating func tick(now: UInt64, writeStall: UInt64) -> [SessionAction] {
        perform(now: now) { session in
            let settings = session.settings
            if case .connected = session.phase,
                elapsed(now, since: session.connectedAt) > settings.openTimeout
            {
                return session.fail(.notOpened(seconds: seconds(settings.openTimeout)), now: now)
            }
            if !session.pendingWrites.isEmpty, writeStall > settings.slowReaderTimeout {
                return session.fail(
                    .slowReader(seconds: seconds(settings.slowReaderTimeout)), now: now)
            }
            if let limit = settings.idleTimeout, session.hasNoFrames,
                session.pendingWrites.isEmpty, session.waitsForClient,
                elapsed(now, since: session.lastActivity) > limit
            {
                session.fail(.idle(seconds: seconds(limit)), now: now)
            }
        }
    }

    private var waitsForClient: Bool {
        switch phase {
        case .receivingHistory, .running: true
        case .connected, .admitting, .convertingHistory, .reconfiguring, .closing, .draining,
            .ended:
            false
        }
    }
}

private func elapsed(_ now: UInt64, since: UInt64) -> UInt64 { now > since ? now - since : 0 }

private func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }
