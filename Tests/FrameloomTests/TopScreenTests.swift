// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameTypes
import Testing

@testable import frameloom

/// What `frameloom top` shows and what its keys do, without a terminal.
@Suite struct TopScreenTests {
    private func session(_ id: UInt64, _ client: String, p99: UInt64) -> SessionReport {
        var session = SessionReport(id: id)
        session.clientName = client
        session.model = "atrium"
        (session.width, session.height) = (1920, 1080)
        session.ageNs = 10_000_000_000
        session.work.frames.received = 100
        session.work.frames.rendered = 80
        session.work.frames.dropped = 20
        session.work.frames.withHistory = 60
        session.work.computedFrames = 40
        session.work.latency.p50Ns = p99 / 2
        session.work.latency.p99Ns = p99
        return session
    }

    private func report(_ sessions: [SessionReport]) -> StatsReport {
        var daemon = DaemonReport()
        daemon.pid = 7
        daemon.uptimeNs = 60_000_000_000
        daemon.load = 0.5
        return StatsReport(daemon: daemon, total: WorkReport(), models: [], sessions: sessions)
    }

    @Test func ratesAreOfTheTimeSinceTheLookBefore() throws {
        let before = report([session(1, "engine", p99: 20_000_000)])
        var after = before
        after.sessions[0].ageNs += 2_000_000_000
        after.sessions[0].work.frames.received += 60
        after.sessions[0].work.frames.rendered += 50
        after.sessions[0].work.frames.withHistory += 25
        after.sessions[0].work.frames.dropped += 6
        after.sessions[0].work.computedFrames += 5
        let row = try #require(TopRow.rows(after, since: before).first)
        #expect(row.fps == 25)
        #expect(row.droppedShare == 0.1)
        #expect(row.historyShare == 0.5)
        #expect(row.computedShare == 0.1)
        // Of another daemon nothing is subtracted.
        after.daemon.pid = 8
        #expect(TopRow.rows(after, since: before).first?.droppedShare == 26.0 / 160)
    }

    @Test(arguments: [(80, 24), (80, 10), (132, 40), (20, 5), (1, 1)])
    func neverLeavesTheTerminal(width: Int, height: Int) {
        var screen = TopScreen()
        screen.selected = 30
        let many = report((1...60).map { session($0, "a client's long name", p99: $0 * 1_000_000) })
        for mode in [TopScreen.Mode.looking, .filtering, .asking(3)] {
            screen.mode = mode
            let lines = screen.lines(many, since: nil, width: width, height: height)
            #expect(lines.count == min(height, max(lines.count, 1)))
            #expect(lines.allSatisfy { $0.text.count <= width })
        }
    }

    @Test func eightyColumnsHoldEveryColumn() throws {
        var one = session(1, "engine", p99: 50_000_000)
        one.examination = ExaminationReport()
        one.examination?.verdicts = [
            .init(subject: "normals", isWrong: true, name: "view-space", text: "view space")
        ]
        let lines = TopScreen().lines(report([one]), since: nil, width: 80, height: 24)
        #expect(lines.count == 24)
        let head = try #require(lines.first { $0.style == .head })
        for title in ["ID", "USER", "CLIENT", "MODEL", "SIZE", "FPS", "P99ms", "MiB", "DOCTOR"] {
            #expect(head.text.contains(title))
        }
        let row = try #require(lines.first { $0.text.contains("1920x1080") })
        // 80 frames in 10 s, 20 of 100 dropped, 60 of 80 with history, half of them computed.
        for text in ["8.0", "50.0", " 20 ", " 75 ", " 50 ", "view-spa"] {
            #expect(row.text.contains(text), "\(row.text)")
        }
    }

    @Test func keysChooseSortAndFilter() {
        let rows = TopRow.rows(
            report([
                session(1, "panda", p99: 5_000_000), session(2, "blender", p99: 50_000_000),
                session(3, "walk", p99: 20_000_000),
            ]), since: nil)
        var screen = TopScreen()
        func ids() -> [UInt64] { screen.arranged(rows).map(\.id) }
        // The slowest is first.
        #expect(ids() == [2, 3, 1])
        _ = screen.pressed(.character("r"), rows: ids())
        #expect(ids() == [1, 3, 2])
        _ = screen.pressed(.character("r"), rows: ids())
        for _ in 0..<3 { _ = screen.pressed(.character("<"), rows: ids()) }
        #expect(screen.order == .client && ids() == [2, 1, 3])
        _ = screen.pressed(.down, rows: ids())
        _ = screen.pressed(.down, rows: ids())
        #expect(screen.selected == 1)
        _ = screen.pressed(.pageDown, rows: ids())
        #expect(screen.selected == 3)
        for key in "/PAN" { _ = screen.pressed(.character(key), rows: ids()) }
        #expect(screen.mode == .filtering && ids() == [1])
        // Letters that are commands otherwise are text here.
        _ = screen.pressed(.character("q"), rows: ids())
        #expect(ids().isEmpty)
        _ = screen.pressed(.erase, rows: ids())
        _ = screen.pressed(.enter, rows: ids())
        #expect(screen.mode == .looking && ids() == [1])
        _ = screen.pressed(.escape, rows: ids())
        #expect(ids().count == 3)
        #expect(screen.pressed(.character("q"), rows: ids()) == .quit)
    }

    @Test func endsASessionAfterAsking() {
        var screen = TopScreen()
        // Nothing is selected.
        #expect(screen.pressed(.character("k"), rows: [4, 7]) == .nothing)
        #expect(screen.mode == .looking)
        _ = screen.pressed(.down, rows: [4, 7])
        _ = screen.pressed(.character("k"), rows: [4, 7])
        #expect(screen.mode == .asking(4))
        #expect(screen.pressed(.character("q"), rows: [4, 7]) == .nothing)
        #expect(screen.mode == .looking)
        _ = screen.pressed(.character("k"), rows: [4, 7])
        #expect(screen.pressed(.character("y"), rows: [4, 7]) == .end(4))
        // It is gone meanwhile.
        #expect(screen.pressed(.character("k"), rows: [7]) == .nothing)
        #expect(screen.mode == .looking)
    }

    @Test func linesForProgramsAreKeysAndValues() {
        let row = TopRow(session(4, "two words", p99: 30_000_000), since: nil, seconds: 10)
        let line = TopCommand.line(row, uptime: 1_500_000_000)
        #expect(line.hasPrefix("up_s=1.5 session=4 user="))
        #expect(
            line.contains("client=\"two words\" model=atrium size=1920x1080 fps=8.0 p50_ms=15.0"))
        #expect(line.contains("dropped=0.200 history=0.750 computed=0.500"))
    }
}
