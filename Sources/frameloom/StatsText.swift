// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameTypes

/// The daemon's counters as tables for people.
enum StatsText {
    /// - Parameter previous: an earlier report of the same daemon: speeds are of the time between.
    static func report(_ report: StatsReport, since previous: StatsReport?) -> String {
        let daemon = report.daemon
        var lines = [
            "frameloomd \(printable(daemon.version)), pid \(daemon.pid), up "
                + "\(duration(daemon.uptimeNs)), \(daemon.renderThreads) render threads, "
                + printable(daemon.kernelPath),
            "load \(decimal(daemon.load * 100, 0)) %, memory planned "
                + "\(mebibytes(daemon.memoryPlannedBytes)) of "
                + "\(mebibytes(daemon.memoryLimitBytes)), resident "
                + "\(mebibytes(daemon.memoryResidentBytes)), loop blocked at most "
                + "\(milliseconds(daemon.loopBlockedMaxNs)) ms (lately "
                + "\(milliseconds(daemon.loopBlockedRecentNs)))",
            "connections \(daemon.connections); sessions \(daemon.sessionsOpen) open, \(daemon.sessionsOpened) opened, "
                + "\(daemon.sessionsRefused) refused; protocol errors \(daemon.protocolErrors), "
                + "frame errors \(daemon.frameErrors); log lines dropped \(daemon.logLinesDropped)",
            "", frames(report, since: previous), "", stages(report),
        ]
        if !report.sessions.isEmpty { lines += ["", sessions(report.sessions)] }
        return lines.joined(separator: "\n")
    }

    static func sessions(_ sessions: [SessionReport]) -> String {
        var table = Table([
            "SESSION", "CLIENT", "PID", "UID", "SIZE", "MODEL", "PRECISION", "KERNELS", "SCALES",
            "MAILBOX", "HISTORY", "PLANNED", "CACHE", "IDLE", "AGE", "FOUND AGAIN", "DOCTOR",
        ])
        for session in sessions {
            let history = session.historyFrame.map { " (frame \($0))" } ?? ""
            table.add([
                "\(session.id)", printable(session.clientName), "\(session.pid)",
                "\(session.uid)", "\(session.size)",
                printable(session.model) + " " + printable(session.modelVersion),
                printable(session.precision), printable(session.kernelPath),
                scales(session), session.mailbox.rawValue, session.history.rawValue + history,
                mebibytes(session.plannedBytes), mebibytes(session.cacheBytes),
                duration(session.idleNs),
                duration(session.ageNs),
                session.examination?.historyShare.map { decimal($0 * 100, 0) + " %" } ?? "-",
                printable(session.examination?.finding?.name ?? "-"),
            ])
        }
        return table.text
    }

    /// Only those that the client asked for.
    private static func scales(_ session: SessionReport) -> String {
        let stated = [("control", session.controlScale), ("adapter", session.adapterScale)]
        let texts = stated.compactMap { name, scale in scale.map { "\(name) \(decimal($0, 3))" } }
        return texts.isEmpty ? "-" : texts.joined(separator: " ")
    }

    private static func frames(_ report: StatsReport, since previous: StatsReport?) -> String {
        var table = Table([
            "FRAMES", "RECEIVED", "RENDERED", "PARTIAL", "UNCHANGED", "DROPPED", "FAILED",
            "WAITING", "RENDERING", "FPS",
            "P50 MS", "P90 MS", "P99 MS", "MAX MS", "IN", "OUT",
        ])
        let seconds = previous.map {
            Double(report.daemon.uptimeNs &- $0.daemon.uptimeNs) / 1e9
        }
        func add(_ name: String, _ work: WorkReport, before: WorkReport?) {
            var fps = ""
            if let seconds, let before, seconds > 0,
                work.frames.rendered >= before.frames.rendered
            {
                let count = work.frames.rendered - before.frames.rendered
                fps = decimal(Double(count) / seconds, 1)
            }
            table.add(
                [name] + counts(work.frames) + [fps] + times(work.latency)
                    + [mebibytes(work.bytesIn), mebibytes(work.bytesOut)])
        }
        add("total", report.total, before: previous?.total)
        for session in report.sessions {
            let before = previous?.sessions.first { $0.id == session.id }
            add("session \(session.id)", session.work, before: before?.work)
        }
        return table.text
    }

    private static func counts(_ frames: FrameCounts) -> [String] {
        [
            frames.received, frames.rendered, frames.partial, frames.unchanged, frames.dropped,
            frames.failed, frames.waiting,
            frames.rendering,
        ].map { "\($0)" }
    }

    private static func times(_ latency: LatencyReport) -> [String] {
        guard latency.count > 0 else { return ["-", "-", "-", "-"] }
        return [latency.p50Ns, latency.p90Ns, latency.p99Ns, latency.maxNs].map(milliseconds)
    }

    private static func stages(_ report: StatsReport) -> String {
        let names = report.total.stages.named.map { $0.name.uppercased() + " MS" }
        var table = Table(["MEAN OF"] + names)
        func add(_ name: String, _ stages: StageSums) {
            table.add(
                [name]
                    + stages.named.map {
                        $0.sum.meanNanoseconds.map { decimal($0 / 1e6, 2) } ?? "-"
                    })
        }
        add("total", report.total.stages)
        for session in report.sessions { add("session \(session.id)", session.work.stages) }
        return table.text
    }
}
