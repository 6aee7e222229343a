// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import Foundation
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Starting and stopping, well and badly.
    @Suite(.timeLimit(.minutes(3))) struct Lifecycle {
        private let size = FrameSize(width: 64, height: 64)

        @Test func aSecondDaemonCannotStealTheSocket() throws {
            let first = try Daemon()
            let second = try Daemon(unready: [], in: first.folder)
            #expect(try second.program.waitForExit() != 0)
            #expect(second.program.output.contains(first.framePath))
            try first.expectGoodService()
        }

        @Test func staleSocketsAreReplaced() throws {
            let folder = try TestFolder()
            do {
                let killed = try Daemon(in: folder)
                killed.program.kill()
            }
            #expect(access(folder.path + "/frames.sock", F_OK) == 0)
            let daemon = try Daemon(in: folder)
            try daemon.expectGoodService()
        }

        @Test(arguments: [SIGTERM, SIGINT]) func endsCleanly(signal: Int32) throws {
            let daemon = try Daemon()
            try daemon.expectGoodService()
            daemon.program.signal(signal)
            #expect(try daemon.program.waitForExit() == 0)
            #expect(access(daemon.framePath, F_OK) != 0)
            #expect(access(daemon.controlPath, F_OK) != 0)
        }

        @Test func finishesAndSendsTheRunningFrameBeforeItEnds() throws {
            let daemon = try Daemon()
            // Large enough to be still rendering when the signal comes.
            let size = FrameSize(width: 1024, height: 1024)
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            var frame = SyntheticFrame(self.size, index: 0)
            frame.planes = [4, 3, 2, 1, 1].map {
                [UInt8](repeating: 130, count: size.pixelCount * $0)
            }
            try session.send(1, frame)
            var frames = try daemon.stats().total.frames
            while frames.rendering == 0, frames.rendered == 0 {
                frames = try daemon.stats().total.frames
            }
            #expect(frames.rendering == 1)
            daemon.program.signal(SIGTERM)
            let picture = try session.picture()
            #expect(picture.frameID == 1)
            #expect(picture.pixels.count == size.pixelCount * 4)
            #expect(try session.error().code == FL_ERROR_DRAINING)
            #expect(try session.isClosed())
            #expect(try daemon.program.waitForExit() == 0)
            #expect(access(daemon.framePath, F_OK) != 0)
        }

        @Test func servesASocketFromSystemd() throws {
            let folder = try TestFolder()
            let path = folder.path + "/frames.sock"
            let listening = try UnixSocket.listening(at: path)
            let daemon = try Daemon(
                unready: ["socket.path=\(folder.path)/unused.sock"], in: folder,
                // The process id is known only in the child.
                launcher: [
                    "/bin/sh", "-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"", "launcher",
                ], listening: listening)
            try daemon.waitUntilReady()
            try daemon.expectGoodService()
            #expect(access(folder.path + "/unused.sock", F_OK) != 0)
            daemon.program.signal(SIGTERM)
            #expect(try daemon.program.waitForExit() == 0)
            // It belongs to systemd, which listens on for the next daemon.
            #expect(access(path, F_OK) == 0)
        }

        @Test func servesBothSocketsFromSystemd() throws {
            let folder = try TestFolder()
            let daemon = try Daemon(
                unready: [
                    "socket.path=\(folder.path)/unused.sock",
                    "control.path=\(folder.path)/unused-control.sock",
                ], in: folder,
                // As the units do: it starts with the first connection, here that of the health check.
                launcher: [
                    "/usr/bin/systemd-socket-activate", "-l", folder.path + "/control.sock", "-l",
                    folder.path + "/frames.sock", "--fdname=control:frames",
                ])
            try daemon.waitUntilReady()
            try daemon.expectGoodService()
            #expect(access(folder.path + "/unused.sock", F_OK) != 0)
            #expect(access(folder.path + "/unused-control.sock", F_OK) != 0)
            daemon.program.signal(SIGTERM)
            #expect(try daemon.program.waitForExit() == 0)
            #expect(access(daemon.controlPath, F_OK) == 0)
        }

        @Test func tellsSystemdWhenItIsReady() throws {
            let folder = try TestFolder()
            let notify = try NotifySocket(at: folder.path + "/notify")
            let daemon = try Daemon(
                unready: [], in: folder,
                launcher: ["/usr/bin/env", "NOTIFY_SOCKET=\(folder.path)/notify"])
            try daemon.waitUntilReady()
            let ready = notify.messages().joined()
            #expect(ready.contains("READY=1") && ready.contains("serving atrium on 2 threads"))
            daemon.program.signal(SIGHUP)
            let end = ContinuousClock.now + .seconds(60)
            var heard = ""
            while !(heard.contains("RELOADING=1") && heard.contains("READY=1")),
                ContinuousClock.now < end
            {
                heard += notify.messages().joined(separator: "\n")
                usleep(10_000)
            }
            #expect(heard.contains("RELOADING=1") && heard.contains("MONOTONIC_USEC="))
            #expect(heard.contains("READY=1"))
            daemon.program.signal(SIGTERM)
            #expect(try daemon.program.waitForExit() == 0)
            #expect(notify.messages().contains { $0.contains("STOPPING=1") })
        }

        @Test(arguments: ["weights.safetensors", "model.json"])
        func saysWhichModelFileIsBroken(file: String) throws {
            let folder = try TestFolder()
            let models = folder.path + "/models"
            try FileManager.default.createDirectory(
                atPath: models, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: Paths.models + "/atrium", toPath: models + "/atrium")
            let broken = models + "/atrium/" + file
            try #require(truncate(broken, 700) == 0)
            let daemon = try Daemon(unready: ["models.folder=\(models)"], in: folder)
            #expect(try daemon.program.waitForExit() > 0)
            #expect(daemon.program.output.contains(file))
            #expect(access(daemon.framePath, F_OK) != 0)
        }

        @Test func aModelThatBreaksLaterHurtsNobody() throws {
            let folder = try TestFolder()
            let models = folder.path + "/models"
            try FileManager.default.createDirectory(
                atPath: models, withIntermediateDirectories: true)
            for name in ["atrium", "other"] {
                try FileManager.default.copyItem(
                    atPath: Paths.models + "/atrium", toPath: models + "/" + name)
            }
            try #require(truncate(models + "/other/weights.safetensors", 5000) == 0)
            let daemon = try Daemon(["models.folder=\(models)"], in: folder)
            // The served model's file is cut while it is in use.
            try #require(truncate(models + "/atrium/weights.safetensors", 100) == 0)
            let session = try RawSession(daemon)
            var open = SyntheticFrame.open(size)
            setText(&open.model, "other")
            try session.socket.send(.open(open))
            let error = try session.error()
            #expect(error.code == FL_ERROR_MODEL)
            #expect(text(error.text).contains("weights.safetensors"))
            try daemon.expectGoodService()
        }

        struct BadStart: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var settings: [String]
            var says: String
        }

        @Test(arguments: [
            BadStart(
                testDescription: "misspelt key", settings: ["limits.session=4"],
                says: "limits.sessions"),
            BadStart(
                testDescription: "not a number", settings: ["limits.sessions=many"],
                says: "limits.sessions"),
            BadStart(
                testDescription: "no such model", settings: ["models.default=nothing"],
                says: "nothing"),
            BadStart(
                testDescription: "path too long",
                settings: ["socket.path=/tmp/" + String(repeating: "a", count: 120)],
                says: "107"),
        ])
        func refusesToStart(_ start: BadStart) throws {
            let daemon = try Daemon(unready: start.settings)
            #expect(try daemon.program.waitForExit() > 0)
            #expect(daemon.program.output.contains(start.says), "\(daemon.program.output)")
        }

        @Test func saysAllThatIsWrongAndWhereValuesCameFrom() throws {
            let folder = try TestFolder()
            let file = folder.path + "/test.toml"
            try "[limits]\nsesions = 1\nviewers = \"two\"\n"
                .write(toFile: file, atomically: true, encoding: .utf8)
            func run(_ arguments: [String]) throws -> (Int32, String) {
                let program = try RunningProgram(
                    [Paths.program("frameloomd"), "--config", file] + arguments,
                    output: folder.path + "/log-\(UInt32.random(in: 0 ... .max))")
                return (try program.waitForExit(), program.output)
            }
            let (wrongCode, wrong) = try run(["--set", "log.levl=info", "--check-config"])
            #expect(wrongCode == 1)
            for text in [
                "\(file), line 2: ", "'limits.sessions'", "\(file), line 3: ", "'log.level'",
            ] {
                #expect(wrong.contains(text), "\(wrong)")
            }
            try "[limits]\nviewers = 2\n".write(toFile: file, atomically: true, encoding: .utf8)
            let (code, shown) = try run([
                "--set", "models.folder=\(Paths.models)", "--print-config",
            ])
            #expect(code == 0)
            let lines = shown.split(separator: "\n")
            #expect(
                lines.contains {
                    $0.contains("limits.viewers = 2 ") && $0.hasSuffix("\(file), line 2")
                })
            #expect(
                lines.contains { $0.hasPrefix("models.folder") && $0.hasSuffix("# command line") })
            #expect(
                lines.contains { $0.hasPrefix("limits.sessions") && $0.hasSuffix("# default") })

            // What a start would meet beyond the values.
            let models = folder.path + "/models"
            try FileManager.default.createDirectory(
                atPath: models + "/atrium", withIntermediateDirectories: true)
            let (emptyCode, empty) = try run([
                "--set", "models.folder=\(models)", "--set", "socket.path=\(file)/x/frames.sock",
                "--check-config",
            ])
            #expect(emptyCode == 1)
            #expect(empty.contains("models.default") && empty.contains("socket.path"), "\(empty)")
        }

        @Test func readsItsConfigurationFile() throws {
            let folder = try TestFolder()
            let file = folder.path + "/test.toml"
            try "[limits]\nsessions = 1\n".write(toFile: file, atomically: true, encoding: .utf8)
            let program = try RunningProgram(
                [
                    Paths.program("frameloomd"), "--config", file, "--set", "limits.idle_seconds=7",
                    "--check-config",
                ], output: folder.path + "/log")
            #expect(try program.waitForExit() == 0)
            #expect(program.output.contains("7"))
            try "[limits]\nsesions = 1\n".write(toFile: file, atomically: true, encoding: .utf8)
            let wrong = try RunningProgram(
                [Paths.program("frameloomd"), "--config", file, "--check-config"],
                output: folder.path + "/wrong")
            #expect(try wrong.waitForExit() > 0)
            #expect(wrong.output.contains("limits.sessions"))
        }
    }
}

/// What systemd would hear.
final class NotifySocket: Sendable {
    private let descriptor: Int32

    init(at path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        setText(&address.sun_path, path)
        let status = withUnsafeBytes(of: &address) {
            bind(
                descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_un>.size))
        }
        guard status == 0 else { throw TestFailure("bind: \(errno)") }
    }

    deinit { close(descriptor) }

    /// Those that have arrived.
    func messages() -> [String] {
        var found: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count >= 0 else { return found }
            found.append(String(decoding: buffer.prefix(count), as: UTF8.self))
        }
    }
}
