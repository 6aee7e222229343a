// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Who may look and who may change, by what the kernel says of the peer.
    @Suite(.timeLimit(.minutes(3))) struct Permissions {
        private static let nobody: UInt32 = 65_534

        private func daemon(_ settings: [String]) throws -> Daemon {
            let folder = try TestFolder()
            // Others reach the socket.
            chmod(folder.path, 0o711)
            return try Daemon(["control.mode=0666"] + settings, in: folder)
        }

        /// - Returns: exit code, what was printed.
        private func asNobody(
            _ groups: String, _ daemon: Daemon, _ arguments: [String]
        ) throws -> (Int32, String) {
            let name = daemon.folder.path + "/run-\(UInt32.random(in: 0 ... .max))"
            let program = try RunningProgram(
                [
                    "/usr/bin/setpriv", "--reuid", "\(Self.nobody)", "--regid", "\(Self.nobody)",
                    groups.isEmpty ? "--clear-groups" : "--groups=\(groups)",
                    Paths.program("frameloom"),
                ] + arguments + ["--control", daemon.controlPath], output: name)
            return (try program.waitForExit(), program.output)
        }

        @Test(.enabled(if: geteuid() == 0, "only root can be somebody else"))
        func whoMayLookMayNotChange() throws {
            let daemon = try daemon([])
            let session = try RawSession(
                daemon, SyntheticFrame.open(FrameSize(width: 64, height: 64)))
            #expect(try asNobody("", daemon, ["health"]).0 == 0)
            #expect(try asNobody("", daemon, ["sessions"]).1.contains("tests"))
            for order in [["kick", "1"], ["reload"], ["drain"], ["log-level", "debug"]] {
                let (code, output) = try asNobody("", daemon, order)
                #expect(code == 1 && output.contains("control.change"), "\(output)")
            }
            #expect(try daemon.stats().daemon.sessionsOpen == 1)
            withExtendedLifetime(session) {}
        }

        @Test(
            .enabled(if: geteuid() == 0, "only root can be somebody else"),
            arguments: ["\(Permissions.nobody)", " @12345 ,@0", "@\(Permissions.nobody)"])
        func whomTheConfigurationNamesMayChange(list: String) throws {
            let daemon = try daemon(["control.change=\(list)"])
            let groups = list.contains("12345") ? "12345" : ""
            let (code, output) = try asNobody(groups, daemon, ["log-level", "debug"])
            #expect(code == 0 && output.contains("debug"), "\(output)")
            // A group that it is not in.
            if !groups.isEmpty {
                #expect(try asNobody("", daemon, ["log-level", "info"]).0 == 1)
            }
            _ = try asNobody(groups, daemon, ["drain"])
            #expect(try daemon.program.waitForExit() == 0)
        }

        /// A session's picture is its user's.
        @Test(
            .enabled(if: geteuid() == 0, "only root can be somebody else"),
            arguments: ["", "\(Permissions.nobody)"])
        func whoMayLookMayNotSeeOthersPictures(list: String) throws {
            let size = FrameSize(width: 64, height: 64)
            let daemon = try daemon(["control.watch=\(list)", "socket.mode=0666"])
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            _ = try session.render(1, SyntheticFrame(size, index: 0))
            for words in [
                ["view", "1", "--out", "-", "--frames", "1"], ["snapshot", "1", "/dev/null"],
            ] {
                guard list.isEmpty else { continue }
                let (code, output) = try asNobody("", daemon, words)
                #expect(code == 1 && output.contains("control.watch"), "\(output)")
            }
            guard !list.isEmpty else { return }
            let viewer = try RunningProgram(
                [
                    "/usr/bin/setpriv", "--reuid", list, "--regid", list, "--clear-groups",
                    Paths.program("frameloom"), "view", "1", "--out", "-", "--frames", "1",
                    "--control", daemon.controlPath,
                ], output: daemon.folder.path + "/viewer")
            var frame: UInt64 = 2
            while viewer.exitStatus() == nil, frame < 2000 {
                _ = try session.render(frame, SyntheticFrame(size, index: 0))
                frame += 1
                usleep(10_000)
            }
            #expect(try viewer.waitForExit() == 0)
        }

        @Test func anUnknownNameIsAnErrorOfTheConfiguration() throws {
            let daemon = try Daemon(unready: ["control.change=no-such-user, @no-such-group"])
            #expect(try daemon.program.waitForExit() == 1)
            #expect(daemon.program.output.contains("control.change"))
        }
    }
}
