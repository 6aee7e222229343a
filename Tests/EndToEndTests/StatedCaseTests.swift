// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes
import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// What a person states about a clip, a configuration or an output is honoured, or refused in
    /// words: the programs as they are typed.
    @Suite(.daemon(), .timeLimit(.minutes(10))) struct StatedCases {
        private let daemon = SharedDaemon.current!
        private let folder: TestFolder
        private var clip: String { folder.path + "/clip" }
        private let models = ["--models", PackageFolder.root + "/Models"]

        init() throws {
            folder = try TestFolder()
            try SmallClip.write(to: folder.path + "/clip", frames: 2)
        }

        private func run(
            _ arguments: [String], of program: String = "frameloom", output: String? = nil
        ) throws -> (code: Int32, output: String, errors: String) {
            let name = folder.path + "/run-\(UInt32.random(in: 0 ... .max))"
            let program = try RunningProgram(
                [Paths.program(program)] + arguments, output: output ?? name,
                errors: name + ".errors")
            let code = try program.waitForExit(seconds: 200)
            return (code, output == nil ? program.output : "", program.errors)
        }

        private func render(_ out: String, _ options: [String]) throws -> (String, [[UInt8]]) {
            let path = folder.path + "/" + out
            let (code, output, errors) = try run(
                ["render", clip, "--out", path, "--precision", "fp32"] + models + options)
            try #require(code == 0, "\(errors)")
            return (
                output + errors,
                try (0..<2).map { try PNGImage(readingFrom: "\(path)/Rendered_000\($0).png").bytes }
            )
        }

        private func edit(_ change: (inout [String: Any]) -> Void) throws {
            let url = URL(filePath: clip + "/camera.json")
            var file = try #require(
                JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
            change(&file)
            try JSONSerialization.data(withJSONObject: file).write(to: url)
        }

        /// A strip of depth at the largest number, as data sets have it behind windows.
        private func addWhiteStrip() throws {
            for frame in 0..<2 {
                let path = "\(clip)/Depth/Depth_000\(frame).png"
                var image = try PNGImage(readingFrom: path)
                for index in 0..<image.size.width * 20 * 2 { image.bytes[index] = 0xFF }
                try FileManager.default.removeItem(atPath: path)
                try image.write(to: path)
            }
        }

        @Test func anOptionWinsOverWhatCameraJSONStatesAndIsSaid() throws {
            try addWhiteStrip()
            try edit {
                $0["frames"] = ($0["frames"] as? [[String: Any]])?.map { camera in
                    var camera = camera
                    camera["far"] = 300.0
                    return camera
                }
            }
            let (wall, withWall) = try render("wall", [])
            #expect(!wall.contains("taken as sky"))
            let (said, withSky) = try render("sky", ["--depth-far", "160"])
            #expect(withSky != withWall)
            #expect(said.contains("taken as sky"), "\(said)")
            // The same as a file that states it.
            try edit {
                $0["frames"] = ($0["frames"] as? [[String: Any]])?.map { camera in
                    var camera = camera
                    camera["far"] = 160.0
                    return camera
                }
            }
            #expect(try render("stated", []).1 == withSky)
        }

        @Test func aNameThatIsNoUTF8IsNamed() throws {
            // "Straße" in Latin-1.
            var name =
                Array((clip + "/BaseColor/Stra").utf8) + [0xDF] + Array("e_0000.png".utf8) + [0]
            let from = clip + "/BaseColor/BaseColor_0000.png"
            let code = name.withUnsafeMutableBytes {
                rename(from, $0.bindMemory(to: CChar.self).baseAddress!)
            }
            try #require(code == 0)
            let (status, _, errors) = try run(
                ["render", clip, "--no-pictures"] + models)
            #expect(status == 1)
            #expect(errors.contains("the name of Stra\\xdfe_0000.png is not UTF-8"), "\(errors)")
        }

        @Test func aSummaryThatCannotBeWrittenIsAnError() throws {
            for words in [["--json"], []] {
                let (code, _, errors) = try run(
                    ["render", clip, "--no-pictures"] + models + words, output: "/dev/full")
                #expect(code != 0)
                #expect(errors.contains("cannot write to standard output"), "\(errors)")
            }
        }

        @Test func aSocketPathThatCannotBeBoundFailsTheCheckToo() throws {
            let path = "/tmp/" + String(repeating: "x", count: 112) + "/f.sock"
            for check in [["--check-config"], []] {
                let (code, _, errors) = try run(
                    check + [
                        "--set", "socket.path=\(path)", "--set",
                        "models.folder=\(PackageFolder.root)/Models",
                    ], of: "frameloomd")
                #expect(code == 1)
                #expect(
                    errors.contains("socket.path") && errors.contains("bytes, at most"), "\(errors)"
                )
            }
        }

        /// Everything a hundred times too far: nothing moves where the pictures do.
        @Test func aDepthScaleThatDoesNotFitTheCamerasIsDoubted() throws {
            try edit { file in
                var encodings = file["encodings"] as? [String: Any] ?? [:]
                var depth = encodings["depth"] as? [String: Any] ?? [:]
                depth["unitsPerMetre"] = 4.0
                encodings["depth"] = depth
                file["encodings"] = encodings
            }
            let (code, output, errors) = try run(
                ["render", clip, "--no-pictures"] + models)
            #expect(code == 0)
            #expect(output.contains("Doctor") || output.contains("Doubt"), "\(output) \(errors)")
        }

        @Test func swappedSocketsAreNamed() throws {
            for request in ["stats", "sessions", "health"] {
                let (code, _, errors) = try run([request, "--control", daemon.framePath])
                #expect(code != 0)
                #expect(
                    errors.contains("is the daemon's frame socket, for --socket of play"),
                    "\(errors)")
            }
            let (code, _, errors) = try run(["play", clip, "--socket", daemon.controlPath])
            #expect(code != 0)
            #expect(
                errors.contains("is the daemon's control socket, for --control of stats"),
                "\(errors)")
        }

        /// Blender's background, 1e10, and the largest half beside nothing stated.
        @Test func aBackgroundFarAwayIsSkyAndSaid() throws {
            try addWhiteStrip()
            try edit { file in
                file["frames"] = (file["frames"] as? [[String: Any]])?.map { camera in
                    var camera = camera
                    camera["far"] = 0.0
                    return camera
                }
                file["encodings"] = ["depth": ["unitsPerMetre": 0.01]]
            }
            let (code, output, errors) = try run(["render", clip, "--no-pictures"] + models)
            #expect(code == 0, "\(errors)")
            #expect(output.contains("farther than this model knows surfaces"), "\(output)")
        }
    }
}
