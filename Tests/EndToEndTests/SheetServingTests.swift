// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameClip
import FrameControl
import FrameTypes
import TestSupport
import Testing

extension EndToEnd {
    /// What the daemon understood, as the client and as others ask for it.
    @Suite(.serialized, .daemon("limits.viewers=2"), .timeLimit(.minutes(5))) struct SheetServing {
        private let size = FrameSize(width: 96, height: 72)
        private let daemon = SharedDaemon.current!

        /// The middle of the panels' lower halves, which no label covers: base color and roughness.
        private func expectScene(
            _ sheet: [UInt8], _ frame: SyntheticFrame, isBottomUp: Bool = false
        ) {
            for j in [12, 17, 22] {
                for i in [3, 16, 30] {
                    let at = (3 * j + 1) * size.width + 3 * i + 1
                    let row = isBottomUp ? size.height - 1 - j : j
                    let base = (row * size.width + i) * 4
                    #expect(
                        Array(sheet[base..<base + 3]) == Array(frame.planes[0][at * 4..<at * 4 + 3])
                    )
                    let lower = isBottomUp ? row - size.height / 3 : row + size.height / 3
                    #expect(sheet[(lower * size.width + i) * 4] == frame.planes[3][at])
                }
            }
        }

        @Test func showsPlanesAndGoesOnAsIfItHadNot() throws {
            let frames = (0..<3).map { SyntheticFrame(size, index: $0) }
            let plain = try EngineClient(daemon.framePath)
            try plain.open(SyntheticFrame.open(size))
            let expected = try (0..<3).map { try plain.render(UInt64($0 * 2 + 2), frames[$0]) }
            try plain.finish()

            let client = try EngineClient(daemon.framePath)
            try client.open(SyntheticFrame.open(size))
            for index in 0..<3 {
                try client.send(UInt64(index * 2 + 1), frames[index], flags: FL_FRAME_SHOW_PLANES)
                let (reply, sheet) = try client.wait()
                expectScene(sheet, frames[index])
                #expect((reply.flags & FL_PICTURE_HISTORY != 0) == (index > 0))
                #expect(
                    try client.render(UInt64(index * 2 + 2), frames[index]) == expected[index],
                    "frame \(index)")
            }
            try client.finish()
        }

        @Test func followsTheClientsOrigin() throws {
            let client = try EngineClient(daemon.framePath)
            var open = SyntheticFrame.open(size)
            open.origin = UInt8(FL_ORIGIN_BOTTOM_LEFT)
            try client.open(open)
            let upright = SyntheticFrame(size, index: 0)
            var flipped = upright
            flipped.planes = upright.planes.map { plane in
                let rowBytes = plane.count / size.height
                return (0..<size.height).reversed().flatMap {
                    plane[$0 * rowBytes..<($0 + 1) * rowBytes]
                }
            }
            try client.send(1, flipped, flags: FL_FRAME_SHOW_PLANES)
            expectScene(try client.wait().pixels, upright, isBottomUp: true)
            try client.finish()
        }

        /// Nothing is taken of the shown frame when the session is resumed elsewhere.
        @Test func aResumedSessionContinuesFromTheLastPicture() throws {
            let frames = (0..<2).map { SyntheticFrame(size, index: $0) }
            let plain = try EngineClient(daemon.framePath)
            try plain.open(SyntheticFrame.open(size))
            _ = try plain.render(1, frames[0])
            let expected = try plain.render(3, frames[1])

            let client = try EngineClient(daemon.framePath)
            try client.open(SyntheticFrame.open(size))
            _ = try client.render(1, frames[0])
            try client.send(2, frames[0], flags: FL_FRAME_SHOW_PLANES)
            _ = try client.wait()
            try client.resume()
            #expect(try client.render(3, frames[1]) == expected)
        }

        @Test func aSnapshotShowsTheNextFrameAndChangesNoPicture() throws {
            let frames = (0..<3).map { SyntheticFrame(size, index: $0) }
            let plain = try EngineClient(daemon.framePath)
            try plain.open(SyntheticFrame.open(size))
            let expected = try (0..<3).map { try plain.render(UInt64($0 + 1), frames[$0]) }
            try plain.finish()

            let client = try EngineClient(daemon.framePath)
            let session = try client.open(SyntheticFrame.open(size)).session_id
            #expect(try client.render(1, frames[0]) == expected[0])
            let folder = try TestFolder()
            let program = try RunningProgram(
                [
                    Paths.program("frameloom"), "snapshot", "\(session)", folder.path + "/a.png",
                    "--control", daemon.controlPath,
                ], output: folder.path + "/log")
            // Frames go on until the command has seen one of them.
            var id: UInt64 = 2
            while program.exitStatus() == nil {
                let picture = try client.render(id, frames[1])
                if id == 2 { #expect(picture == expected[1]) }
                id += 1
            }
            #expect(try program.waitForExit() == 0, "\(program.output)")
            let image = try PNGImage(readingFrom: folder.path + "/a.png")
            #expect(image.size == size && image.channels == 4)
            expectScene(image.bytes, frames[1])
            try client.finish()
        }

        @Test func aSnapshotOfAFrameThatIsShownAnywayIsThatSheet() throws {
            let client = try EngineClient(daemon.framePath)
            let session = try client.open(SyntheticFrame.open(size)).session_id
            let frame = SyntheticFrame(size, index: 0)
            let path = daemon.controlPath
            let seen = Background {
                try ControlClient(path: path).snapshot(SnapshotRequest(session: session))
            }
            var id: UInt64 = 1
            var last: [UInt64: [UInt8]] = [:]
            while !seen.isDone {
                try client.send(id, frame, flags: FL_FRAME_SHOW_PLANES)
                last[id] = try client.wait().pixels
                id += 1
            }
            let answer = try #require(try seen.value())
            #expect(answer.sheet == last[answer.report.frame])
        }

        @Test func aSnapshotIsRefusedInWords() throws {
            let control = ControlClient(path: daemon.controlPath)
            #expect(
                throws: ControlError.refused(
                    ControlFault(code: .noSession, text: "no session 12345 is open"))
            ) { try control.snapshot(SnapshotRequest(session: 12345)) }
            let answer = try control.exchange(Array("{\"request\":\"snapshot\"}\n".utf8))
            #expect(String(decoding: answer, as: UTF8.self).contains("a number"))

            // A session that ends meanwhile.
            let client = try EngineClient(daemon.framePath)
            let session = try client.open(SyntheticFrame.open(size)).session_id
            let path = daemon.controlPath
            let waiting = Background {
                do {
                    _ = try ControlClient(path: path).snapshot(SnapshotRequest(session: session))
                    return "answered"
                } catch { return "\(error)" }
            }
            // Whether the wish or the end comes first: it is said.
            try client.finish()
            #expect(try waiting.value().contains("session \(session)"))
        }
    }
}
