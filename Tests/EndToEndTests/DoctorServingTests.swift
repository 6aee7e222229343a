// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import Foundation
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// The doctor where people meet it: on the command line, in the daemon's log, in its reports.
    @Suite(.daemon(), .timeLimit(.minutes(5))) struct DoctorServing {
        private let daemon = SharedDaemon.current!
        private let folder: TestFolder

        init() throws { folder = try TestFolder() }

        /// - Returns: exit code and standard output.
        private func run(_ arguments: String...) throws -> (Int32, String) {
            let name = folder.path + "/run-\(UInt32.random(in: 0 ... .max))"
            let program = try RunningProgram(
                [Paths.program("frameloom")] + arguments, output: name, errors: name + ".errors")
            return (try program.waitForExit(seconds: 200), program.output)
        }

        @Test func judgesAClip() throws {
            let right = try run(
                "doctor", Paths.demoClip, "--frames", "6", "--models", Paths.models)
            #expect(right.0 == 0)
            #expect(right.1.contains("orientation looks right"))
            #expect(!right.1.contains("WRONG"))
            let wrong = try run(
                "doctor", Paths.demoClip, "--frames", "6", "--models", Paths.models, "--origin",
                "bottom-left", "--json")
            #expect(wrong.0 == 1)
            let report = try JSONDecoder().decode(Report.self, from: Data(wrong.1.utf8))
            #expect(report.verdicts.first { $0.isWrong == true }?.name == "upside-down")
        }

        private struct Report: Decodable {
            struct Verdict: Decodable {
                var name: String?
                var isWrong: Bool?

                enum CodingKeys: String, CodingKey {
                    case name
                    case isWrong = "is_wrong"
                }
            }
            var verdicts: [Verdict]
        }

        @Test func warnsOnceInTheLog() throws {
            let played = try run(
                "play", Paths.demoClip, "--frames", "10", "--socket", daemon.framePath,
                "--no-pictures", "--origin", "bottom-left")
            #expect(played.0 == 0)
            #expect(played.1.contains("upside-down"))
            let end = ContinuousClock.now + .seconds(100)
            while !daemon.program.output.contains("upside-down"), ContinuousClock.now < end {
                usleep(50_000)
            }
            let lines = daemon.program.output.split(separator: "\n")
                .filter { $0.contains("upside-down") }
            #expect(lines.count == 1)
            #expect(lines.first?.contains("warning") == true)
            try daemon.expectGoodService()
        }

        @Test func reportsWhatItSawOfASession() throws {
            let size = FrameSize(width: 64, height: 48)
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            for id in UInt64(1)...3 {
                _ = try session.render(id, SyntheticFrame(size, index: Int(id)))
            }
            let end = ContinuousClock.now + .seconds(60)
            var seen: ExaminationReport?
            while seen == nil, ContinuousClock.now < end {
                seen = try daemon.stats().sessions.last?.examination
            }
            let report = try #require(seen)
            #expect(report.frames > 0)
            #expect((0...1).contains(report.skyShare))
            #expect(report.verdicts.count == 10)
            // From now on the replies have it too: a fifth of the picture is sky.
            let info = try session.render(4, SyntheticFrame(size, index: 4)).info
            #expect((15...25).contains(Int(info.sky_percent) - 1))
            #expect(info.away_percent > 0)
            let id = try #require(try daemon.stats().sessions.last?.id)
            let printed = try run("doctor", "\(id)", "--control", daemon.controlPath)
            #expect(printed.1.contains("Looked at"))
            let absent = try run("doctor", "999999", "--control", daemon.controlPath)
            #expect(absent.0 != 0)
        }
    }
}
