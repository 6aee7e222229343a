// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameControl
import Foundation
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Watching what another client renders.
    @Suite(.serialized, .daemon("limits.viewers=2"), .timeLimit(.minutes(5))) struct View {
        private let size = FrameSize(width: 64, height: 64)
        private let daemon = SharedDaemon.current!

        private func watch(
            _ session: UInt64, fps: Double = 240
        ) throws -> (report: WatchReport, pictures: ControlStream) {
            try ControlClient(path: daemon.controlPath).watch(.init(session: session, fps: fps))
        }

        private func picture(_ stream: ControlStream) throws -> WireMessage {
            let head = try stream.read(MemoryLayout<fl_header>.size)
            let header = head.withUnsafeBytes { $0.loadUnaligned(as: fl_header.self) }
            var message = WireMessage(UInt32(header.type))
            message.header = header
            message.body = try stream.read(Int(header.body_bytes))
            message.payload = try stream.read(Int(header.payload_bytes))
            return message
        }

        @Test func seesThePicturesAndTheEnd() throws {
            let client = try EngineClient(daemon.framePath)
            let opened = try client.open(SyntheticFrame.open(size))
            let (report, pictures) = try watch(opened.session_id)
            #expect(report.width == 64 && report.height == 64 && !report.bottomUp)
            for id in 1...3 {
                let rendered = try client.render(
                    UInt64(id), SyntheticFrame(size, index: id))
                let seen = try picture(pictures)
                #expect(seen.header.frame_id == UInt64(id))
                #expect(seen.payload == rendered)
                usleep(5_000)
            }
            try client.finish()
            #expect(try picture(pictures).header.type == FL_CLOSED)
            #expect(try pictures.read(1).isEmpty)
        }

        @Test func aViewerThatReadsNothingSlowsNobody() throws {
            let client = try EngineClient(daemon.framePath)
            let large = FrameSize(width: 512, height: 512)
            let opened = try client.open(SyntheticFrame.open(large))
            let (_, pictures) = try watch(opened.session_id)
            let frame = SyntheticFrame(large, index: 0)
            for id in 1...12 { _ = try client.render(UInt64(id), frame) }
            // What waits for it is what the kernel holds and one picture, not all twelve.
            try client.finish()
            var seen: [UInt64] = []
            while true {
                let message = try picture(pictures)
                if message.header.type == FL_CLOSED { break }
                seen.append(message.header.frame_id)
            }
            #expect(!seen.isEmpty && seen.count < 6, "\(seen)")
            #expect(seen == seen.sorted())
            try daemon.expectGoodService()
        }

        @Test func keepsToItsRate() throws {
            let client = try EngineClient(daemon.framePath)
            let opened = try client.open(SyntheticFrame.open(size))
            let (_, pictures) = try watch(opened.session_id, fps: 0.02)
            for id in 1...20 {
                _ = try client.render(UInt64(id), SyntheticFrame(size, index: id))
            }
            try client.finish()
            #expect(try picture(pictures).header.frame_id == 1)
            #expect(try picture(pictures).header.type == FL_CLOSED)
        }

        @Test func refusesWithAReason() throws {
            let client = try EngineClient(daemon.framePath)
            let opened = try client.open(SyntheticFrame.open(size))
            func fault(_ session: UInt64, fps: Double = 1) -> ControlFault.Code? {
                do throws(ControlError) {
                    _ = try ControlClient(path: daemon.controlPath)
                        .watch(.init(session: session, fps: fps))
                    return nil
                } catch .refused(let fault) {
                    return fault.code
                } catch {
                    return nil
                }
            }
            #expect(fault(999_999) == .noSession)
            #expect(fault(opened.session_id, fps: 0) == .notJSON)
            let first = try watch(opened.session_id)
            let second = try watch(opened.session_id)
            #expect(fault(opened.session_id) == .notAllowed)
            withExtendedLifetime((first, second)) {}
            try daemon.expectGoodService()
        }

        @Test func viewWritesAFilm() throws {
            let folder = try TestFolder()
            let client = try EngineClient(daemon.framePath)
            try client.open(SyntheticFrame.open(size))
            let program = try RunningProgram(
                [
                    Paths.program("frameloom"), "view", "--control", daemon.controlPath, "--fps",
                    "200", "--frames", "2", "--out", "-", "--format", "raw",
                ], output: folder.path + "/film", errors: folder.path + "/errors")
            var id: UInt64 = 0
            while program.exitStatus() == nil {
                id += 1
                _ = try client.render(id, SyntheticFrame(size, index: 0))
            }
            #expect(program.exitStatus() == 0, "\(program.errors)")
            let film = try Data(contentsOf: URL(filePath: folder.path + "/film"))
            #expect(film.count == 2 * size.pixelCount * 4)
            #expect(program.errors.contains("2 pictures"))
        }
    }
}
