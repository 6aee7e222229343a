// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import FrameProtocol
import FrameScheduler
import FrameSession
import FrameSocket
import FrameTypes

/// What the control socket tells: counters and states, gathered when they are asked for.
extension Server {
    func answer(_ request: ControlRequest) -> ControlReply {
        switch request {
        case .stats:
            .stats(
                StatsReport(daemon: daemonReport, total: totalWork, sessions: sessionReports))
        case .sessions: .sessions(sessionReports)
        case .health: .health(healthReport)
        case .models:
            .models(
                models.reports(
                    defaultName: settings.models.default,
                    sessions: Dictionary(grouping: clients.values) { $0.grant?.model ?? "" }
                        .mapValues(\.count)))
        }
    }

    /// nil where no such session is open.
    func describe(_ request: WatchRequest) -> WatchReport? {
        guard let layout = clients[request.session]?.grant?.request.layout else { return nil }
        return WatchReport(
            session: request.session, fps: request.fps, width: layout.size.width,
            height: layout.size.height, bottomUp: layout.origin == .bottomLeft,
            layout: request.planes ? WatchedLayout(layout) : nil)
    }

    private var healthReport: HealthReport {
        HealthReport(
            live: true, ready: !isDraining, model: settings.models.default,
            reason: isDraining ? "stopping: frames under way are finished" : "")
    }

    private var daemonReport: DaemonReport {
        var report = DaemonReport()
        report.version = buildVersion
        report.pid = ProcessInfo.processInfo.processIdentifier
        report.uptimeNs = EventLoop.now - startedAt
        report.renderThreads = pool.threadCount
        report.kernelPath = defaultModel.kernelPath
        report.load = scheduler.statistics.load
        report.sessionsOpen = admission.sessionCount
        report.sessionsOpened = sessionsOpened
        report.sessionsRefused = sessionsRefused
        report.protocolErrors = protocolErrors
        let memory = self.memory
        report.memoryPlannedBytes = UInt64(memory.planned)
        report.memoryCacheBytes = UInt64(memory.cacheBytes)
        report.memoryLimitBytes = UInt64(memory.total)
        report.memoryResidentBytes = Self.residentBytes
        report.connections = clients.count
        report.loopBlockedMaxNs = loop.longestTurn
        report.loopBlockedRecentNs = loop.recentLongestTurn
        report.logLinesDropped = logQueue.droppedCount
        return report
    }

    private var totalWork: WorkReport {
        var counts = endedWork
        for client in clients.values { counts += client.session.counters }
        var total = WorkReport(counts)
        total.latency = latency.report
        return total
    }

    private var sessionReports: [SessionReport] {
        clients.values.filter { $0.grant != nil }.sorted { $0.id < $1.id }.map(report)
    }

    private func report(of client: Client) -> SessionReport {
        var report = SessionReport(id: client.id)
        report.pid = client.connection.peer.processID
        report.uid = client.connection.peer.userID
        if let grant = client.grant {
            report.clientName = grant.request.clientName
            report.width = grant.request.layout.size.width
            report.height = grant.request.layout.size.height
            report.viewIndex = grant.request.viewIndex
            report.mailbox = grant.request.mailbox == .latest ? .latest : .every
            report.controlScale = grant.request.scales.statedControl
            report.adapterScale = grant.request.scales.statedAdapter
            report.model = grant.model
            report.modelVersion = grant.denoiser.description.version
            report.precision = grant.denoiser.description.precision
            report.kernelPath = grant.denoiser.description.kernelPath
            report.plannedBytes = UInt64(grant.plannedBytes)
            report.cacheBytes = UInt64(grant.cache?.byteCount ?? 0)
        }
        report.examination = client.doctor?.report
        switch client.session.historyState {
        case .none: report.history = .none
        case .kept: report.history = .kept
        case .resumed: report.history = .resumed
        }
        report.historyFrame = client.session.history?.frameID
        report.ageNs = EventLoop.now - client.connectedAt
        report.idleNs = client.session.idleTime(now: EventLoop.now)
        report.work = WorkReport(client.session.counters)
        report.work.latency = client.latency.report
        return report
    }

    /// Resident set of this process, 0 where /proc does not tell.
    private static var residentBytes: UInt64 {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) })
        else { return 0 }
        return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }
}
