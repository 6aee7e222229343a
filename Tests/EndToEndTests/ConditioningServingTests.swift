// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import Foundation
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Sessions that ask for their own scales of a diffusion model's conditioning.
    @Suite(.timeLimit(.minutes(3))) struct ConditioningServing {
        private let size = FrameSize(width: 64, height: 64)
        private let folder: TestFolder
        private let apart, stated: ChangedModel
        private let daemon: Daemon

        init() throws {
            folder = try TestFolder()
            apart = try ChangedModel([ChangedModel.keepsApart])
            stated = try ChangedModel(ChangedModel.scales(control: "0.5", adapter: "0.75"))
            for (name, target) in [
                ("atrium", "\(Paths.models)/atrium"), ("merged", ChangedModel.source),
                ("apart", apart.path), ("stated", stated.path),
            ] {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(folder.path)/\(name)", withDestinationPath: target)
            }
            daemon = try Daemon(["models.folder=\(folder.path)"])
        }

        private func open(_ model: String, _ control: UInt16 = 0, _ adapter: UInt16 = 0) -> fl_open
        {
            var open = SyntheticFrame.open(size)
            setText(&open.model, model)
            open.control_scale = control
            open.adapter_scale = adapter
            return open
        }

        private func frame(_ id: UInt64) -> SyntheticFrame { SyntheticFrame(size, index: Int(id)) }

        /// Two frames of a session alone.
        private func pictures(_ open: fl_open) throws -> [[UInt8]] {
            let client = try EngineClient(daemon.framePath)
            try client.open(open)
            let pictures = try (UInt64(1)...2).map { try client.render($0, frame($0)) }
            try client.finish()
            return pictures
        }

        @Test func sessionsGetTheScalesTheyAskFor() throws {
            let wishes = [open("apart", 500, 750), open("apart", 2000), open("apart")]
            let alone = try wishes.map(pictures)
            #expect(Set(alone).count == wishes.count)
            #expect(try alone[0] == pictures(open("stated")))

            let clients = try wishes.map { wish in
                let client = try EngineClient(daemon.framePath)
                try client.open(wish)
                return client
            }
            let sessions = try daemon.stats().sessions
            #expect(sessions.map(\.controlScale) == [0.5, 2, nil])
            #expect(sessions.map(\.adapterScale) == [0.75, nil, nil])
            var together: [[[UInt8]]] = Array(repeating: [], count: clients.count)
            for id in UInt64(1)...2 {
                for client in clients { try client.send(id, frame(id)) }
                for (index, client) in clients.enumerated() {
                    together[index].append(try client.wait().pixels)
                }
            }
            #expect(together == alone)
        }

        @Test func scalesLastThroughResumeAndChangeByReconfigure() throws {
            let expected = try pictures(open("apart", 500, 750))
            let client = try EngineClient(daemon.framePath)
            try client.open(open("apart", 500, 750))
            #expect(try client.render(1, frame(1)) == expected[0])
            shutdown(fc_fd(client.handle), Int32(SHUT_RDWR))
            #expect(try client.resume().history == FL_HISTORY_RESUMED)
            #expect(try client.render(2, frame(2)) == expected[1])

            let other = try EngineClient(daemon.framePath)
            try other.open(open("apart"))
            #expect(try other.render(1, frame(1)) != expected[0])
            try other.reconfigure(open("apart", 500, 750), keepHistory: false)
            #expect(try other.render(2, frame(1)) != other.render(3, frame(1)))
            #expect(try daemon.stats().sessions.last?.controlScale == 0.5)
        }

        private func run(_ arguments: [String]) throws -> (code: Int32, output: String) {
            let name = folder.path + "/run-\(UInt32.random(in: 0 ... .max))"
            let program = try RunningProgram(
                [Paths.program("frameloom")] + arguments, output: name, errors: name + ".errors")
            let code = try program.waitForExit(seconds: 120)
            return (code, program.output + program.errors)
        }

        @Test func playAndRenderPassThemOn() throws {
            let clip = folder.path + "/clip"
            try SmallClip.write(to: clip, frames: 1)
            func picture(_ command: String, _ options: [String]) throws -> Data? {
                let out = folder.path + "/out-\(UInt32.random(in: 0 ... .max))"
                let (code, output) = try run(
                    [command, clip, "--model", "apart", "--out", out] + options)
                #expect(code == 0, "\(output)")
                return FileManager.default.contents(atPath: "\(out)/Rendered_0000.png")
            }
            let scales = ["--control-scale", "0.4", "--adapter-scale", "1.25"]
            let played = try picture("play", ["--socket", daemon.framePath] + scales)
            let rendered = try picture("render", ["--models", folder.path] + scales)
            #expect(played != nil && played == rendered)
            #expect(try played != picture("play", ["--socket", daemon.framePath]))

            for option in ["--control-scale", "--adapter-scale"] {
                for value in ["0", "4.1", "-1", "nan"] {
                    let (code, output) = try run(["play", clip, "\(option)=\(value)"])
                    #expect(code != 0 && output.contains("\(option) is 0.001 to 4"), "\(output)")
                }
            }
            let (code, output) = try run(
                ["render", clip, "--models", folder.path, "--model", "merged"] + scales)
            #expect(code != 0 && output.contains("scales.loraPerSession"), "\(output)")
        }

        @Test func refusalsNameFieldAndNumber() throws {
            let cases: [(open: fl_open, code: UInt32, field: String, value: Double, word: String)] =
                [
                    (open("apart", 4001), FL_ERROR_VALUE, "control_scale", 4001, "4000"),
                    (open("apart", 0, 65535), FL_ERROR_VALUE, "adapter_scale", 65535, "4000"),
                    (open("atrium", 500), FL_ERROR_MODEL, "control_scale", 500, "compact"),
                    (open("atrium", 0, 1), FL_ERROR_MODEL, "adapter_scale", 1, "compact"),
                    (
                        open("merged", 500, 750), FL_ERROR_MODEL, "adapter_scale", 750,
                        "scales.loraPerSession"
                    ),
                ]
            for refused in cases {
                let session = try RawSession(daemon)
                try session.socket.send(.open(refused.open))
                let error = try session.error()
                #expect(error.code == refused.code && text(error.field) == refused.field)
                #expect(error.value == refused.value)
                #expect(error.limit == (refused.code == FL_ERROR_VALUE ? 4000 : 0))
                #expect(text(error.text).contains(refused.word), "\(text(error.text))")
                #expect(try session.isClosed())
            }
            // The ControlNet's scale has no condition.
            _ = try pictures(open("merged", 500))
            try daemon.expectGoodService()
        }
    }
}
