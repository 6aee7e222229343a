// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import Foundation
import FrameTypes
import TestSupport
import Testing

extension EndToEnd {
    /// What a person types, against the real daemon.
    @Suite(.daemon(), .timeLimit(.minutes(5))) struct Commands {
        private let daemon = SharedDaemon.current!
        private let folder: TestFolder

        private var clip: String { folder.path + "/clip" }

        init() throws {
            folder = try TestFolder()
            try SmallClip.write(to: folder.path + "/clip", frames: 4)
        }

        private func start(_ arguments: [String]) throws -> RunningProgram {
            let name = folder.path + "/run-\(UInt32.random(in: 0 ... .max))"
            return try RunningProgram(
                [Paths.program("frameloom")] + arguments, output: name, errors: name + ".errors")
        }

        /// - Returns: exit code, standard output, standard error.
        private func run(_ arguments: String...) throws -> (Int32, String, String) {
            let program = try start(arguments)
            let code = try program.waitForExit(seconds: 120)
            return (code, program.output, program.errors)
        }

        private func object(_ json: String) throws -> [String: Any] {
            let parsed = try JSONSerialization.jsonObject(with: Data(json.utf8))
            return try #require(parsed as? [String: Any])
        }

        private func picture(_ run: String, _ frame: Int) -> Data? {
            FileManager.default.contents(atPath: "\(folder.path)/\(run)/Rendered_000\(frame).png")
        }

        @Test func playAndRenderMakeTheSamePictures() throws {
            let (code, output, errors) = try run(
                "play", clip, "--socket", daemon.framePath, "--frames", "3", "--json", "--out",
                folder.path + "/played")
            #expect(code == 0, "\(errors)")
            let summary = try object(output)
            for key in ["fps", "frame_ms_p50", "frame_ms_p99", "psnr", "ssim"] {
                #expect((summary[key] as? Double ?? 0) > 0, "\(key)")
            }
            #expect(summary["rendered"] as? Int == 3)
            #expect(summary["history_frames"] as? Int == 2)
            #expect((summary["daemon_ms_p50"] as? Double ?? 0) > 0)
            #expect((summary["cpu_ms_per_frame"] as? Double ?? 0) > 0)
            #expect((summary["psnr"] as? Double ?? 0) > 20)
            let sheet = folder.path + "/played/contact-sheet.png"
            #expect(FileManager.default.fileExists(atPath: sheet))

            let (renderCode, _, renderErrors) = try run(
                "render", clip, "--models", Paths.models, "--threads", "1", "--frames",
                "3", "--out", folder.path + "/rendered")
            #expect(renderCode == 0, "\(renderErrors)")
            for frame in 0..<3 {
                #expect(picture("played", frame) != nil)
                #expect(picture("played", frame) == picture("rendered", frame))
            }
        }

        @Test func benchMeasuresAMovingClip() throws {
            let (code, output, errors) = try run(
                "bench", "--clip", clip, "--models", Paths.models, "--frames", "6", "--threads",
                "2", "--size", "96x64", "--precision", "fp32", "--profile", "--json")
            #expect(code == 0, "\(errors)")
            let report = try object(output)
            for key in [
                "frame_ms_p50", "frame_ms_p90", "frame_ms_p99", "frame_ms_min", "network_ms_p50",
                "network_ms_min", "gmac", "gflops", "ceiling_share", "ceiling_gflops", "psnr",
            ] {
                #expect((report[key] as? Double ?? 0) > 0, "\(key)")
            }
            #expect(report["psnr_to_fp32"] as? String == "inf")
            #expect(report["precision"] as? String == "fp32")
            #expect(report["model"] as? String == "atrium")
            #expect(report["size"] as? String == "96x64")
            #expect(report["frames"] as? Int == 6)
            #expect(report["threads"] as? Int == 2)
            let steps = try #require(report["steps"] as? [[String: Any]])
            let stem = try #require(
                steps.first { ($0["name"] as? String ?? "").contains("stem") })
            #expect((stem["gflops"] as? Double ?? 0) > 0)
        }

        @Test func benchTimesTheNetworkAlone() throws {
            // 24x16 cells of 297 channels in, 112 out.
            let features = folder.path + "/features"
            let head = folder.path + "/head"
            let bytes = Data(repeating: 0, count: 24 * 16 * 297 * 4)
            #expect(FileManager.default.createFile(atPath: features, contents: bytes))
            let (code, output, errors) = try run(
                "bench", "--network-only", "--model", Paths.models + "/atrium", "--size", "96x64",
                "--frames", "3", "--features", features, "--head", head, "--json")
            #expect(code == 0, "\(errors)")
            let report = try object(output)
            #expect((report["network_ms_p50"] as? Double ?? 0) > 0)
            #expect(report["frame_ms_p50"] == nil)
            let written = try #require(FileManager.default.contents(atPath: head))
            #expect(written.count == 24 * 16 * 112 * 4)
            #expect(written.contains { $0 != 0 })

            let (refusedCode, _, refusedErrors) = try run(
                "bench", "--network-only", "--model", Paths.models + "/atrium", "--precision",
                "fp64")
            #expect(refusedCode != 0 && refusedErrors.contains("fp64"), "\(refusedErrors)")

            let (shortCode, _, shortErrors) = try run(
                "bench", "--network-only", "--model", Paths.models + "/atrium", "--size", "64x64",
                "--features", features)
            #expect(shortCode != 0)
            #expect(shortErrors.contains(features))
        }

        @Test func playSurvivesADaemonThatIsKilled() throws {
            let home = try TestFolder()
            var own = try Daemon(in: home)
            let program = try start([
                "play", clip, "--socket", own.framePath, "--loop", "12",
                "--ping-pong", "--json", "--out", folder.path + "/survived",
            ])
            while try own.stats().total.frames.rendered < 10 {
                try #require(program.exitStatus() == nil, "\(program.errors)")
            }
            own.program.kill()
            own = try Daemon(in: home)
            #expect(try program.waitForExit(seconds: 120) == 0, "\(program.errors)")
            let summary = try object(program.output)
            #expect((summary["resumes"] as? Int ?? 0) >= 1)
            #expect(summary["rendered"] as? Int == summary["sent"] as? Int)

            let (code, output, errors) = try run(
                "play", clip, "--socket", own.framePath, "--loop", "12",
                "--ping-pong", "--json", "--out", folder.path + "/quiet")
            #expect(code == 0, "\(errors)")
            // The last pass was rendered by another process, and yet nothing differs.
            let quiet = try object(output)
            #expect(quiet["psnr_last_pass"] as? Double == summary["psnr_last_pass"] as? Double)
            #expect(quiet["ssim_last_pass"] as? Double == summary["ssim_last_pass"] as? Double)
            #expect(picture("quiet", 2) == picture("survived", 2))
        }

        @Test func statsShowWhatIsGoingOn() throws {
            let size = FrameSize(width: 64, height: 64)
            let client = try EngineClient(daemon.framePath)
            try client.open(SyntheticFrame.open(size))
            _ = try client.render(1, SyntheticFrame(size, index: 0))

            let (code, output, _) = try run("stats", "--control", daemon.controlPath)
            #expect(code == 0 && output.contains("64x64"), "\(output)")
            let (_, json, _) = try run("stats", "--control", daemon.controlPath, "--json")
            let stats = try object(json)
            let sessions = try #require(stats["sessions"] as? [[String: Any]])
            #expect(sessions.contains { $0["client_name"] as? String == "tests" })
            let (_, list, _) = try run("sessions", "--control", daemon.controlPath)
            #expect(list.contains("tests") && list.contains("atrium"))
            let (_, models, _) = try run("models", "--control", daemon.controlPath)
            #expect(models.contains("atrium") && models.contains("loaded"))
        }

        @Test func healthIsAnExitCode() throws {
            #expect(try run("health", "--control", daemon.controlPath).0 == 0)
            let absent = folder.path + "/absent.sock"
            let (code, _, errors) = try run("health", "--control", absent)
            #expect(code == 1)
            #expect(errors.contains(absent))
        }

        @Test func playSaysWhatIsMissing() throws {
            let absent = folder.path + "/absent.sock"
            let (code, _, errors) = try run(
                "play", clip, "--socket", absent, "--frames", "1", "--no-pictures")
            #expect(code != 0)
            #expect(errors.contains(absent) && errors.contains("frameloomd"))

            let (clipCode, _, clipErrors) = try run(
                "play", folder.path + "/no-clip", "--socket", daemon.framePath)
            #expect(clipCode != 0)
            #expect(clipErrors.contains("no-clip"))
            try daemon.expectGoodService()
        }
    }
}
