// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameTypes
import Glibc

/// One session as `frameloom top` shows it: rates and shares are of the time since the look before.
struct TopRow: Equatable {
    var id: UInt64
    var user: String
    var client: String
    var model: String
    var size: String
    var fps: Double
    /// Since the session was opened, ms.
    var p50: Double
    var p99: Double
    /// Of the frames that came, 0 to 1; nil while none came.
    var droppedShare: Double?
    /// Of the rendered frames, 0 to 1: with history, and computed.
    var historyShare: Double?
    var computedShare: Double?
    var memoryMiB: Double
    /// What the doctor found, or an error of a frame; empty if nothing.
    var verdict: String

    init(_ session: SessionReport, since previous: SessionReport?, seconds: Double) {
        let (now, before) = (session.work, previous?.work ?? WorkReport())
        let received = now.frames.received &- before.frames.received
        let rendered = now.frames.rendered &- before.frames.rendered
        func share(_ part: UInt64, of whole: UInt64) -> Double? {
            whole == 0 ? nil : Double(part) / Double(whole)
        }
        id = session.id
        user = Users.name(of: session.uid)
        client = printable(session.clientName)
        model = printable(session.model)
        size = "\(session.size)"
        fps = seconds > 0 ? Double(rendered) / seconds : 0
        p50 = Double(now.latency.p50Ns) / 1e6
        p99 = Double(now.latency.p99Ns) / 1e6
        droppedShare = share(now.frames.dropped &- before.frames.dropped, of: received)
        historyShare = share(now.frames.withHistory &- before.frames.withHistory, of: rendered)
        computedShare =
            rendered == 0
            ? nil : (now.computedFrames - before.computedFrames) / Double(rendered)
        memoryMiB = Double(session.plannedBytes + session.cacheBytes) / 1_048_576
        verdict = printable(
            session.examination?.finding?.name ?? session.lastError.map { "error: \($0.text)" }
                ?? "")
    }

    /// Rows of a report, in its order.
    static func rows(_ report: StatsReport, since previous: StatsReport?) -> [TopRow] {
        // Another daemon, or none before: the counters are of the whole time.
        let earlier = previous.flatMap { $0.daemon.pid == report.daemon.pid ? $0 : nil }
        return report.sessions.map { session in
            let before = earlier?.sessions.first { $0.id == session.id }
            let time = before.map { session.ageNs &- $0.ageNs } ?? session.ageNs
            return TopRow(session, since: before, seconds: Double(time) / 1e9)
        }
    }

    func contains(_ text: String) -> Bool {
        text.isEmpty
            || [user, client, model, "\(id)", verdict].contains {
                $0.lowercased().contains(text.lowercased())
            }
    }
}

/// By what the rows are in order.
enum TopOrder: String, CaseIterable {
    case session, user, client, model, fps, latency, dropped, memory

    func isBefore(_ first: TopRow, _ second: TopRow) -> Bool {
        // Numbers that matter are looked for at the top.
        switch self {
        case .session: first.id < second.id
        case .user: (first.user, first.id) < (second.user, second.id)
        case .client: (first.client, first.id) < (second.client, second.id)
        case .model: (first.model, first.id) < (second.model, second.id)
        case .fps: (second.fps, first.id) < (first.fps, second.id)
        case .latency: (second.p99, first.id) < (first.p99, second.id)
        case .dropped:
            (second.droppedShare ?? 0, first.id) < (first.droppedShare ?? 0, second.id)
        case .memory: (second.memoryMiB, first.id) < (first.memoryMiB, second.id)
        }
    }
}

enum Users {
    /// The number where this machine knows no name.
    static func name(of id: UInt32) -> String {
        // The entry is the library's until the next call; the name is copied at once.
        guard let entry = unsafe getpwuid(id) else { return "\(id)" }
        return unsafe String(cString: entry.pointee.pw_name)
    }
}
