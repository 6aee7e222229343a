// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import FrameTypes
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ResumeTests {
    private let size = FrameSize(width: 64, height: 48)
    private var open: fl_open { SyntheticFrame.open(size) }

    @Test func statesTheLastPictureAndSendsTheRestAgain() throws {
        let size = size
        let daemon = try ScriptedDaemon { listener in
            do {
                let socket = try listener.accept()
                try socket.sendOpened(
                    for: socket.next(FL_OPEN).body(as: fl_open.self), inFlight: 3)
                for _ in 0..<3 { _ = try socket.next(FL_FRAME) }
                try socket.send(Reply.picture(11, size))
                // Frame 12 is half answered when the connection breaks.
                try socket.write(Array(Reply.picture(12, size).bytes.prefix(3000)))
            }
            let socket = try listener.accept()
            let message = try socket.next(FL_OPEN)
            try Self.checkHistory(message, frameID: 11, frame: SyntheticFrame(size, index: 1), size)
            try socket.sendOpened(for: message.body(as: fl_open.self), inFlight: 3)
            for id in [UInt64(12), 13] {
                let frame = try socket.next(FL_FRAME)
                try expect(frame.header.frame_id == id, "\(frame.header.frame_id) again, not \(id)")
                let planes = SyntheticFrame(size, index: Int(id) - 10).planes
                try expect(frame.payload == planes.flatMap { $0 }, "other planes")
                try socket.send(Reply.picture(id, size))
            }
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        for id in UInt64(11)...13 { try client.send(id, SyntheticFrame(size, index: Int(id) - 10)) }
        // What arrived before the break is given out before its error is.
        #expect(try client.wait().reply.frame_id == 11)
        let error = try #require(throws: ClientError.self) { _ = try client.wait() }
        #expect(error.code == FC_ERROR_CLOSED)
        try client.resume()
        for id in [UInt64(12), 13] {
            let (reply, pixels) = try client.wait()
            #expect(reply.frame_id == id)
            #expect(pixels == Reply.pixels(id, size))
        }
        #expect(fc_in_flight(client.handle) == 0)
    }

    /// `FL_OPEN_HISTORY` as the header of the protocol describes it.
    private static func checkHistory(
        _ message: WireMessage, frameID: UInt64, frame: SyntheticFrame, _ size: FrameSize
    ) throws {
        try expect(message.header.flags == FL_OPEN_HISTORY, "no history")
        let openBytes = MemoryLayout<fl_open>.size
        try expect(
            message.body.count == openBytes + MemoryLayout<fl_history>.size, "wrong body")
        let history = message.body.withUnsafeBytes {
            $0.loadUnaligned(fromByteOffset: openBytes, as: fl_history.self)
        }
        try expect(history.frame_id == frameID && history.seed == 7, "wrong frame or seed")
        try expect(
            history.width == size.width && history.height == size.height, "wrong history size")
        try expect(history.flags == FL_HISTORY_HAS_CAMERA, "no camera")
        try expect(
            WireMessage.bytes(of: history.camera) == WireMessage.bytes(of: frame.body.camera),
            "another camera")
        try expect(
            history.jitter_x == frame.body.jitter_x && history.jitter_y == frame.body.jitter_y,
            "another jitter")
        try expect(
            message.payload == Reply.pixels(frameID, size) + frame.planes[0] + frame.planes[2],
            "other pixels")
    }

    @Test func packsRowsAndStatesTheKnownPlane() throws {
        let size = FrameSize(width: 33, height: 32)
        var open = SyntheticFrame.open(size)
        SyntheticFrame.setPlanes(
            &open,
            [
                (FL_KNOWN, FL_RGBA8_SRGB, 140), (FL_DEPTH, FL_R16, 100),
                (FL_NORMALS, FL_RGB8_UNORM, 0), (FL_ROUGHNESS, FL_R8, 64),
                (FL_BASE_COLOR, FL_RGB8_SRGB, 101),
            ])
        let strides = [140, 100, 99, 64, 101]
        var frame = SyntheticFrame(size, index: 0)
        frame.body.jitter_x = 0.25
        frame.planes = strides.enumerated().map { plane, stride in
            (0..<stride * size.height).map { UInt8(truncatingIfNeeded: $0 &* 3 &+ plane) }
        }
        let planes = frame.planes
        let payloadBytes = UInt64(strides.reduce(0, +) * size.height)
        let daemon = try ScriptedDaemon { listener in
            for isResumed in [false, true] {
                let socket = try listener.accept()
                let message = try socket.next(FL_OPEN)
                if isResumed {
                    func rows(_ plane: Int, _ bytes: Int) -> [UInt8] {
                        (0..<size.height).flatMap { row in
                            planes[plane][(row * strides[plane])...].prefix(bytes)
                        }
                    }
                    try expect(
                        message.payload == Reply.pixels(1, size) + rows(4, 99) + rows(1, 66)
                            + rows(0, 132), "rows are not packed or planes in another order")
                }
                var opened = Reply.opened(for: message.body(as: fl_open.self))
                    .body(as: fl_opened.self)
                opened.payload_bytes = payloadBytes
                try socket.send(WireMessage(FL_OPENED, body: WireMessage.bytes(of: opened)))
                if !isResumed {
                    _ = try socket.next(FL_FRAME)
                    try socket.send(Reply.picture(1, size))
                }
            }
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        _ = try client.render(1, frame)
        try client.resume()
        #expect(daemon.finish() == nil)
    }

    /// The history was drawn under the old agreement, so that is what the session is opened with.
    @Test func reconfiguresAgainAfterResuming() throws {
        let size = size
        let larger = FrameSize(width: 80, height: 64)
        let daemon = try ScriptedDaemon { listener in
            do {
                let socket = try listener.accept()
                try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
                _ = try socket.next(FL_FRAME)
                try socket.send(Reply.picture(1, size))
                try socket.sendOpened(for: socket.next(FL_RECONFIGURE).body(as: fl_open.self))
                _ = try socket.next(FL_FRAME)
            }
            let socket = try listener.accept()
            let message = try socket.next(FL_OPEN)
            try Self.checkHistory(message, frameID: 1, frame: SyntheticFrame(size, index: 1), size)
            try expect(message.body(as: fl_open.self).width == size.width, "opened at the new size")
            try socket.sendOpened(for: message.body(as: fl_open.self))
            let again = try socket.next(FL_RECONFIGURE)
            try expect(again.header.flags == FL_OPEN_KEEP_HISTORY, "history dropped")
            try expect(again.body(as: fl_open.self).width == larger.width, "another size")
            try socket.sendOpened(for: again.body(as: fl_open.self))
            try expect(socket.next(FL_FRAME).header.frame_id == 2, "another frame")
            try socket.send(Reply.picture(2, larger))
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        _ = try client.render(1, SyntheticFrame(size, index: 1))
        try client.reconfigure(SyntheticFrame.open(larger), keepHistory: true)
        try client.send(2, SyntheticFrame(larger, index: 2))
        #expect(throws: ClientError.self) { _ = try client.wait() }
        try client.resume()
        #expect(try client.wait().pixels == Reply.pixels(2, larger))
    }

    @Test func forgetsTheHistoryThatAReconfigurationDropped() throws {
        let size = size
        let daemon = try ScriptedDaemon { listener in
            do {
                let socket = try listener.accept()
                try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
                _ = try socket.next(FL_FRAME)
                try socket.send(Reply.picture(1, size))
                try socket.sendOpened(for: socket.next(FL_RECONFIGURE).body(as: fl_open.self))
            }
            let message = try listener.accept().next(FL_OPEN)
            try expect(message.header.flags == 0, "history of before the drop")
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        _ = try client.render(1, SyntheticFrame(size, index: 1))
        try client.reconfigure(SyntheticFrame.open(size, seed: 8), keepHistory: false)
        #expect(throws: ClientError.self) { try client.resume(milliseconds: 300) }
        #expect(daemon.finish() == nil)
    }

    @Test func doesNotSendARefusedFrameAgain() throws {
        let daemon = try ScriptedDaemon { listener in
            do {
                let socket = try listener.accept()
                try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
                _ = try socket.next(FL_FRAME)
                _ = try socket.next(FL_FRAME)
                try socket.send(
                    Reply.error(FL_ERROR_RENDER, severity: FL_SEVERITY_FRAME, frameID: 1))
            }
            let socket = try listener.accept()
            let message = try socket.next(FL_OPEN)
            try expect(message.header.flags == 0, "a history that never was")
            try socket.sendOpened(for: message.body(as: fl_open.self))
            try expect(socket.next(FL_FRAME).header.frame_id == 2, "the refused frame again")
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        try client.send(1, SyntheticFrame(size, index: 0))
        try client.send(2, SyntheticFrame(size, index: 1))
        let failed = try #require(throws: ClientError.self) { _ = try client.wait() }
        #expect(failed.code == FC_ERROR_FRAME)
        #expect(throws: ClientError.self) { _ = try client.wait() }
        try client.resume()
        #expect(daemon.finish() == nil)
    }

    @Test func keepsTheHostsHistoryUntilThePictureThatReplacesIt() throws {
        let size = size
        let frame = SyntheticFrame(size, index: 4)
        let daemon = try ScriptedDaemon { listener in
            for _ in 0..<2 {
                let socket = try listener.accept()
                let message = try socket.next(FL_OPEN)
                try Self.checkHistory(message, frameID: 4, frame: frame, size)
                try socket.sendOpened(for: message.body(as: fl_open.self))
            }
        }
        var history = fl_history()
        history.width = UInt32(size.width)
        history.height = UInt32(size.height)
        history.flags = FL_HISTORY_HAS_CAMERA
        history.frame_id = 4
        history.seed = 7
        history.camera = frame.body.camera
        let client = try EngineClient(daemon.path)
        try client.open(
            open, history: history,
            planes: [Reply.pixels(4, size), frame.planes[0], frame.planes[2]])
        #expect(throws: ClientError.self) { try client.send(4, frame) }
        try client.resume()
        #expect(daemon.finish() == nil)
    }

    @Test func waitsForTheNextDaemonWhileOneIsEnding() throws {
        let size = size
        let ending = Reply.error(FL_ERROR_DRAINING, severity: FL_SEVERITY_SESSION)
        let daemon = try ScriptedDaemon { listener in
            do {
                let socket = try listener.accept()
                try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
                _ = try socket.next(FL_FRAME)
                try socket.send(ending)
            }
            do { _ = try listener.accept() }
            do {
                let socket = try listener.accept()
                _ = try socket.next(FL_OPEN)
                try socket.send(ending)
            }
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            try expect(socket.next(FL_FRAME).header.frame_id == 1, "another frame")
            try socket.send(Reply.picture(1, size))
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        try client.send(1, SyntheticFrame(size, index: 0))
        let error = try #require(throws: ClientError.self) { _ = try client.wait() }
        #expect(error.code == FC_ERROR_CLOSED)
        #expect(error.daemonCode == FL_ERROR_DRAINING)
        try client.resume()
        #expect(try client.wait().reply.frame_id == 1)
    }

    @Test func canBeTriedAgainAfterARefusal() throws {
        let size = size
        let daemon = try ScriptedDaemon { listener in
            do {
                let socket = try listener.accept()
                try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
                _ = try socket.next(FL_FRAME)
            }
            do {
                let socket = try listener.accept()
                _ = try socket.next(FL_OPEN)
                try socket.send(
                    Reply.error(FL_ERROR_LIMIT_SESSIONS, severity: FL_SEVERITY_SESSION))
            }
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            try expect(socket.next(FL_FRAME).header.frame_id == 1, "another frame")
            try socket.send(Reply.picture(1, size))
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        try client.send(1, SyntheticFrame(size, index: 0))
        let error = try #require(throws: ClientError.self) { try client.resume() }
        #expect(error.code == FC_ERROR_REFUSED)
        #expect(error.daemonCode == FL_ERROR_LIMIT_SESSIONS)
        try client.resume()
        #expect(try client.wait().reply.frame_id == 1)
    }
}
