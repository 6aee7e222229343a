// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameSocket
import NeuralDenoiser

/// Caches of incremental sessions: memory that is there for speed alone. It is counted against the
/// limits, but a session is never refused for it.
extension Server {
    var cacheBytes: Int {
        clients.values.reduce(0) { $0 + ($1.grant?.cache?.byteCount ?? 0) }
    }

    /// What is left of all planned memory beside models, work memory and sessions.
    private var roomForCaches: Int {
        let planned = models.loadedWeightBytes + shelf.byteCount + admission.sessionBytes
        return min(
            (settings.limits.memory << 20) - planned, settings.limits.incrementalMemory << 20)
    }

    /// Takes caches away until the rest fits, those of the longest idle sessions first.
    func dropCaches() {
        while cacheBytes > max(0, roomForCaches) {
            let holders = clients.values.filter { $0.grant?.cache != nil }
            guard
                let idlest = holders.max(by: {
                    let now = EventLoop.now
                    return $0.session.idleTime(now: now) < $1.session.idleTime(now: now)
                })
            else { return }
            // A job that is under way holds its workspace until it ends.
            idlest.grant?.cache = nil
            log.info(
                "incremental cache dropped for want of memory",
                metadata: ["session": "\(idlest.id)"])
        }
    }

    /// If the client asked for one, the configuration allows it and it fits.
    func makeCache(for client: Client) {
        guard settings.render.isIncremental, let grant = client.grant,
            grant.request.wantsIncremental, grant.denoiser.canRenderPartly
        else { return }
        let byteCount = grant.denoiser.incrementalByteCount(for: grant.request.layout)
        let claimed = grant.plannedBytes + byteCount
        guard claimed <= settings.limits.memoryPerSession << 20,
            cacheBytes + byteCount <= roomForCaches
        else {
            log.info(
                "no memory for an incremental cache",
                metadata: ["session": "\(client.id)", "needed_mib": "\(byteCount >> 20)"])
            return
        }
        client.grant?.cache = SessionCache(
            workspace: grant.denoiser.makeIncrementalWorkspace(for: grant.request.layout),
            byteCount: byteCount)
    }
}
