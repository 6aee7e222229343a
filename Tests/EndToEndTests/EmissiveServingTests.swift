// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import Foundation
import FrameClip
import FrameControl
import FrameTypes
import NeuralOps
import TestSupport
import Testing

extension EndToEnd {
    /// Models that read the emissive plane and the place grid beside two that refuse the plane.
    @Suite(.timeLimit(.minutes(5))) struct EmissiveServing {
        private let folder: TestFolder
        private let daemon: Daemon
        private let size = FrameSize(width: 96, height: 64)

        init() throws {
            folder = try TestFolder()
            for (name, target) in [
                ("atrium", "\(Paths.models)/atrium"),
                ("small", PackageFolder.goldens + "/framediffuser/model"),
            ] {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(folder.path)/\(name)", withDestinationPath: target)
            }
            let grid = PlaceGridSettings(
                rows: [128, 256], cellSides: [0.5, 0.25], fineLevels: 1,
                boundsMin: SIMD3(-8, -8, -8), boundsMax: SIMD3(8, 8, 8), normalOffset: 0.05)
            for (name, readsEmissive) in [("lamps", true), ("dark", false)] {
                var model = ModelFolder(placeGrid: grid, path: "\(folder.path)/\(name)")
                model.name = name
                model.readsEmissive = readsEmissive
                try model.write()
            }
            daemon = try Daemon(["models.folder=\(folder.path)"])
        }

        private func open(_ model: String, _ format: UInt32?, rowStride: Int = 0) -> fl_open {
            var open = SyntheticFrame.open(size)
            setText(&open.model, model)
            var planes: [(kind: UInt32, format: UInt32, rowStride: Int)] = [
                (FL_BASE_COLOR, FL_RGBA8_SRGB, 0), (FL_NORMALS, FL_RGB8_UNORM, 0),
                (FL_DEPTH, FL_R16, 0), (FL_ROUGHNESS, FL_R8, 0), (FL_METALLIC, FL_R8, 0),
            ]
            if let format { planes.append((FL_EMISSIVE, format, rowStride)) }
            SyntheticFrame.setPlanes(&open, planes)
            return open
        }

        private func isLamp(_ x: Int, _ y: Int) -> Bool { (40..<56).contains(x) && y < 32 }

        /// A white lamp in the middle.
        private func frame(_ index: Int, _ format: UInt32?, rowStride: Int = 0) -> SyntheticFrame {
            var frame = SyntheticFrame(size, index: index)
            guard let format else { return frame }
            var plane: [UInt8] = []
            for y in 0..<size.height {
                let start = plane.count
                for x in 0..<size.width {
                    let isOn = isLamp(x, y)
                    if format == FL_RGBA16F {
                        plane += (0..<4).flatMap { _ in isOn ? [UInt8(0), 0x3C] : [0, 0] }
                    } else {
                        plane += [UInt8](repeating: isOn ? 255 : 0, count: 4)
                    }
                }
                plane += [UInt8](repeating: 9, count: max(0, rowStride - (plane.count - start)))
            }
            frame.planes.append(plane)
            return frame
        }

        private func pictures(
            _ format: UInt32?, frames: Int = 2, rowStride: Int = 0
        ) throws -> [[UInt8]] {
            let client = try EngineClient(daemon.framePath)
            try client.open(open("lamps", format, rowStride: rowStride))
            defer { try? client.finish() }
            return try (0..<frames).map {
                try client.render(UInt64($0 + 1), frame($0, format, rowStride: rowStride))
            }
        }

        @Test func whatShinesIsInThePictureInEveryFormat() throws {
            let dark = try pictures(nil)
            let lit = try pictures(FL_RGBA8_SRGB)
            #expect(try pictures(FL_RGBA16F) == lit)
            #expect(try pictures(FL_RGBA16F, rowStride: 96 * 8 + 40) == lit)
            for y in 0..<size.height {
                for x in 0..<size.width {
                    for c in 0..<3 {
                        let at = (y * size.width + x) * 4 + c
                        #expect(lit[0][at] == (isLamp(x, y) ? 255 : dark[0][at]))
                    }
                }
            }
            // The second frame's history has the lamp in it.
            #expect(Set(dark[1]).count > 16 && lit[1] != dark[1])
            try daemon.expectGoodService()
        }

        @Test(arguments: ["dark", "small"])
        func aModelThatDoesNotReadItRefusesItByName(model: String) throws {
            let session = try RawSession(daemon)
            try session.socket.send(.open(open(model, FL_RGBA8_SRGB)))
            let error = try session.error()
            #expect(error.code == FL_ERROR_MODEL && text(error.field) == "planes")
            #expect(text(error.text).contains("emissive"))
            #expect(try session.isClosed())
            #expect(try readsEmissive(model) == false)
            try daemon.expectGoodService()
        }

        /// What `frameloom models` shows.
        private func readsEmissive(_ model: String) throws -> Bool? {
            guard case .models(let models) = try daemon.ask(.models) else { return nil }
            return models.first { $0.name == model && $0.state == .loaded }?.readsEmissive
        }

        /// New planes between frames; the history stays.
        @Test func thePlaneCanBeTakenUpInASession() throws {
            let client = try EngineClient(daemon.framePath)
            try client.open(open("lamps", nil))
            _ = try client.render(1, frame(0, nil))
            try client.reconfigure(open("lamps", FL_RGBA8_SRGB), keepHistory: true)
            let lit = try client.render(2, frame(1, FL_RGBA8_SRGB))
            #expect(lit[(10 * size.width + 48) * 4] == 255)
            #expect(try readsEmissive("lamps") == true)
            try client.finish()
        }

        /// Clips that have it are played with every model.
        @Test func clipsSendItToModelsThatReadIt() throws {
            let clip = folder.path + "/clip"
            try SmallClip.write(to: clip, frames: 2)
            try SmallClip.addLamp(to: clip, frames: 2)
            func run(_ arguments: [String]) throws -> String {
                let program = try RunningProgram(
                    [Paths.program("frameloom")] + arguments + ["--in-flight", "1"],
                    output: folder.path + "/run-\(UInt32.random(in: 0 ... .max))")
                #expect(try program.waitForExit(seconds: 120) == 0, "\(program.output)")
                return program.output
            }
            for model in ["dark", "lamps"] {
                let out = "\(folder.path)/played-\(model)"
                _ = try run([
                    "play", clip, "--socket", daemon.framePath, "--model", model, "--out", out,
                ])
                let picture = try PNGImage(readingFrom: out + "/Rendered_0001.png")
                let lamp = SmallClip.lamp.lowerBound
                let at = (lamp * SmallClip.size.width + lamp) * picture.channels
                #expect((picture.bytes[at] == 255) == (model == "lamps"), "\(model)")
            }
        }
    }
}
