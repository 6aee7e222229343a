// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameSession
import FrameSocket
import FrameTypes
import Logging
import NeuralDenoiser

/// From FL_OPEN to FL_OPENED. Models are read and workspaces are made elsewhere; what they will take
/// is counted before.
extension Server {
    /// What rendering for one session takes, bytes.
    private struct Needs: Sendable {
        /// Of each level.
        var workspaces: [Int]
        /// nil: it keeps nothing.
        var cache: Int?
    }

    /// A session that is being made ready.
    private struct Opening {
        var client: Client
        var asked: AdmissionRequest
        var model: ModelLibrary.Model
        /// The session's own level of quality, then those that it may fall to.
        var qualities: [FrameQuality]
        var needs: Needs
        /// It is open already, and only its model's version changes.
        var isRenewal: Bool
        /// Of workspaces that it is the first to need.
        var addedBytes = 0

        /// What the session holds for itself.
        var ownBytes: Int {
            asked.plannedBytes + SessionDoctor.plannedBytes(asked.request.layout.size)
        }

        var keys: [WorkspaceShelf.Key] { Self.keys(model, asked.request, qualities) }

        static func keys(
            _ model: ModelLibrary.Model, _ request: OpenRequest, _ qualities: [FrameQuality]
        ) -> [WorkspaceShelf.Key] {
            qualities.map { .init(model: model.id, size: request.layout.size, quality: $0) }
        }
    }

    func admit(_ request: AdmissionRequest, for client: Client) {
        if isDraining {
            return client.tell { $0.refused(.draining, now: $1) }
        }
        let name = request.request.model ?? settings.models.default
        find(name, request, for: client, isRenewal: false)
    }

    /// The session was cut after a reload: it goes on with the version that is served now, or with its
    /// own where there is no room for the new one or that one does not take its frames.
    func renewModel(_ request: AdmissionRequest, for client: Client) {
        guard let model = client.grant?.model else { return }
        find(model.name, request, for: client, isRenewal: true)
    }

    private func find(
        _ name: String, _ request: AdmissionRequest, for client: Client, isRenewal: Bool
    ) {
        models.find(name) { [weak client, self] result in
            switch result {
            case .success(let model):
                guard let client else { return models.release(model.id) }
                measure(request, model, for: client, isRenewal: isRenewal)
            case .failure(let error):
                guard let client else { return }
                refuse(client, .model(name: name, reason: "\(error)"), isRenewal: isRenewal)
            }
        }
    }

    private func refuse(_ client: Client, _ error: ProtocolError, isRenewal: Bool) {
        guard isRenewal else { return client.tell { $0.refused(error, now: $1) } }
        var words = self.words(about: client)
        words["reason"] = "\(ErrorReply(error, severity: .session).text)"
        log.notice("session keeps its version of the model", metadata: words)
        client.tell { $0.renewed(nil, now: $1) }
        // It asks again with its next cut.
        client.modelReplaced()
    }

    private func measure(
        _ asked: AdmissionRequest, _ model: ModelLibrary.Model, for client: Client,
        isRenewal: Bool
    ) {
        let (denoiser, request) = (model.denoiser, asked.request)
        let qualities: [FrameQuality]
        do {
            try denoiser.check(request.layout)
            try denoiser.check(request.scales)
            qualities = try self.qualities(
                for: request, denoiser, granted: isRenewal ? client.grant?.qualities : nil)
        } catch {
            models.release(model.id)
            let refusal = ProtocolError.modelRefuses(
                field: error.field, found: error.found, reason: error.description)
            return refuse(client, refusal, isRenewal: isRenewal)
        }
        let keeps =
            settings.render.isIncremental && request.wantsIncremental && denoiser.canRenderPartly
        let size = request.layout.size
        let known = Opening.keys(model, request, qualities).compactMap { shelf.byteCount(of: $0) }
        if !keeps, known.count == qualities.count {
            let needs = Needs(workspaces: known, cache: nil)
            return decide(
                Opening(
                    client: client, asked: asked, model: model, qualities: qualities,
                    needs: needs, isRenewal: isRenewal))
        }
        preparation.run({
            Needs(
                workspaces: qualities.map { denoiser.workspaceByteCount(for: size, at: $0) },
                cache: keeps
                    ? denoiser.incrementalByteCount(for: request.layout, at: qualities[0]) : nil)
        }) { [self] needs in
            decide(
                Opening(
                    client: client, asked: asked, model: model, qualities: qualities,
                    needs: needs, isRenewal: isRenewal))
        }
    }

    /// The level that holds, then those that the session may fall to. What the configuration says
    /// is for models and sizes that can have it; what a client says is refused where it cannot.
    /// - Parameter granted: of a session that is open already, and keeps them.
    private func qualities(
        for request: OpenRequest, _ denoiser: Denoiser, granted: [FrameQuality]?
    ) throws(DenoiserError) -> [FrameQuality] {
        let size = request.layout.size
        if let granted {
            for quality in granted { try denoiser.check(quality, for: size) }
            return granted
        }
        var quality = FrameQuality(name: settings.render.quality) ?? .full
        if let stated = request.quality {
            try denoiser.check(stated, for: size)
            quality = stated
        } else if !denoiser.qualities.contains(quality) || !quality.fits(size) {
            quality = .full
        }
        guard request.mayFall, settings.render.lowersQuality else { return [quality] }
        return quality.downwards(for: size).filter(denoiser.qualities.contains)
    }

    private func decide(_ opening: Opening) {
        let originalOpening = opening
        var opening = opening
        let client = opening.client
        guard !client.session.hasEnded else { return models.release(opening.model.id) }
        for (key, byteCount) in zip(opening.keys, opening.needs.workspaces)
        where shelf.byteCount(of: key) == nil { opening.addedBytes += byteCount }
        do {
            // The time of this turn is over: it goes on in the next one.
            guard try claim(opening) else {
                return loop.later { [self, asked = originalOpening] in decide(asked) }
            }
        } catch {
            models.release(opening.model.id)
            return refuse(client, error, isRenewal: opening.isRenewal)
        }
        for (key, byteCount) in zip(opening.keys, opening.needs.workspaces) {
            shelf.reserve(key, byteCount: byteCount)
        }
        dropCaches()
        let cacheByteCount = opening.needs.cache.flatMap {
            hasRoom(forCacheOf: $0, opening) ? $0 : nil
        }
        let ready = opening.keys.compactMap { shelf.workspace($0) }
        if cacheByteCount == nil, ready.count == opening.keys.count {
            return finish(opening, ready, cache: nil)
        }
        make(opening, cacheByteCount: cacheByteCount)
    }

    /// Counts the session in, after making room where that is possible.
    /// - Returns: false if there is more room to be made than there is time for in this turn.
    private func claim(_ opening: Opening) throws(ProtocolError) -> Bool {
        let client = opening.client
        let claim = AdmissionControl.Claim(
            user: client.connection.peer.userID,
            pixels: opening.asked.request.layout.size.pixelCount,
            bytes: opening.ownBytes, broughtBytes: opening.addedBytes)
        while true {
            do {
                try admission.admit(
                    claim, session: client.id,
                    memory: memory, addedBytes: opening.addedBytes)
            } catch {
                guard error.isForWantOfRoom, makeRoom(for: claim, error) else { throw error }
                guard loop.workTime < EventLoop.turnBudget else { return false }
                continue
            }
            do {
                try MemoryBudget.checkSystem(gives: claim.bytes + opening.addedBytes)
                return true
            } catch {
                // What it renews without is as before.
                if !opening.isRenewal { admission.release(client.id) }
                throw error
            }
        }
    }

    private func make(_ opening: Opening, cacheByteCount: Int?) {
        let denoiser = opening.model.denoiser
        let layout = opening.asked.request.layout
        let missing = opening.keys.filter { shelf.workspace($0) == nil }
        let quality = opening.qualities[0]
        preparation.run({ () -> Result<Made, MemoryRefusal> in
            do throws(MemoryRefusal) {
                var made = Made()
                for key in missing {
                    made.workspaces[key] = try denoiser.makeWorkspace(
                        for: key.size, at: key.quality)
                }
                // For speed alone: without it every frame is rendered whole.
                if cacheByteCount != nil {
                    made.cache = try? denoiser.makeIncrementalWorkspace(
                        for: layout, at: quality)
                }
                return .success(made)
            } catch {
                return .failure(error)
            }
        }) { [self] (result: Result<Made, MemoryRefusal>) in
            let made: Made
            switch result {
            case .success(let value) where !opening.client.session.hasEnded: made = value
            case .success: return giveUp(opening, nil)
            case .failure(let refusal): return giveUp(opening, ProtocolError(refusal))
            }
            let workspaces = opening.keys.compactMap { key in
                made.workspaces[key].map { shelf.put($0, for: key) } ?? shelf.workspace(key)
            }
            guard workspaces.count == opening.keys.count else { return }
            var cache: SessionCache?
            if let kept = made.cache, let cacheByteCount,
                hasRoom(forCacheOf: cacheByteCount, opening)
            {
                cache = SessionCache(workspace: kept, byteCount: cacheByteCount)
            }
            finish(opening, workspaces, cache: cache)
        }
    }

    private struct Made: Sendable {
        var workspaces: [WorkspaceShelf.Key: any FrameWorkspace] = [:]
        var cache: (any FrameWorkspace)?
    }

    /// What was reserved for the session goes back; what it claims goes with its end.
    private func giveUp(_ opening: Opening, _ error: ProtocolError?) {
        for key in opening.keys { shelf.give(back: key) }
        models.release(opening.model.id)
        if let error { refuse(opening.client, error, isRenewal: opening.isRenewal) }
    }

    private func finish(
        _ opening: Opening, _ workspaces: [any FrameWorkspace], cache: SessionCache?
    ) {
        let (client, request) = (opening.client, opening.asked.request)
        if let old = client.grant {
            if old.model.name != opening.model.id.name { ledger.book(client) }
            giveBack(old)
        } else {
            sessionsOpened += 1
        }
        // Its pictures may have another size from now on.
        if !opening.isRenewal { endWatches(of: client) }
        let plannedBytes = opening.ownBytes + opening.addedBytes
        client.grant = Grant(
            denoiser: opening.model.denoiser, model: opening.model.id, request: request,
            workspaces: zip(opening.keys, workspaces).map { (key: $0, workspace: $1) },
            plannedBytes: plannedBytes, cache: cache)
        if !opening.isRenewal {
            client.doctor = doctor(for: client, model: opening.model.id.name)
        }
        let description = opening.model.denoiser.description
        let cacheBytes = cache?.byteCount ?? 0
        log.info(
            opening.isRenewal ? "session has its model's new version" : "session opened",
            metadata: [
                "session": "\(client.id)", "client": "\(request.clientName)",
                "size": "\(request.layout.size)", "model": "\(opening.model.id.name)",
                "planned_mib": "\(plannedBytes >> 20)", "cache_mib": "\(cacheBytes >> 20)",
                "quality": "\(opening.qualities[0])",
            ])
        let admission = Admission(
            plannedBytes: plannedBytes + cacheBytes, model: opening.model.id.name,
            modelVersion: description.version, precision: description.precision,
            kernelPath: description.kernelPath,
            precisionReason: description.precisionReason.description, isIncremental: cache != nil,
            qualities: opening.qualities)
        client.tell { session, now in
            opening.isRenewal
                ? session.renewed(admission, now: now) : session.admitted(admission, now: now)
        }
        // A reload came meanwhile.
        if models.isOutdated(opening.model.id) { client.modelReplaced() }
    }

    private func doctor(for client: Client, model: String) -> SessionDoctor {
        let (log, session) = (log, client.id)
        return SessionDoctor(
            modelFolder: settings.models.folder + "/\(model)",
            warn: { log.warning("doctor", metadata: ["session": "\(session)", "says": "\($0)"]) })
    }

    // MARK: Room

    /// Unused models go first, then the sessions of users who hold more than an equal part and have
    /// no use for it.
    /// - Returns: whether there is more room than before.
    private func makeRoom(for claim: AdmissionControl.Claim, _ error: ProtocolError) -> Bool {
        if case .memoryLimit = error, models.dropLeastRecentlyUsed() { return true }
        return endIdleSession(for: claim)
    }

    func makeRoom(forModelOf byteCount: Int) -> Bool {
        while true {
            if memory.hasRoom(forModel: byteCount) {
                return MappedMemory.isAvailable(byteCount)
            }
            guard models.dropLeastRecentlyUsed() else { return false }
        }
    }

    /// How long a session of a user with more than an equal part keeps its place without a frame when
    /// somebody else asks for it.
    private static let placeTime: UInt64 = 10_000_000_000

    private func endIdleSession(for claim: AdmissionControl.Claim) -> Bool {
        let user = claim.user
        guard !admission.isBeyondEqualPart(user, asking: user, adding: claim) else { return false }
        let now = EventLoop.now
        var longest: (client: Client, time: UInt64)?
        for client in clients.values where client.grant != nil && client.session.isUnused {
            let owner = client.connection.peer.userID
            let time = client.session.idleTime(now: now)
            guard owner != user, time >= Self.placeTime, time > longest?.time ?? 0,
                admission.isBeyondEqualPart(owner, asking: user)
            else { continue }
            longest = (client, time)
        }
        guard let longest else { return false }
        longest.client.tell { $0.yield(now: $1) }
        return longest.client.grant == nil
    }

    var memory: MemoryBudget {
        var memory = MemoryBudget(settings.limits, total: admission.memoryLimit)
        memory.weights = models.byteCount
        memory.workspaces = shelf.byteCount
        memory.sessions = admission.sessionBytes
        memory.caches = clients.compactMapValues { $0.grant?.cache?.byteCount }
        return memory
    }

    private func hasRoom(forCacheOf byteCount: Int, _ opening: Opening) -> Bool {
        var memory = self.memory
        // The session's own cache goes when it is configured anew.
        memory.caches[opening.client.id] = nil
        let held = opening.ownBytes + opening.addedBytes
        guard memory.hasRoom(forCache: byteCount, beside: held),
            MappedMemory.isAvailable(byteCount)
        else {
            log.info(
                "no memory for an incremental cache",
                metadata: [
                    "session": "\(opening.client.id)", "needed_mib": "\(byteCount >> 20)",
                ])
            return false
        }
        return true
    }

    /// Takes caches away until the rest fits.
    private func dropCaches() {
        let now = EventLoop.now
        let dropped = memory.cachesToDrop { clients[$0]?.session.idleTime(now: now) ?? .max }
        for session in dropped {
            // A job that is under way holds its workspace until it ends.
            clients[session]?.grant?.cache = nil
            log.info(
                "incremental cache dropped for want of memory", metadata: ["session": "\(session)"])
        }
    }
}
