// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import FrameTypes
import Testing

@Suite struct ControlLineTests {
    private func sampleSession() -> SessionReport {
        var session = SessionReport(id: 7)
        session.clientName = "engine \"A\"\nzwei ü"
        session.pid = 4242
        session.uid = 1000
        session.width = 512
        session.height = 256
        session.model = "atrium"
        session.modelVersion = "1"
        session.precision = "fp32"
        session.kernelPath = "avx512-fp32"
        session.mailbox = .every
        session.history = .kept
        session.historyFrame = 41
        session.plannedBytes = 12_345_678
        session.ageNs = 5_000_000_000
        session.work.frames.received = 10
        session.work.frames.rendered = 8
        session.work.frames.dropped = 1
        session.work.frames.waiting = 1
        session.work.stages.render = StageSum(count: 8, ns: 640_000_000)
        session.work.latency.p99Ns = 90_000_000
        session.work.bytesIn = UInt64.max
        return session
    }

    private func sampleReplies() -> [ControlReply] {
        let session = sampleSession()
        var daemon = DaemonReport()
        daemon.version = "0.1.0"
        daemon.load = 0.25
        daemon.memoryResidentBytes = 1 << 33
        var total = WorkReport()
        total.frames += session.work.frames
        var model = ModelReport(name: "atrium", state: .loaded)
        model.isDefault = true
        model.weightBytes = 15_000_000
        return [
            .stats(
                StatsReport(
                    daemon: daemon, total: total, models: [ModelWork(model: "m", work: total)],
                    sessions: [session])),
            .sessions([session, SessionReport(id: 8)]), .sessions([]),
            .health(HealthReport(live: true, ready: false, model: "", reason: "loading")),
            .models([model]), .error(.lineTooLong(limit: 10)),
        ]
    }

    @Test func everyReplyComesBackFromItsLine() throws {
        for reply in sampleReplies() {
            let line = ControlLine.encode(reply)
            #expect(line.last == UInt8(ascii: "\n"))
            #expect(line.filter { $0 == UInt8(ascii: "\n") }.count == 1)
            #expect(try ControlLine.reply(from: line.dropLast()) == reply)
        }
    }

    @Test func everyRequestComesBackFromItsLine() throws {
        var calls = ControlRequest.allCases.filter { $0 != .kick && $0 != .setLogLevel }
            .map { ControlCall($0) }
        calls += [
            ControlCall(.setLogLevel, level: "debug"), ControlCall(.sessions, after: 3, limit: 50),
            ControlCall(.kick, target: .session(.max)), ControlCall(.kick, target: .user(1000)),
        ]
        for call in calls {
            let line = ControlLine.encode(call)
            #expect(try ControlLine.call(from: line.dropLast()) == call)
        }
    }

    @Test(arguments: [
        #"{"request":"kick"}"#, #"{"request":"kick","session":1,"user":2}"#,
        #"{"request":"kick","session":-1}"#, #"{"request":"kick","user":"root"}"#,
    ])
    func kickNeedsOneTarget(line: String) {
        #expect(throws: ControlFault.self) { try ControlLine.call(from: Array(line.utf8)) }
    }

    @Test func keysAreThoseThatProgramsRead() throws {
        let line = ControlLine.encode(sampleReplies()[0])
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        let stats = try #require(object["stats"] as? [String: Any])
        let total = try #require(stats["total"] as? [String: Any])
        let frames = try #require(total["frames"] as? [String: Any])
        #expect(
            Set(frames.keys) == [
                "received", "rendered", "dropped", "failed", "waiting", "rendering",
                "partial", "unchanged", "with_history", "half_light", "quarter_light",
            ])
        let session = try #require((stats["sessions"] as? [[String: Any]])?.first)
        #expect(session["client_name"] as? String == "engine \"A\"\nzwei ü")
        #expect(session["planned_bytes"] as? Int == 12_345_678)
        #expect(session["history"] as? String == "kept")
        let work = try #require(session["work"] as? [String: Any])
        let stages = try #require(work["stages"] as? [String: Any])
        #expect(Set(stages.keys) == ["read", "queue", "convert", "render", "encode", "write"])
        let render = try #require(stages["render"] as? [String: Any])
        #expect(render["count"] as? Int == 8)
        #expect(render["ns"] as? Int == 640_000_000)
        let latency = try #require(work["latency"] as? [String: Any])
        #expect(latency["p99_ns"] as? Int == 90_000_000)
    }

    @Test(arguments: [
        "", "{", "stats", "[]", "null", "{}", #"{"request":3}"#, #"{"request":null}"#,
        "\u{0}\u{1}", #"{"request":"stats""#,
    ])
    func refusesALineThatIsNoRequestObject(line: String) {
        #expect {
            try ControlLine.request(from: [UInt8](line.utf8))
        } throws: {
            ($0 as? ControlFault)?.code == .notJSON
        }
    }

    @Test func refusesBytesThatAreNoText() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let count = Int.random(in: 0...200, using: &random)
            let line = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(throws: ControlFault.self) { try ControlLine.request(from: line) }
        }
    }

    @Test func namesTheKnownRequestsWhenOneIsUnknown() {
        #expect {
            try ControlLine.request(from: [UInt8](#"{"request":"shutdown"}"#.utf8))
        } throws: {
            guard let fault = $0 as? ControlFault else { return false }
            return fault.code == .unknownRequest && fault.text.contains("shutdown")
                && fault.text.contains("stats, sessions, health, models")
        }
    }

    @Test func refusesALineOverTheLimitBeforeDecodingIt() {
        let text = #"{"request":"stats""# + String(repeating: " ", count: 65_536) + "}"
        #expect {
            try ControlLine.request(from: [UInt8](text.utf8))
        } throws: {
            ($0 as? ControlFault)?.code == .lineTooLong
        }
    }

    @Test func aTimeThatIsNoNumberDoesNotSilenceTheReport() throws {
        var daemon = DaemonReport()
        daemon.load = .nan
        let report = StatsReport(
            daemon: daemon, total: WorkReport(), models: [], sessions: [])
        let reply = try ControlLine.reply(from: ControlLine.encode(.stats(report)).dropLast())
        guard case .stats(let back) = reply else {
            Issue.record("not a stats reply: \(reply)")
            return
        }
        #expect(back.daemon.load.isNaN)
    }

    @Test func anIDIsRepeatedAndPagesGoOn() throws {
        let line = ControlLine.encode(.health(HealthReport(live: true, ready: true, model: "m")))
        let withNumber = ControlLine.adding("id", ControlID.number(-7), to: line)
        #expect(String(decoding: withNumber, as: UTF8.self).hasSuffix(",\"id\":-7}\n"))
        let text = ControlID.text("a \"b\"\n")
        let withText = ControlLine.adding("id", text, to: line)
        #expect(withText.count { $0 == 0x0A } == 1)
        #expect(try ControlLine.id(from: withText.dropLast()) == text)
        #expect(try ControlLine.id(from: line.dropLast()) == nil)
        #expect(ControlLine.next(from: ControlLine.adding("next", UInt64(9), to: line)) == 9)
        #expect(ControlLine.next(from: line) == nil)
        for wrong in ["[]", "1.5", "{}", "\"" + String(repeating: "x", count: 65) + "\""] {
            #expect(throws: ControlFault.self) {
                _ = try ControlLine.id(from: Array("{\"id\":\(wrong)}".utf8))
            }
        }
        // No JSON at all is another's complaint.
        #expect(try ControlLine.id(from: Array("{".utf8)) == nil)
    }
}
