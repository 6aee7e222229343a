// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol

/// Decides who gets in, by numbers of sessions, pixels and bytes, of all and of one user.
struct AdmissionControl {
    /// What one session holds of the limits.
    struct Claim: Equatable {
        var user: UInt32
        var pixels: Int
        /// Of the session alone.
        var bytes: Int
        /// Of the workspaces that it was the first to need. Others may share them and they may outlive
        /// it: they count for its user, and not in what all sessions hold.
        var broughtBytes = 0
    }

    /// What the sessions of one user, or of all, hold together.
    struct Holding: Equatable {
        var sessions = 0
        var pixels = 0
        var bytes = 0
        var broughtBytes = 0

        /// What counts for a user.
        var chargedBytes: Int { bytes + broughtBytes }

        static func + (left: Holding, right: Claim) -> Holding {
            Holding(
                sessions: left.sessions + 1, pixels: left.pixels + right.pixels,
                bytes: left.bytes + right.bytes,
                broughtBytes: left.broughtBytes + right.broughtBytes)
        }

        static func - (left: Holding, right: Claim) -> Holding {
            Holding(
                sessions: left.sessions - 1, pixels: left.pixels - right.pixels,
                bytes: left.bytes - right.bytes,
                broughtBytes: left.broughtBytes - right.broughtBytes)
        }
    }

    var limits: Configuration.Limits
    /// Bytes that may be planned in all: `limits.memory` or less.
    var memoryLimit: Int
    /// Whether several users can connect; only then a user's share counts.
    let hasSeveralUsers: Bool
    private var claims: [UInt64: Claim] = [:]
    private var users: [UInt32: Holding] = [:]
    private var total = Holding()

    init(
        limits: Configuration.Limits, memoryLimit: Int? = nil, hasSeveralUsers: Bool = false
    ) {
        self.limits = limits
        self.memoryLimit = memoryLimit ?? limits.memory << 20
        self.hasSeveralUsers = hasSeveralUsers
    }

    var sessionCount: Int { claims.count }
    var sessionBytes: Int { total.bytes }
    func holding(of user: UInt32) -> Holding { users[user] ?? Holding() }

    /// - Parameters:
    ///   - session: has no claim yet, or one that the new claim replaces (reconfigure).
    ///   - memory: with the models and workspaces that are there.
    ///   - addedBytes: of a workspace that this session would be the first to need.
    mutating func admit(
        _ claim: Claim, session: UInt64, memory: MemoryBudget, addedBytes: Int = 0
    ) throws(ProtocolError) {
        let replaced = claims[session]
        var claim = claim
        // A new configuration does not leave behind what the session brought.
        claim.broughtBytes = max(addedBytes, replaced?.broughtBytes ?? 0)
        let others = replaced.map { total - $0 } ?? total
        let own = replaced.map { holding(of: claim.user) - $0 } ?? holding(of: claim.user)
        guard others.sessions < limits.sessions else {
            throw .sessionLimit(open: others.sessions, limit: limits.sessions)
        }
        try checkSessions(own, claim)
        try checkPixels(own, others, claim)
        try checkMemory(own, others, claim, memory, addedBytes: addedBytes)
        release(session)
        claims[session] = claim
        users[claim.user] = holding(of: claim.user) + claim
        total = total + claim
    }

    mutating func release(_ session: UInt64) {
        guard let claim = claims.removeValue(forKey: session) else { return }
        total = total - claim
        let left = holding(of: claim.user) - claim
        users[claim.user] = left.sessions == 0 ? nil : left
    }

    // MARK: Shares

    /// Whether a user holds more than an equal part of something, counted among those who hold or
    /// ask for sessions.
    /// - Parameter asking: counted as one of the users.
    func isBeyondEqualPart(_ user: UInt32, asking: UInt32, adding claim: Claim? = nil) -> Bool {
        let count = users.count + (users[asking] == nil ? 1 : 0)
        let held = claim.map { holding(of: user) + $0 } ?? holding(of: user)
        return held.sessions * count > limits.sessions || held.pixels * count > limits.pixels
            || held.chargedBytes * count > memoryLimit
    }

    /// The most that one user may hold of `whole`. A lone user meets the limit itself, by its name.
    private func share(of whole: Int) -> Int {
        hasSeveralUsers ? max(1, whole / 100 * limits.userSharePercent) : .max
    }

    private func checkSessions(_ own: Holding, _ claim: Claim) throws(ProtocolError) {
        guard own.sessions < limits.sessionsPerUser else {
            throw .identityLimit(
                open: own.sessions, limit: limits.sessionsPerUser, key: "limits.sessions_per_user",
                reason: "User id \(claim.user) has \(own.sessions) sessions open, at most "
                    + "\(limits.sessionsPerUser) are allowed (limits.sessions_per_user).")
        }
    }

    private func checkPixels(
        _ own: Holding, _ others: Holding, _ claim: Claim
    ) throws(ProtocolError) {
        guard claim.pixels <= limits.pixelsPerSession else {
            throw .pixelLimit(
                found: claim.pixels, limit: limits.pixelsPerSession,
                key: "limits.pixels_per_session",
                reason: "The picture has \(claim.pixels) pixels, at most "
                    + "\(limits.pixelsPerSession) are allowed (limits.pixels_per_session).")
        }
        let (held, most) = (own.pixels + claim.pixels, share(of: limits.pixels))
        guard held <= most else {
            throw .pixelLimit(
                found: held, limit: most, key: "limits.user_share_percent",
                reason: "User id \(claim.user) would hold \(held) pixels, at most \(most) of "
                    + "\(limits.pixels) are one user's (limits.user_share_percent).")
        }
        let pixels = others.pixels + claim.pixels
        guard pixels <= limits.pixels else {
            throw .pixelLimit(
                found: pixels, limit: limits.pixels, key: "limits.pixels",
                reason: "All sessions together would have \(pixels) pixels, at most "
                    + "\(limits.pixels) are allowed (limits.pixels).")
        }
    }

    private func checkMemory(
        _ own: Holding, _ others: Holding, _ claim: Claim, _ memory: MemoryBudget, addedBytes: Int
    ) throws(ProtocolError) {
        let needed = claim.bytes + addedBytes
        let held = own.chargedBytes + claim.bytes + claim.broughtBytes
        let most = share(of: memory.total)
        guard held <= most else {
            throw .memoryLimit(
                needed: UInt64(needed), available: UInt64(max(0, most - own.chargedBytes)),
                key: "limits.user_share_percent",
                reason: "User id \(claim.user) would hold \(roundedMebibytes(held)) MiB, at most "
                    + "\(most >> 20) are one user's (limits.user_share_percent).")
        }
        var memory = memory
        memory.sessions = others.bytes
        try memory.check(session: needed)
    }
}

extension ProtocolError {
    /// Refused for what all sessions together hold: room that others could make.
    var isForWantOfRoom: Bool {
        switch self {
        case .sessionLimit: true
        case .pixelLimit(_, _, let key, _): key == "limits.pixels"
        case .memoryLimit(_, _, let key, _): key == "limits.memory_mib"
        default: false
        }
    }
}
