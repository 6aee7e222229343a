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
    /// What an operator does to a daemon that serves: reload, drain, kick.
    @Suite(.timeLimit(.minutes(5))) struct Operating {
        private let size = FrameSize(width: 64, height: 64)
        private let folder: TestFolder
        private var models: String { folder.path + "/models" }
        private var file: String { folder.path + "/frameloomd.toml" }

        init() throws {
            folder = try TestFolder()
            try FileManager.default.createDirectory(
                atPath: folder.path + "/models", withIntermediateDirectories: true)
        }

        private func writeModel(
            _ name: String, seed: UInt64 = 3, version: String = "1", channels: [Int] = [24, 16]
        ) throws {
            var model = ModelFolder(
                seed: seed, channels: channels, path: "\(models)/\(name)")
            model.name = name
            try model.write()
            try state(["version": version], of: name)
        }

        /// Changes members of a model.json.
        private func state(_ members: [String: Any], of name: String) throws {
            let file = URL(filePath: "\(models)/\(name)/model.json")
            let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
            var root = try #require(json as? [String: Any])
            root.merge(members) { $1 }
            try JSONSerialization.data(withJSONObject: root).write(to: file)
        }

        private func write(_ text: String) throws {
            try text.write(toFile: file, atomically: true, encoding: .utf8)
        }

        /// Of a configuration file and a folder of small models.
        private func start(_ configuration: String) throws -> Daemon {
            try write(configuration)
            return try Daemon(
                ["models.folder=\(models)", "models.default=first"], configuration: file)
        }

        private func reload(_ daemon: Daemon) throws -> String {
            guard
                case .done(let done) = try ControlClient(
                    path: daemon.controlPath, timeoutMilliseconds: 60_000
                ).ask(ControlCall(.reload))
            else { throw TestFailure("no report") }
            return done.texts.joined(separator: "\n")
        }

        private func refusal(_ daemon: Daemon) throws -> UInt32 {
            let session = try RawSession(daemon)
            try session.socket.send(.open(SyntheticFrame.open(size)))
            return try session.error().code
        }

        @Test func newLimitsHoldForNewSessions() throws {
            try writeModel("first")
            let daemon = try start("[limits]\nsessions = 1\n")
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            #expect(try refusal(daemon) == FL_ERROR_LIMIT_SESSIONS)
            try write("[limits]\nsessions = 2\nidle_seconds = 77\n[render]\nthreads = 1\n")
            let words = try reload(daemon)
            #expect(words.contains("limits.sessions is 2"), "\(words)")
            #expect(words.contains("limits.idle_seconds is 77"), "\(words)")
            // The command line set it, and the file cannot.
            #expect(!words.contains("render.threads"), "\(words)")
            let second = try RawSession(daemon, SyntheticFrame.open(size))
            #expect(try session.render(1, SyntheticFrame(size, index: 0)).frameID == 1)
            #expect(try second.render(1, SyntheticFrame(size, index: 0)).frameID == 1)
            // Only a new start changes these, which is said.
            try write("[limits]\nsessions = 2\nidle_seconds = 77\ncontrol_connections = 9\n")
            #expect(
                try reload(daemon).contains("only a new start changes limits.control_connections"))
        }

        /// What is loaded and not in use is read anew when it is asked for.
        @Test func reloadForgetsModelsThatNobodyUses() throws {
            for name in ["first", "second"] { try writeModel(name, version: "1") }
            let daemon = try start("")
            func version() throws -> String {
                let session = try EngineClient(daemon.framePath)
                var open = SyntheticFrame.open(size)
                setText(&open.model, "second")
                return text(try session.open(open).model_version)
            }
            #expect(try version() == "1")
            try writeModel("second", seed: 5, version: "2")
            #expect(try version() == "1")
            _ = try reload(daemon)
            #expect(try version() == "2")
        }

        @Test func theNumberOfViewersIsReloaded() throws {
            try writeModel("first")
            let daemon = try start("[limits]\nviewers = 0\n")
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            _ = try session.render(1, SyntheticFrame(size, index: 0))
            let client = ControlClient(path: daemon.controlPath)
            guard case .sessions(let open) = try client.ask(.sessions), open.count == 1 else {
                throw TestFailure("not one session")
            }
            let number = open[0].id
            #expect(throws: ControlError.self) {
                try client.watch(WatchRequest(session: number, fps: 1))
            }
            try write("[limits]\nviewers = 2\n")
            #expect(try reload(daemon).contains("limits.viewers is 2"))
            _ = try client.watch(WatchRequest(session: number, fps: 1))
        }

        /// Every value that is wrong, with its place.
        @Test func everyValueThatCannotBeIsToldWithItsLine() throws {
            try writeModel("first")
            let daemon = try start("")
            try write("[limits]\nsessions = 0\n[socket]\nowner = \"nobody-here\"\n")
            let error = #expect(throws: ControlError.self) { try reload(daemon) }
            let words = "\(error.map { "\($0)" } ?? "")"
            #expect(words.contains("line 2: 'limits.sessions' is 0"), "\(words)")
            #expect(words.contains("line 4: 'socket.owner' is 'nobody-here'"), "\(words)")
        }

        @Test func aBrokenFileChangesNothingAndIsTold() throws {
            try writeModel("first")
            let daemon = try start("[limits]\nsessions = 1\n")
            try write("[limits]\nsessions = 5\nsesions = 2\n")
            let error = #expect(throws: ControlError.self) { try reload(daemon) }
            #expect("\(error.map { "\($0)" } ?? "")".contains("limits.sessions"))
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            #expect(try refusal(daemon) == FL_ERROR_LIMIT_SESSIONS)
            #expect(try session.render(1, SyntheticFrame(size, index: 0)).frameID == 1)
        }

        @Test func hangupReloads() throws {
            try writeModel("first")
            let daemon = try start("[limits]\nsessions = 1\n")
            try write("[limits]\nsessions = 2\n")
            daemon.program.signal(SIGHUP)
            let end = ContinuousClock.now + .seconds(30)
            while !daemon.program.output.contains("reloaded") {
                try #require(ContinuousClock.now < end, "\(daemon.program.output)")
                usleep(20_000)
            }
            let sessions = try (0..<2).map { _ in
                try RawSession(daemon, SyntheticFrame.open(size))
            }
            #expect(try sessions[1].render(1, SyntheticFrame(size, index: 0)).frameID == 1)
        }

        @Test func openSessionsKeepTheirVersionOfAModelUntilTheyAreCut() throws {
            try writeModel("first", seed: 3, version: "1")
            let daemon = try start("")
            func frame(_ index: Int) -> SyntheticFrame { SyntheticFrame(size, index: index) }
            let sessions = try (0..<4).map { _ in
                try RawSession(daemon, SyntheticFrame.open(size))
            }
            var before: [[UInt8]] = []
            for session in sessions { before.append(try session.render(1, frame(0)).pixels) }
            let next = try sessions[0].render(2, frame(1)).pixels
            try writeModel("first", seed: 4, version: "2")
            let words = try reload(daemon)
            #expect(words.contains("model first is version 2"), "\(words)")
            let new = try RawSession(daemon)
            #expect(text(try new.open(SyntheticFrame.open(size)).model_version) == "2")
            let after = try new.render(1, frame(0)).pixels
            #expect(before[0] != after, "two models that render alike prove nothing")
            // As if nothing had happened.
            for session in sessions.dropFirst() {
                #expect(try session.render(2, frame(1)).pixels == next)
            }
            #expect(try versions(daemon) == ["1": 4, "2": 1])
            // Three kinds of a new start, each with the new version from its first frame on.
            let cut = try sessions[1].render(3, frame(0), flags: FL_FRAME_RESET)
            #expect(cut.pixels == after)
            #expect(!cut.usedHistory)
            try sessions[2].socket.send(WireMessage(FL_RESET))
            #expect(try sessions[2].render(3, frame(0)).pixels == after)
            try sessions[3].socket.send(
                .reconfigure(SyntheticFrame.open(size), keepHistory: false))
            #expect(text(try sessions[3].opened().model_version) == "2")
            #expect(try sessions[3].render(3, frame(0)).pixels == after)
            #expect(try versions(daemon) == ["1": 1, "2": 4])
            // The old version goes with its last session.
            #expect(
                try sessions[0].render(3, frame(0), flags: FL_FRAME_RESET).pixels == after)
            #expect(try versions(daemon) == ["2": 5])
        }

        private func versions(_ daemon: Daemon) throws -> [String: Int] {
            try daemon.stats().sessions.reduce(into: [:]) { $0[$1.modelVersion, default: 0] += 1 }
        }

        @Test func aBrokenModelChangesNothingAndIsTold() throws {
            try writeModel("first", seed: 3, version: "1")
            let daemon = try start("")
            let before = try picture(of: daemon)
            try writeModel("first", seed: 4, version: "2")
            try #require(truncate(models + "/first/weights.safetensors", 500) == 0)
            let error = #expect(throws: ControlError.self) { try reload(daemon) }
            #expect("\(error.map { "\($0)" } ?? "")".contains("weights.safetensors"))
            #expect(try picture(of: daemon) == before)
        }

        private func picture(of daemon: Daemon, model: String = "first") throws -> [UInt8] {
            let client = try EngineClient(daemon.framePath)
            var open = SyntheticFrame.open(size)
            setText(&open.model, model)
            try client.open(open)
            return try client.render(1, SyntheticFrame(size, index: 0))
        }

        @Test func kickEndsOneSessionOrAllOfAUser() throws {
            try writeModel("first")
            let daemon = try start("")
            let sessions = try (0..<3).map { _ in
                try RawSession(daemon, SyntheticFrame.open(size))
            }
            let ids = try daemon.stats().sessions.map(\.id).sorted()
            let control = ControlClient(path: daemon.controlPath, timeoutMilliseconds: 20_000)
            _ = try control.ask(ControlCall(.kick, target: .session(ids[1])))
            let error = try sessions[1].error()
            #expect(error.code == FL_ERROR_DRAINING)
            #expect(text(error.text).contains("operator"))
            #expect(try sessions[1].isClosed())
            #expect(try sessions[0].render(1, SyntheticFrame(size, index: 0)).frameID == 1)
            #expect(throws: ControlError.self) {
                try control.ask(ControlCall(.kick, target: .session(ids[1])))
            }
            _ = try control.ask(ControlCall(.kick, target: .user(getuid())))
            #expect(try sessions[0].error().code == FL_ERROR_DRAINING)
            #expect(try sessions[2].error().code == FL_ERROR_DRAINING)
            try daemon.waitUntilUnused()
        }

        @Test func drainEndsTheDaemonAfterWhatIsUnderWay() throws {
            try writeModel("first")
            let daemon = try start("")
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            _ = try session.render(1, SyntheticFrame(size, index: 0))
            _ = try ControlClient(path: daemon.controlPath, timeoutMilliseconds: 20_000)
                .ask(ControlCall(.drain))
            #expect(try session.error().code == FL_ERROR_DRAINING)
            #expect(try daemon.program.waitForExit() == 0)
        }

        /// Forty models that nobody uses must not keep anybody out, nor stay for ever.
        @Test func modelsWithoutSessionsGiveWay() throws {
            let names = (0..<12).map { "m\($0)" }
            try writeModel("first", channels: [128, 128])
            for name in names {
                try FileManager.default.copyItem(
                    atPath: "\(models)/first", toPath: "\(models)/\(name)")
                try state(["name": name], of: name)
            }
            // One takes 9 to 20 MiB, as its weights are packed: room for some of them.
            let mebibytes = 100
            let daemon = try start(
                "[limits]\nmemory_mib = \(mebibytes)\nmemory_per_session_mib = 20\n")
            for name in names { _ = try picture(of: daemon, model: name) }
            guard case .models(let reports) = try daemon.ask(.models) else {
                throw TestFailure("no models")
            }
            let loaded = reports.filter { $0.state == .loaded }.map(\.name)
            #expect(loaded.contains("first"), "the default one stays: \(loaded)")
            let daemonReport = try daemon.stats().daemon
            #expect(daemonReport.memoryPlannedBytes <= UInt64(mebibytes) << 20)
            // One in use stays; its folder may go.
            let client = try EngineClient(daemon.framePath)
            var open = SyntheticFrame.open(size)
            setText(&open.model, "m3")
            try client.open(open)
            try FileManager.default.removeItem(atPath: models + "/m3")
            for name in names.suffix(4) { _ = try picture(of: daemon, model: name) }
            _ = try client.render(1, SyntheticFrame(size, index: 0))
            guard case .models(let later) = try daemon.ask(.models) else {
                throw TestFailure("no models")
            }
            #expect(later.first { $0.name == "m3" }?.sessions == 1)
        }
    }
}
