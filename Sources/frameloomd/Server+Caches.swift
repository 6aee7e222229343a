// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameSocket
import NeuralDenoiser

/// Memory as it is planned now, and the caches of incremental sessions, which live of what is left.
extension Server {
    var memory: MemoryBudget {
        var memory = MemoryBudget(settings.limits)
        memory.weights = models.loadedWeightBytes
        memory.workspaces = shelf.byteCount
        memory.sessions = admission.sessionBytes
        memory.caches = clients.compactMapValues { $0.grant?.cache?.byteCount }
        return memory
    }

    /// Takes caches away until the rest fits.
    func dropCaches() {
        let now = EventLoop.now
        let dropped = memory.cachesToDrop { clients[$0]?.session.idleTime(now: now) ?? .max }
        for session in dropped {
            // A job that is under way holds its workspace until it ends.
            clients[session]?.grant?.cache = nil
            log.info(
                "incremental cache dropped for want of memory", metadata: ["session": "\(session)"])
        }
    }

    /// If the client asked for one, the configuration allows it and it fits.
    func makeCache(for client: Client) {
        guard settings.render.isIncremental, let grant = client.grant,
            grant.request.wantsIncremental, grant.denoiser.canRenderPartly
        else { return }
        let byteCount = grant.denoiser.incrementalByteCount(for: grant.request.layout)
        guard memory.hasRoom(forCache: byteCount, beside: grant.plannedBytes) else {
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
