// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes
import Foundation
import TestSupport
import Testing

@testable import frameloom

extension EndToEnd {
    /// A session becomes a clip folder while it runs.
    @Suite(.serialized, .daemon(), .timeLimit(.minutes(5))) struct Record {
        private let daemon = SharedDaemon.current!

        private func start(_ words: [String], in folder: TestFolder) throws -> RunningProgram {
            try RunningProgram(
                [Paths.program("frameloom"), "record"] + words + ["--control", daemon.controlPath],
                output: folder.path + "/log-\(UInt32.random(in: 0 ... .max))")
        }

        private func waitUntil(_ what: String, _ condition: () -> Bool) throws {
            let end = ContinuousClock.now + .seconds(60)
            while !condition() {
                guard ContinuousClock.now < end else { throw TestFailure("never: \(what)") }
                usleep(20_000)
            }
        }

        @Test func aRecordedClipIsTheClipThatWasSent() throws {
            let folder = try TestFolder()
            try SmallClip.write(to: folder.path + "/sent", frames: 3)
            try SmallClip.addLamp(to: folder.path + "/sent", frames: 3)
            let sent = try ClipReader(folder: folder.path + "/sent").read()
            let renderer = try SocketRenderer(
                clip: sent,
                settings: .init(
                    path: daemon.framePath, model: "", seed: 0, dropsStaleFrames: false))
            let recorded = folder.path + "/recorded"
            let program = try start([recorded, "--fps", "240", "--frames", "3"], in: folder)
            // Each frame is sent once the one before is on disk, so that none is missed.
            var pictures: [[UInt8]] = []
            try waitUntil("the folders") {
                FileManager.default.fileExists(atPath: recorded + "/FinalImage")
            }
            for index in 0..<3 {
                var picture = [UInt8](repeating: 0, count: SmallClip.size.pixelCount * 4)
                try renderer.send(
                    FrameToRender(id: UInt64(index + 1), clipFrame: index, isReset: false))
                while try renderer.receive(into: &picture, waitingNanoseconds: 1_000_000_000) == nil
                {}
                pictures.append(picture)
                try waitUntil("frame \(index)") {
                    FileManager.default.fileExists(
                        atPath: recorded + "/FinalImage/FinalImage_000\(index).png")
                }
            }
            #expect(try program.waitForExit() == 0, "\(program.output)")
            let read = try ClipReader(folder: recorded).read()
            #expect(read.layout == sent.layout && read.layout.plane(.emissive) != nil)
            for (index, frame) in read.frames.enumerated() {
                #expect(frame.payload == sent.frames[index].payload, "frame \(index)")
                #expect(frame.camera == sent.frames[index].camera, "frame \(index)")
                let opaque = pictures[index].enumerated().filter { $0.offset % 4 != 3 }
                #expect(frame.reference?.bytes == opaque.map(\.element), "frame \(index)")
            }
        }

        @Test func aFullDiskEndsTheRecordingAlone() throws {
            let folder = try TestFolder()
            let size = FrameSize(width: 256, height: 256)
            let client = try EngineClient(daemon.framePath)
            let opened = try client.open(SyntheticFrame.open(size))
            // Files of more than 4 KiB do not fit on this "disk".
            let program = try RunningProgram(
                ["/bin/bash", "-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\""]
                    + [Paths.program("frameloom"), "record", "\(opened.session_id)"]
                    + [folder.path + "/clip", "--control", daemon.controlPath],
                output: folder.path + "/log")
            try waitUntil("the folders") {
                FileManager.default.fileExists(atPath: folder.path + "/clip/FinalImage")
            }
            for id in 1...3 { _ = try client.render(UInt64(id), SyntheticFrame(size, index: id)) }
            #expect(try program.waitForExit() != 0)
            #expect(program.output.contains("clip/"), "\(program.output)")
            let left = FileManager.default.enumerator(atPath: folder.path + "/clip")?.compactMap {
                ($0 as? String).flatMap { $0.hasSuffix(".png") ? $0 : nil }
            }
            #expect(left == [])
            _ = try client.render(4, SyntheticFrame(size, index: 4))
            try client.finish()
            try daemon.expectGoodService()
        }
    }
}
