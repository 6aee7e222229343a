// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl

/// What `frameloom top` shows, as lines of text: a value without terminal or socket.
struct TopScreen {
    /// What the keys do besides choosing.
    enum Mode: Equatable {
        case looking
        case filtering
        /// Whether this session shall end.
        case asking(UInt64)
    }

    var order = TopOrder.latency
    var isReversed = false
    var filter = ""
    var mode = Mode.looking
    /// Of the session under the bar.
    var selected: UInt64?
    /// The last thing that happened, for one look.
    var notice = ""
    /// Bars of blocks; else of signs that every terminal has.
    var usesBlocks = true

    /// Rows as they are shown.
    func arranged(_ rows: [TopRow]) -> [TopRow] {
        let sorted = rows.filter { $0.contains(filter) }.sorted(by: order.isBefore)
        return isReversed ? sorted.reversed() : sorted
    }

    /// - Returns: `height` lines at most, none wider than `width`; the table's head and the selected row
    ///   are marked.
    func lines(
        _ report: StatsReport, since previous: StatsReport?, width: Int, height: Int
    ) -> [Line] {
        let rows = arranged(TopRow.rows(report, since: previous))
        var lines = summary(report, since: previous).map { Line($0) }
        let columns = columns(rows, width: width)
        lines.append(
            Line(
                columns.map { $0.cell($0.title) }.joined(separator: " ").filled(to: width),
                .head))
        let room = max(1, height - lines.count - 1)
        let selectedIndex = rows.firstIndex { $0.id == selected } ?? 0
        let first = max(0, min(selectedIndex - room + 1, rows.count - room))
        for row in rows.dropFirst(first).prefix(room) {
            let text = columns.map { $0.cell($0.value(row)) }.joined(separator: " ")
            lines.append(
                Line(text.filled(to: width), row.id == selected ? .selected : .plain))
        }
        if rows.isEmpty {
            lines.append(Line(filter.isEmpty ? "No session is open." : "No session matches."))
        }
        while lines.count < height - 1 { lines.append(Line("")) }
        lines.append(Line(footer))
        return lines.prefix(height).map { Line(String($0.text.prefix(width)), $0.style) }
    }

    struct Line: Equatable {
        enum Style { case plain, head, selected }

        var text: String
        var style: Style

        init(_ text: String, _ style: Style = .plain) {
            self.text = text
            self.style = style
        }
    }

    // MARK: Above and below the table

    private func summary(_ report: StatsReport, since previous: StatsReport?) -> [String] {
        let (daemon, total) = (report.daemon, report.total)
        var rates = "\(total.frames.rendered) frames, \(total.frames.dropped) dropped"
        if let previous, previous.daemon.pid == daemon.pid,
            daemon.uptimeNs > previous.daemon.uptimeNs
        {
            let seconds = Double(daemon.uptimeNs - previous.daemon.uptimeNs) / 1e9
            func rate(_ now: UInt64, _ before: UInt64) -> String {
                decimal(Double(now &- before) / seconds, 1)
            }
            let before = previous.total.frames
            rates =
                "\(rate(total.frames.rendered, before.rendered)) frames/s, "
                + "\(rate(total.frames.dropped, before.dropped)) dropped/s, "
                + "\(rate(total.frames.failed, before.failed)) failed/s"
        }
        return [
            "frameloomd \(printable(daemon.version)), up \(duration(daemon.uptimeNs)), "
                + "\(daemon.sessionsOpen) sessions (\(daemon.sessionsOpened) opened, "
                + "\(daemon.sessionsRefused) refused)",
            "render \(daemon.renderThreads) threads \(bar(daemon.load, daemon.load, width: 10)) "
                + "\(decimal(daemon.load * 100, 0)) %   \(rates)",
            "memory \(mebibytes(daemon.memoryPlannedBytes)) of "
                + "\(mebibytes(daemon.memoryLimitBytes)) planned, "
                + "\(mebibytes(daemon.memoryResidentBytes)) resident   p99 "
                + "\(milliseconds(total.latency.p99Ns)) ms",
            "",
        ]
    }

    private var footer: String {
        switch mode {
        case .asking(let id): return "End session \(id)? y: yes, any other key: no"
        case .filtering: return "Filter: \(filter)_   Enter: done, Esc: none"
        case .looking: break
        }
        if !notice.isEmpty { return notice }
        let filtered = filter.isEmpty ? "" : " [\(filter)]"
        return
            "q quit  arrows select  < > sort (\(order.rawValue)\(isReversed ? ", reversed" : "")) "
            + " r reverse  / filter\(filtered)  k end"
    }

    // MARK: The table

    private struct Column {
        var title: String
        var width: Int
        var isNumber = false
        var value: (TopRow) -> String

        func cell(_ text: String) -> String {
            let cut = text.prefix(width)
            let space = String(repeating: " ", count: width - cut.count)
            return isNumber ? space + cut : cut + space
        }
    }

    /// 80 columns hold everything, shares in percent; more go to names and verdicts.
    private func columns(_ rows: [TopRow], width: Int) -> [Column] {
        let more = max(0, width - 80)
        let names = more / 5
        // 30 pictures a second in the middle of the bar, unless somebody is slower.
        let longest = max(66, rows.map(\.p99).max() ?? 0)
        return [
            Column(title: "ID", width: 3, isNumber: true) { "\($0.id)" },
            Column(title: "USER", width: 6 + names) { $0.user },
            Column(title: "CLIENT", width: 8 + names) { $0.client },
            Column(title: "MODEL", width: 6 + names) { $0.model },
            Column(title: "SIZE", width: 9) { $0.size },
            Column(title: "FPS", width: 5, isNumber: true) { decimal($0.fps, 1) },
            Column(title: "50-99", width: 5) { bar($0.p50 / longest, $0.p99 / longest, width: 5) },
            Column(title: "P99ms", width: 5, isNumber: true) {
                decimal($0.p99, $0.p99 < 100 ? 1 : 0)
            },
            Column(title: "DRP", width: 3, isNumber: true) { percent($0.droppedShare) },
            Column(title: "HIS", width: 3, isNumber: true) { percent($0.historyShare) },
            Column(title: "CMP", width: 3, isNumber: true) { percent($0.computedShare) },
            Column(title: "MiB", width: 4, isNumber: true) { decimal($0.memoryMiB, 0) },
            Column(title: "DOCTOR", width: 8 + more - 3 * names) { $0.verdict },
        ]
    }

    private func percent(_ share: Double?) -> String { share.map { decimal($0 * 100, 0) } ?? "-" }

    /// Full to `part`, thin from there to `whole`, both 0 to 1.
    private func bar(_ part: Double, _ whole: Double, width: Int) -> String {
        func cells(_ share: Double) -> Int {
            share.isFinite ? Int((min(1, max(0, share)) * Double(width)).rounded()) : 0
        }
        let (full, end) = (cells(part), max(cells(part), cells(whole)))
        let signs = usesBlocks ? ("█", "░", "·") : ("#", "=", ".")
        return String(repeating: signs.0, count: full)
            + String(repeating: signs.1, count: end - full)
            + String(repeating: signs.2, count: width - end)
    }
}

extension String {
    fileprivate func filled(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
