// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameTypes

/// The daemon's counters in Prometheus' text format, version 0.0.4: base units, `_total` for what only
/// grows, one `# HELP` and `# TYPE` a metric.
struct MetricsText {
    enum Kind: String { case counter, gauge, histogram, summary }

    private(set) var text = ""

    /// - Parameter sessions: also one series a session: their number is not bounded over time.
    static func text(
        _ stats: StatsReport, _ health: HealthReport, _ models: [ModelReport], sessions: Bool
    ) -> String {
        var metrics = MetricsText()
        metrics.add("up", .gauge, "Whether the daemon answered.", 1)
        metrics.add(
            "ready", .gauge, "Whether the daemon admits sessions.", health.ready ? 1 : 0)
        metrics.add(daemon: stats.daemon)
        metrics.add(models: models)
        metrics.add("", "all sessions", [([:], stats.total)])
        metrics.add(
            "model_", "the sessions of a model",
            stats.models.map { (["model": $0.model], $0.work) })
        if sessions {
            metrics.add(
                "session_", "an open session", stats.sessions.map { (labels(of: $0), $0.work) })
        }
        return metrics.text
    }

    /// What is left to say when no daemon answers.
    static var absent: String {
        var metrics = MetricsText()
        metrics.add("up", .gauge, "Whether the daemon answered.", 0)
        return metrics.text
    }

    private static func labels(of session: SessionReport) -> [String: String] {
        [
            "session": "\(session.id)", "client": session.clientName, "user": "\(session.uid)",
            "model": session.model, "size": "\(session.size)",
        ]
    }

    // MARK: The daemon

    private mutating func add(daemon: DaemonReport) {
        add(
            "build_info", .gauge, "Version and kernel path of the daemon; always 1.",
            [(["version": daemon.version, "kernel_path": daemon.kernelPath], 1)])
        add("uptime_seconds", .gauge, "Since the daemon started.", seconds(daemon.uptimeNs))
        add("render_threads", .gauge, "Threads that render.", Double(daemon.renderThreads))
        add(
            "render_load_ratio", .gauge,
            "Share of the last second that a frame was being rendered.", daemon.load)
        add("sessions", .gauge, "Sessions that are open.", Double(daemon.sessionsOpen))
        add(
            "sessions_opened_total", .counter, "Sessions admitted.", Double(daemon.sessionsOpened))
        add(
            "sessions_refused_total", .counter, "Sessions refused.",
            Double(daemon.sessionsRefused))
        add(
            "protocol_errors_total", .counter, "Sessions ended for what the client sent.",
            Double(daemon.protocolErrors))
        add(
            "frame_errors_total", .counter, "Frames refused or failed, whatever the model.",
            Double(daemon.frameErrors))
        add("connections", .gauge, "Connections of engines.", Double(daemon.connections))
        add(
            "memory_planned_bytes", .gauge, "Memory admitted to models and sessions.",
            Double(daemon.memoryPlannedBytes))
        add(
            "memory_cache_bytes", .gauge, "Of it, what incremental sessions would give back.",
            Double(daemon.memoryCacheBytes))
        add(
            "memory_limit_bytes", .gauge, "Most memory that is admitted.",
            Double(daemon.memoryLimitBytes))
        add(
            "memory_resident_bytes", .gauge, "Memory that the system counts for the daemon.",
            Double(daemon.memoryResidentBytes))
        add(
            "loop_blocked_recent_seconds", .gauge,
            "Longest turn of the event loop in the last 10 to 20 seconds.",
            seconds(daemon.loopBlockedRecentNs))
        add(
            "log_lines_dropped_total", .counter, "Log lines that nobody took.",
            Double(daemon.logLinesDropped))
    }

    private mutating func add(models: [ModelReport]) {
        add(
            "model_sessions", .gauge, "Sessions open with a model.",
            models.map { (["model": $0.name], Double($0.sessions)) })
        add(
            "model_loaded", .gauge, "Whether a model is in memory.",
            models.map { (["model": $0.name], $0.state == .loaded ? 1 : 0) })
        add(
            "model_broken", .gauge, "Whether a model could not be loaded when it was asked for.",
            models.map { (["model": $0.name], $0.state == .broken ? 1 : 0) })
        add(
            "model_weights_bytes", .gauge, "Weights of a model in memory.",
            models.map { (["model": $0.name], Double($0.weightBytes)) })
    }

    // MARK: Work

    private typealias Work = [(labels: [String: String], work: WorkReport)]

    private static let counters: [(String, String, @Sendable (WorkReport) -> Double)] = [
        (
            "frames_received_total", "Frames of which the last byte came",
            { Double($0.frames.received) }
        ),
        ("frames_rendered_total", "Frames rendered", { Double($0.frames.rendered) }),
        (
            "frames_partial_total", "Frames rendered of which only some tiles were computed",
            { Double($0.frames.partial) }
        ),
        (
            "frames_unchanged_total", "Frames answered with the picture before",
            { Double($0.frames.unchanged) }
        ),
        (
            "frames_with_history_total",
            "Frames rendered that carried over something of the picture before",
            { Double($0.frames.withHistory) }
        ),
        (
            "frames_half_light_total", "Frames rendered whose light was computed at half size",
            { Double($0.frames.halfLight) }
        ),
        (
            "frames_quarter_light_total",
            "Frames rendered whose light was computed at a quarter of the size",
            { Double($0.frames.quarterLight) }
        ),
        ("frames_computed_total", "Whole frames' worth of tiles computed", { $0.computedFrames }),
        (
            "frames_dropped_total", "Frames replaced by a newer one or too late",
            { Double($0.frames.dropped) }
        ),
        ("frames_failed_total", "Frames answered by an error", { Double($0.frames.failed) }),
        ("received_bytes_total", "Bytes that came from clients", { Double($0.bytesIn) }),
        ("sent_bytes_total", "Bytes of replies to clients", { Double($0.bytesOut) }),
    ]

    private mutating func add(_ prefix: String, _ whose: String, _ rows: Work) {
        for (name, help, value) in Self.counters {
            add(
                prefix + name, .counter, "\(help), of \(whose).",
                rows.map { ($0.labels, value($0.work)) })
        }
        add(
            prefix + "frames_waiting", .gauge, "Frames that wait to be rendered, of \(whose).",
            rows.map { ($0.labels, Double($0.work.frames.waiting)) })
        add(
            prefix + "frames_rendering", .gauge, "Frames being rendered, of \(whose).",
            rows.map { ($0.labels, Double($0.work.frames.rendering)) })
        add(stages: rows, named: prefix + "stage_duration_seconds", whose)
        add(latencies: rows, named: prefix + "frame_latency_seconds", whose)
    }

    private mutating func add(stages rows: Work, named name: String, _ whose: String) {
        guard begin(name, .summary, "Time of each stage of a frame, of \(whose).", rows) else {
            return
        }
        for (labels, work) in rows {
            for (stage, sum) in work.stages.named {
                let labels = labels.merging(["stage": stage]) { first, _ in first }
                sample(name + "_sum", labels, Double(sum.ns) / 1e9)
                sample(name + "_count", labels, Double(sum.count))
            }
        }
    }

    /// A histogram where there are buckets, else quantiles since the start.
    private mutating func add(latencies rows: Work, named name: String, _ whose: String) {
        let hasBuckets = rows.first?.work.latency.buckets != nil
        guard
            begin(
                name, hasBuckets ? .histogram : .summary,
                "Last byte of a frame in to its picture handed to the socket, of \(whose).", rows)
        else { return }
        for (labels, work) in rows {
            let latency = work.latency
            for bucket in latency.buckets ?? [] {
                let end = ["le": "\(Double(bucket.atMostNs) / 1e9)"]
                sample(
                    name + "_bucket", labels.merging(end) { first, _ in first },
                    Double(bucket.count))
            }
            if hasBuckets {
                sample(
                    name + "_bucket", labels.merging(["le": "+Inf"]) { first, _ in first },
                    Double(latency.count))
            } else {
                for (quantile, ns) in [
                    ("0.5", latency.p50Ns), ("0.9", latency.p90Ns), ("0.99", latency.p99Ns),
                ] {
                    sample(
                        name, labels.merging(["quantile": quantile]) { first, _ in first },
                        seconds(ns))
                }
            }
            sample(name + "_sum", labels, seconds(latency.sumNs))
            sample(name + "_count", labels, Double(latency.count))
        }
    }

    // MARK: Writing

    private func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }

    private mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        add(name, kind, help, [([:], value)])
    }

    private mutating func add(
        _ name: String, _ kind: Kind, _ help: String,
        _ samples: [(labels: [String: String], value: Double)]
    ) {
        guard begin(name, kind, help, samples) else { return }
        for (labels, value) in samples { sample(name, labels, value) }
    }

    /// - Returns: false where there is no series, and so nothing to declare.
    private mutating func begin<Row>(
        _ name: String, _ kind: Kind, _ help: String, _ rows: [Row]
    ) -> Bool {
        guard !rows.isEmpty else { return false }
        text += "# HELP frameloom_\(name) \(help)\n# TYPE frameloom_\(name) \(kind.rawValue)\n"
        return true
    }

    private mutating func sample(_ name: String, _ labels: [String: String], _ value: Double) {
        let pairs = labels.sorted { $0.key < $1.key }.map { "\($0)=\"\(Self.escaped($1))\"" }
        let braces = pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
        let isWhole = value == value.rounded() && abs(value) < 1e15
        text += "frameloom_\(name)\(braces) \(isWhole ? "\(Int(value))" : "\(value)")\n"
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in printable(text) {
            if character == "\\" || character == "\"" { result += "\\" }
            result.append(character)
        }
        return result
    }
}
