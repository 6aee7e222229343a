// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameSession
import FrameTypes

/// How the daemon's memory is shared out. A value of numbers: who is given what, and what has to go
/// for it, follows from them alone.
///
/// Models, work memory and sessions are never taken away; what they will need is counted before it
/// is granted, so that memory never runs out later. Caches of incremental sessions are there for
/// speed alone: they take what is left, and a session is never refused for them.
struct MemoryBudget: Equatable {
    /// Limits, bytes.
    let total, perSession, ofCaches: Int

    // What is planned, bytes.
    /// Of the loaded models.
    var weights = 0
    /// Of the render threads, shared by the sessions of a model and size.
    var workspaces = 0
    /// Of the sessions, with the workspaces that they brought.
    var sessions = 0
    /// By session.
    var caches: [UInt64: Int] = [:]

    /// - Parameter total: less than `limits.memory` where the system allows less; bytes.
    init(_ limits: Configuration.Limits, total: Int? = nil) {
        self.total = total ?? limits.memory << 20
        perSession = limits.memoryPerSession << 20
        ofCaches = limits.incrementalMemory << 20
    }

    var cacheBytes: Int { caches.values.reduce(0, +) }
    /// All of it.
    var planned: Int { taken + cacheBytes }
    /// What nobody has to give back.
    private var taken: Int { weights + workspaces + sessions }

    /// Whether one more session of so many bytes fits; caches give way to it.
    func check(session byteCount: Int) throws(ProtocolError) {
        guard byteCount <= perSession else {
            throw .memoryLimit(
                needed: UInt64(byteCount), available: UInt64(perSession),
                key: "limits.memory_per_session_mib",
                reason: "The session needs \(roundedMebibytes(byteCount)) MiB, at most "
                    + "\(perSession >> 20) are allowed (limits.memory_per_session_mib).")
        }
        guard byteCount <= total - taken else {
            throw .memoryLimit(
                needed: UInt64(byteCount), available: UInt64(max(0, total - taken)),
                key: "limits.memory_mib",
                reason: "The session needs \(roundedMebibytes(byteCount)) MiB; models, work memory "
                    + "and other sessions take \(taken >> 20) of \(total >> 20) (limits.memory_mib)."
            )
        }
    }

    /// Whether a model of so many bytes fits; caches give way to it.
    func hasRoom(forModel byteCount: Int) -> Bool { byteCount <= total - taken }

    /// Whether there is room for copies that last for a picture or two; nothing gives way to them.
    func hasRoom(forCopies byteCount: Int) -> Bool { byteCount <= total - planned }

    /// Whether the system would map so much more: an address space limit may be below our own.
    static func checkSystem(gives byteCount: Int) throws(ProtocolError) {
        guard MappedMemory.isAvailable(byteCount) else {
            throw ProtocolError(MemoryRefusal(byteCount: byteCount))
        }
    }

    /// What all caches together may hold; negative where even the rest is too much.
    private var roomForCaches: Int { min(total - taken, ofCaches) }

    /// Whether a session that holds `held` bytes can have a cache beside the others'.
    func hasRoom(forCache byteCount: Int, beside held: Int) -> Bool {
        held + byteCount <= perSession && cacheBytes + byteCount <= roomForCaches
    }

    /// Whose caches have to go until the rest fits: those of the longest idle sessions first.
    /// - Parameter idleTime: of the session.
    func cachesToDrop(idleTime: (_ session: UInt64) -> UInt64) -> [UInt64] {
        let room = max(0, roomForCaches)
        var held = cacheBytes
        var dropped: [UInt64] = []
        for (session, byteCount) in caches.sorted(by: { idleTime($0.key) > idleTime($1.key) }) {
            guard held > room else { break }
            held -= byteCount
            dropped.append(session)
        }
        return dropped
    }
}

/// Rounded up: what does not fit must not look as if it did.
func roundedMebibytes(_ byteCount: Int) -> Int { (byteCount + (1 << 20) - 1) >> 20 }
