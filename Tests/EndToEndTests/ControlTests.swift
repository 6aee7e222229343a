// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import Foundation
import FrameControl
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    @Suite(.daemon("limits.control_connections=4"), .timeLimit(.minutes(2))) struct Control {
        private let daemon = SharedDaemon.current!

        @Test func reportsWhatASessionDid() throws {
            let size = FrameSize(width: 64, height: 48)
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            for id in UInt64(1)...3 {
                _ = try session.render(id, SyntheticFrame(size, index: Int(id)))
            }
            var stats = try daemon.stats()
            // The last write is counted a moment after the client has it.
            let end = ContinuousClock.now + .seconds(5)
            while stats.sessions.last?.work.stages.write.count != 3, ContinuousClock.now < end {
                stats = try daemon.stats()
            }
            let report = try #require(stats.sessions.last)
            #expect(report.clientName == "tests")
            #expect(report.pid == getpid())
            #expect(report.uid == getuid())
            #expect(report.size == size)
            #expect(report.model == "atrium")
            #expect(report.mailbox == .every)
            #expect(report.history == .kept)
            #expect(report.historyFrame == 3)
            #expect(report.work.frames.received == 3 && report.work.frames.rendered == 3)
            let stages = report.work.stages
            for stage in [
                stages.read, stages.queue, stages.convert, stages.render, stages.encode,
                stages.write,
            ] {
                #expect(stage.count == 3)
            }
            #expect(stages.render.ns > 0)
            #expect(report.work.latency.count == 3)
            #expect(report.work.latency.p99Ns >= stages.render.ns / 3)
            #expect(report.work.bytesIn >= UInt64(3 * size.pixelCount * 11))
            #expect(report.work.bytesOut >= UInt64(3 * size.pixelCount * 4))
            #expect(report.plannedBytes > 0)
            #expect(stats.daemon.memoryResidentBytes > 1 << 20)
            #expect(stats.daemon.pid == daemon.program.pid)
        }

        @Test func listsModels() throws {
            guard case .models(let models) = try daemon.ask(.models) else {
                throw TestFailure("not a list of models")
            }
            let atrium = try #require(models.first { $0.name == "atrium" })
            #expect(atrium.state == .loaded && atrium.isDefault)
        }

        @Test func onlyItsOwnerMayConnect() throws {
            for path in [daemon.controlPath, daemon.framePath] {
                var status = stat()
                #expect(lstat(path, &status) == 0)
                #expect(status.st_mode & 0o777 == 0o600)
            }
        }

        @Test func answersGarbageWithAnError() throws {
            let socket = try UnixSocket.connected(to: daemon.controlPath)
            let lines = [
                "", "{", "null", "[]", "{\"request\":17}", "{\"request\":\"reboot\"}",
                "\u{0}\u{1}\u{2}", String(repeating: "[", count: 60_000),
            ]
            for line in lines {
                try socket.write(Array((line + "\n").utf8))
                let reply = try readLine(socket)
                #expect(reply.contains("\"error\""), "\(line.prefix(40)): \(reply)")
            }
            try socket.write(Array("{\"request\":\"health\"}\n".utf8))
            #expect(try readLine(socket).contains("\"ready\":true"))
        }

        @Test func refusesALineThatDoesNotEnd() throws {
            let socket = try UnixSocket.connected(to: daemon.controlPath)
            try socket.write([UInt8](repeating: 0x41, count: 200_000))
            #expect(try readLine(socket).contains("line_too_long"))
            #expect(try daemon.health().ready)
            try daemon.expectGoodService()
        }

        @Test func servesOthersWhileManyHoldTheirConnections() throws {
            let held = try (0..<4).map { _ in try UnixSocket.connected(to: daemon.controlPath) }
            // The one that was idle for longest makes room.
            let newcomer = try UnixSocket.connected(to: daemon.controlPath)
            try newcomer.write(Array("{\"request\":\"health\"}\n".utf8))
            #expect(try readLine(newcomer).contains("\"ready\":true"))
            #expect(try held[0].read(1).isEmpty)
            try held[3].write(Array("{\"request\":\"health\"}\n".utf8))
            #expect(try readLine(held[3]).contains("\"ready\":true"))
            try daemon.expectGoodService()
        }

        /// 219 KB of these held the loop for seconds once.
        @Test func aFloodOfRequestsDelaysNobodyElse() throws {
            let flood = try UnixSocket.connected(to: daemon.controlPath)
            let lines = [UInt8](
                String(repeating: "{\"request\":\"sessions\"}\n", count: 3000).utf8)
            let empty = [UInt8](repeating: 0x0A, count: 60_000)
            let writer = Background {
                try flood.write(Array(lines.prefix(20_000)))
                try flood.write(empty)
            }
            for _ in 0..<5 {
                #expect(try daemon.health().ready)
                try daemon.expectGoodService()
            }
            shutdown(flood.descriptor, Int32(SHUT_RDWR))
            _ = try? writer.value()
        }

        private func readLine(_ socket: UnixSocket) throws -> String {
            var line: [UInt8] = []
            while let byte = try socket.read(1).first, byte != 0x0A { line.append(byte) }
            return String(decoding: line, as: UTF8.self)
        }
    }
}
