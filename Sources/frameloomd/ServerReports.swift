// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import FrameProtocol
import FrameScheduler
import FrameSession
import FrameSocket
import FrameTypes
import Logging

/// What the control socket tells: counters and states, gathered when they are asked for.
extension Server {
    /// Gathers on the loop, a few sessions a turn, and writes the reply elsewhere.
    func answer(_ call: ControlCall, _ completion: @escaping ([UInt8]) -> Void) {
        func done(_ texts: [String]) {
            completion(ControlLine.encode(.done(DoneReport(texts: texts))))
        }
        switch call.request {
        case .reload:
            reload { result in
                switch result {
                case .success(let texts): done(texts)
                case .failure(let fault): completion(ControlLine.encode(.error(fault)))
                }
            }
        case .drain:
            done(["\(clients.count) connections are finished, then the daemon ends"])
            loop.later { [self] in drain() }
        case .kick:
            let count = call.target.map { kick($0) } ?? 0
            guard count > 0 else {
                let fault = ControlFault(code: .refused, text: "there is no such session")
                return completion(ControlLine.encode(.error(fault)))
            }
            done(["\(count) sessions were ended"])
        case .setLogLevel:
            let name = call.level ?? ""
            guard let level = Logger.Level(rawValue: name) else { return done([]) }
            // The handler's level is one for all loggers.
            var log = self.log
            log.logLevel = level
            log.notice("log level", metadata: ["level": "\(name)"])
            done(["from \(name) on is logged, until the next start"])
        case .health: completion(ControlLine.encode(.health(healthReport)))
        case .stats: gather(Gathering(of: self), isTotal: true, completion)
        case .sessions:
            gather(
                Gathering(
                    of: self, after: call.after ?? 0,
                    limit: call.limit ?? ControlCall.limits.upperBound),
                isTotal: false, completion)
        case .models:
            let snapshot = models.snapshot()
            reporting.run({ ControlLine.encode(.models(snapshot.reports())) }, then: completion)
        }
    }

    /// A session's report, and the latencies whose percentiles take longer than a turn may.
    private struct SessionSnapshot: Sendable {
        var report: SessionReport
        var latency: LatencyHistogram?

        func completed() -> SessionReport {
            var report = self.report
            report.work.latency = latency?.report ?? LatencyReport()
            return report
        }
    }

    private final class Gathering {
        var rest: ArraySlice<UInt64>
        var sessions: [SessionSnapshot] = []
        var counts: WorkCounts
        var ledger: WorkLedger

        /// Where the next page of sessions begins.
        var next: UInt64?

        init(of server: Server, after: UInt64, limit: Int) {
            let ids = server.clients.values.filter { $0.grant != nil && $0.id > after }
                .map(\.id).sorted()
            rest = ids.prefix(limit)
            next = ids.count > limit ? rest.last : nil
            counts = WorkCounts()
            ledger = WorkLedger()
        }

        init(of server: Server) {
            rest = server.clients.keys.sorted()[...]
            counts = server.endedWork
            ledger = server.ledger
        }
    }

    private static let gatheredPerTurn = 64

    private func gather(
        _ gathering: Gathering, isTotal: Bool, _ completion: @escaping ([UInt8]) -> Void
    ) {
        for id in gathering.rest.prefix(Self.gatheredPerTurn) {
            guard let client = clients[id] else { continue }
            let counts = client.session.counters
            gathering.counts += counts
            guard client.grant != nil else { continue }
            gathering.ledger.add(counts, of: client)
            gathering.sessions.append(
                SessionSnapshot(report: report(of: client), latency: client.latency))
        }
        gathering.rest = gathering.rest.dropFirst(Self.gatheredPerTurn)
        guard gathering.rest.isEmpty else {
            loop.later { [self] in gather(gathering, isTotal: isTotal, completion) }
            return
        }
        let (sessions, counts, latency) = (gathering.sessions, gathering.counts, self.latency)
        let (daemon, ledger, next) = (daemonReport, gathering.ledger, gathering.next)
        reporting.run(
            { () -> [UInt8] in
                let reports = sessions.map { $0.completed() }
                guard isTotal else {
                    let line = ControlLine.encode(.sessions(reports))
                    return next.map { ControlLine.adding("next", $0, to: line) } ?? line
                }
                var total = WorkReport(counts)
                total.latency = latency.bucketedReport
                return ControlLine.encode(
                    .stats(
                        StatsReport(
                            daemon: daemon, total: total, models: ledger.reports,
                            sessions: reports)))
            }, then: completion)
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
        report.frameErrors = frameErrors
        let memory = self.memory
        report.memoryPlannedBytes = UInt64(memory.planned)
        report.memoryCacheBytes = UInt64(memory.cacheBytes)
        report.memoryLimitBytes = UInt64(memory.total)
        report.memoryResidentBytes = Self.residentBytes
        report.connections = clients.count
        report.loopBlockedMaxNs = loop.longestTurn
        report.loopBlockedRecentNs = loop.recentLongestTurn
        report.loopWorkRecentNs = loop.recentMostWork
        report.logLinesDropped = logQueue.droppedCount
        return report
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
            report.mailbox = grant.request.mailbox
            report.agreedQuality = grant.qualities[0].name
            report.quality = client.session.quality.name
            report.controlScale = grant.request.scales.statedControl
            report.adapterScale = grant.request.scales.statedAdapter
            report.model = grant.model.name
            report.modelVersion = grant.denoiser.description.version
            report.precision = grant.denoiser.description.precision
            report.kernelPath = grant.denoiser.description.kernelPath
            report.conventions = WatchedLayout(grant.request.layout)
            report.bottomUp = grant.request.layout.origin == .bottomLeft
            report.plannedBytes = UInt64(grant.plannedBytes)
            report.cacheBytes = UInt64(grant.cache?.byteCount ?? 0)
        }
        report.examination = client.doctor?.report
        report.lastError = client.lastError
        switch client.session.historyState {
        case .none: report.history = .none
        case .kept: report.history = .kept
        case .resumed: report.history = .resumed
        }
        report.historyFrame = client.session.history?.frameID
        report.ageNs = EventLoop.now - client.connectedAt
        report.idleNs = client.session.idleTime(now: EventLoop.now)
        report.work = WorkReport(client.session.counters)
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
