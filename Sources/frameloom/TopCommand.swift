// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameControl
import Glibc

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch the sessions live: speed, latency, drops, memory, verdicts.",
        discussion: """
            Keys: arrows select a session, < and > choose the order, r reverses it, / filters by text, k \
            ends the selected session after asking, q quits. FPS and shares are of the time between two \
            looks, latencies since the session was opened; the bar is full to p50 and thin to p99. In percent: \
            DRP of the frames were dropped, HIS of the pictures carried over something of the one before, \
            CMP of them was computed.

            Where the output is no terminal: one line a session and look, as key=value.
            """)

    @Option(help: "Control socket of the daemon.")
    var control = DefaultPaths.controlSocketToUse

    @Option(help: "Seconds between two looks.")
    var interval = 1.0

    @Option(help: "End after so many looks.")
    var count: Int?

    func validate() throws {
        if !(0.1...3600).contains(interval) {
            throw ValidationError("--interval is 0.1 to 3600 seconds")
        }
        if let count, count < 1 { throw ValidationError("--count is at least 1") }
    }

    func run() throws {
        guard let terminal = RawTerminal() else { return try printLines() }
        // The terminal must be put right whatever ends this.
        let interruption = Interruption()
        defer { interruption.end() }
        show(on: terminal, until: { interruption.isRequested })
        withExtendedLifetime(terminal) {}
    }

    private func stats() throws -> StatsReport {
        guard case .stats(let report) = try ControlClient(path: control).ask(.stats) else {
            throw ControlError.notAReply(path: control, detail: "another answer than stats")
        }
        return report
    }

    // MARK: Lines

    private func printLines() throws {
        var previous: StatsReport?
        var looks = 0
        while true {
            let report = try stats()
            for row in TopRow.rows(report, since: previous) {
                try printResult(Self.line(row, uptime: report.daemon.uptimeNs))
            }
            previous = report
            looks += 1
            if looks == count { return }
            sleep(nanoseconds: UInt64(interval * 1e9))
        }
    }

    static func line(_ row: TopRow, uptime: UInt64) -> String {
        func share(_ value: Double?) -> String { value.map { decimal($0, 3) } ?? "-" }
        func word(_ text: String) -> String {
            text.contains(" ") || text.isEmpty ? "\"\(text)\"" : text
        }
        return "up_s=\(decimal(Double(uptime) / 1e9, 1)) session=\(row.id) user=\(word(row.user)) "
            + "client=\(word(row.client)) model=\(word(row.model)) size=\(row.size) "
            + "fps=\(decimal(row.fps, 1)) p50_ms=\(decimal(row.p50, 1)) "
            + "p99_ms=\(decimal(row.p99, 1)) dropped=\(share(row.droppedShare)) "
            + "history=\(share(row.historyShare)) computed=\(share(row.computedShare)) "
            + "memory_mib=\(decimal(row.memoryMiB, 1)) doctor=\(word(row.verdict))"
    }

    // MARK: Screen

    private func show(on terminal: RawTerminal, until isOver: () -> Bool) {
        var screen = TopScreen()
        screen.usesBlocks = Self.isUTF8
        var (report, previous): (StatsReport?, StatsReport?)
        var nextLook: UInt64 = 0
        var looks = 0
        while !isOver() {
            if now() >= nextLook {
                if looks == count { return }
                looks += 1
                nextLook = now() + UInt64(interval * 1e9)
                do {
                    let newest = try stats()
                    (previous, report) = (report, newest)
                    screen.notice = ""
                } catch {
                    screen.notice = "\(error)"
                }
            }
            let (width, height) = terminal.size
            if let report {
                terminal.draw(
                    screen.lines(report, since: previous, width: width, height: height))
            } else {
                terminal.draw([.init(String(screen.notice.prefix(width)))])
            }
            // Short, so that a terminal that changes its size is drawn again soon.
            let wait = Int32(clamping: min(250, (nextLook &- min(now(), nextLook)) / 1_000_000 + 1))
            guard let key = terminal.key(milliseconds: wait) else { continue }
            let rows = report.map { screen.arranged(TopRow.rows($0, since: previous)) } ?? []
            switch screen.pressed(key, rows: rows.map(\.id)) {
            case .nothing: break
            case .quit: return
            case .end(let session):
                do {
                    let call = ControlCall(.kick, target: .session(session))
                    _ = try ControlClient(path: control).ask(call)
                    screen.notice = "session \(session) was ended"
                } catch {
                    screen.notice = "\(error)"
                }
            }
        }
    }

    private static var isUTF8: Bool {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            // The value is copied at once; nothing in this process changes the environment.
            guard let value = unsafe getenv(name).map({ unsafe String(cString: $0) }),
                !value.isEmpty
            else { continue }
            return value.uppercased().contains("UTF-8") || value.uppercased().contains("UTF8")
        }
        return false
    }
}

extension TopScreen {
    enum Effect: Equatable {
        case nothing, quit
        /// This session shall end.
        case end(UInt64)
    }

    /// What a key does.
    /// - Parameter rows: the sessions in the order that they are shown in.
    mutating func pressed(_ key: RawTerminal.Key, rows: [UInt64]) -> Effect {
        notice = ""
        if key == .interrupt { return .quit }
        switch mode {
        case .asking(let session):
            mode = .looking
            return key == .character("y") ? .end(session) : .nothing
        case .filtering:
            switch key {
            case .enter: mode = .looking
            case .escape: (mode, filter) = (.looking, "")
            case .erase: _ = filter.popLast()
            case .character(let character): if filter.count < 40 { filter.append(character) }
            default: break
            }
            return .nothing
        case .looking: break
        }
        switch key {
        case .up: move(by: -1, rows)
        case .down: move(by: 1, rows)
        case .pageUp: move(by: -10, rows)
        case .pageDown: move(by: 10, rows)
        case .escape: filter = ""
        case .character("q"): return .quit
        case .character("/"): mode = .filtering
        case .character("k"): if let selected, rows.contains(selected) { mode = .asking(selected) }
        case .character("r"): isReversed.toggle()
        case .character(">"): turn(by: 1)
        case .character("<"): turn(by: -1)
        default: break
        }
        return .nothing
    }

    private mutating func move(by step: Int, _ rows: [UInt64]) {
        guard !rows.isEmpty else { return }
        let index = rows.firstIndex { $0 == selected }
        let next = index.map { $0 + step } ?? (step > 0 ? 0 : rows.count - 1)
        selected = rows[max(0, min(rows.count - 1, next))]
    }

    private mutating func turn(by step: Int) {
        let orders = TopOrder.allCases
        let index = (orders.firstIndex(of: order) ?? 0) + step
        order = orders[(index + orders.count) % orders.count]
    }
}
