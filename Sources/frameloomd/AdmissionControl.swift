// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import NeuralDenoiser

/// Work memory of the render threads, one workspace per model and size, shared by the sessions that
/// need it and freed with the last of them. Loop thread only.
struct WorkspaceShelf {
    struct Key: Hashable, Sendable {
        var model: String
        var size: FrameSize
    }

    private struct Entry {
        var workspace: any FrameWorkspace
        var byteCount: Int
        var users: Int
    }

    private var entries: [Key: Entry] = [:]

    var byteCount: Int { entries.values.reduce(0) { $0 + $1.byteCount } }

    /// What taking `key` would add.
    func addedByteCount(_ key: Key, _ denoiser: Denoiser) -> Int {
        entries[key] == nil ? denoiser.workspaceByteCount(for: key.size) : 0
    }

    mutating func take(_ key: Key, _ denoiser: Denoiser) -> any FrameWorkspace {
        if let entry = entries[key] {
            entries[key]?.users += 1
            return entry.workspace
        }
        let workspace = denoiser.makeWorkspace(for: key.size)
        entries[key] = Entry(
            workspace: workspace, byteCount: denoiser.workspaceByteCount(for: key.size), users: 1)
        return workspace
    }

    mutating func give(back key: Key) {
        entries[key]?.users -= 1
        if entries[key]?.users == 0 { entries[key] = nil }
    }
}

/// Decides who gets in, by numbers of sessions, pixels and bytes.
struct AdmissionControl {
    /// What one session holds of the limits.
    struct Claim: Equatable {
        var user: UInt32
        var pixels: Int
        var bytes: Int
    }

    let limits: Configuration.Limits
    private var claims: [UInt64: Claim] = [:]

    init(limits: Configuration.Limits) {
        self.limits = limits
    }

    var sessionCount: Int { claims.count }
    var sessionBytes: Int { claims.values.reduce(0) { $0 + $1.bytes } }

    /// - Parameters:
    ///   - session: has no claim yet, or one that the new claim replaces (reconfigure).
    ///   - memory: with models and workspaces, those that this session would add included.
    mutating func admit(
        _ claim: Claim, session: UInt64, memory: MemoryBudget
    ) throws(ProtocolError) {
        let others = claims.filter { $0.key != session }.values
        guard others.count < limits.sessions else {
            throw .sessionLimit(open: others.count, limit: limits.sessions)
        }
        let own = others.count { $0.user == claim.user }
        guard own < limits.sessionsPerUser else {
            throw .identityLimit(
                open: own, limit: limits.sessionsPerUser, key: "limits.sessions_per_user",
                reason: "User id \(claim.user) has \(own) sessions open, at most "
                    + "\(limits.sessionsPerUser) are allowed (limits.sessions_per_user).")
        }
        guard claim.pixels <= limits.pixelsPerSession else {
            throw .pixelLimit(
                found: claim.pixels, limit: limits.pixelsPerSession,
                key: "limits.pixels_per_session",
                reason: "The picture has \(claim.pixels) pixels, at most "
                    + "\(limits.pixelsPerSession) are allowed (limits.pixels_per_session).")
        }
        let pixels = others.reduce(claim.pixels) { $0 + $1.pixels }
        guard pixels <= limits.pixels else {
            throw .pixelLimit(
                found: pixels, limit: limits.pixels, key: "limits.pixels",
                reason: "All sessions together would have \(pixels) pixels, at most "
                    + "\(limits.pixels) are allowed (limits.pixels).")
        }
        var memory = memory
        memory.sessions = others.reduce(0) { $0 + $1.bytes }
        try memory.check(session: claim.bytes)
        claims[session] = claim
    }

    mutating func release(_ session: UInt64) {
        claims[session] = nil
    }
}
