// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import FrameTypes
import Glibc
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ExchangeTests {
    private let size = FrameSize(width: 64, height: 48)
    private var open: fl_open { SyntheticFrame.open(size) }

    @Test func keepsTwoFramesInFlight() throws {
        let size = size
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            let first = try socket.next(FL_FRAME)
            let second = try socket.next(FL_FRAME)
            try expect(first.header.frame_id == 5 && second.header.frame_id == 6, "wrong ids")
            try expect(
                second.payload == SyntheticFrame(size, index: 1).planes.flatMap { $0 },
                "the planes changed on the way")
            try socket.send(Reply.picture(5, size))
            try socket.send(Reply.picture(6, size))
            _ = try socket.next(FL_CLOSE)
            try socket.send(WireMessage(FL_CLOSED))
        }
        let client = try EngineClient(daemon.path)
        let opened = try client.open(open)
        #expect(text(opened.model) == "atrium")
        #expect(fc_wait(client.handle, nil, nil, 0, 1000) == FC_ERROR_EMPTY)
        try client.send(5, SyntheticFrame(size, index: 0))
        try client.send(6, SyntheticFrame(size, index: 1))
        #expect(throws: ClientError.self) { try client.send(6, SyntheticFrame(size, index: 2)) }
        for id in [UInt64(5), 6] {
            let (reply, pixels) = try client.wait()
            #expect(reply.frame_id == id)
            #expect(pixels == Reply.pixels(id, size))
        }
        try client.finish()
        #expect(daemon.finish() == nil)
    }

    @Test func refusesAThirdFrameUntilAReplyIsTaken() throws {
        let size = size
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            for id in [UInt64(1), 2, 3] {
                _ = try socket.next(FL_FRAME)
                try socket.send(Reply.picture(id, size))
            }
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        let frame = SyntheticFrame(size, index: 0)
        try client.send(1, frame)
        try client.send(2, frame)
        var body = frame.body
        // Also when both replies lie in the client: their places are taken.
        while fc_in_flight(client.handle) > 0 { _ = fc_poll(client.handle) }
        let code = withPointers(to: frame.planes) { fc_send(client.handle, 3, 0, &body, $0, 0) }
        #expect(code == FC_ERROR_FULL)
        var small = [UInt8](repeating: 0, count: 16)
        #expect(fc_wait(client.handle, nil, &small, small.count, 0) == FC_ERROR_BUFFER)
        #expect(try client.wait().reply.frame_id == 1)
        try client.send(3, frame)
        #expect(try client.wait().reply.frame_id == 2)
        #expect(try client.wait().reply.frame_id == 3)
    }

    /// The peer writes a whole picture before it reads on, as the client writes a whole frame: with
    /// two blocking ends neither would ever move.
    @Test(arguments: [true, false])
    func neitherSideBlocksTheOtherWithTinyBuffers(keepsFrames: Bool) throws {
        let size = FrameSize(width: 512, height: 256)
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            socket.shrinkBuffers()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            _ = try socket.next(FL_FRAME)
            for id in UInt64(1)...6 {
                // The next frame is on its way already, and is not read before this is written.
                try socket.send(Reply.picture(id, size))
                if id < 6 { _ = try socket.next(FL_FRAME) }
            }
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        UnixSocket.shrinkBuffers(of: fc_fd(client.handle))
        try client.check(fc_keep_frames(client.handle, keepsFrames ? 1 : 0))
        try client.open(SyntheticFrame.open(size))
        try client.send(1, SyntheticFrame(size, index: 0))
        for id in UInt64(2)...6 {
            try client.send(id, SyntheticFrame(size, index: Int(id)))
            let (reply, pixels) = try client.wait()
            #expect(reply.frame_id == id - 1)
            #expect(pixels == Reply.pixels(id - 1, size))
        }
        #expect(try client.wait().reply.frame_id == 6)
    }

    @Test func tellsWhichFrameFailedAndGoesOn() throws {
        let size = size
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            _ = try socket.next(FL_FRAME)
            _ = try socket.next(FL_FRAME)
            try socket.send(
                Reply.error(FL_ERROR_CAMERA, severity: FL_SEVERITY_FRAME, frameID: 2))
            try socket.send(Reply.picture(1, size))
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        try client.send(1, SyntheticFrame(size, index: 0))
        try client.send(2, SyntheticFrame(size, index: 1))
        let error = try #require(throws: ClientError.self) { _ = try client.wait() }
        #expect(error.code == FC_ERROR_FRAME)
        #expect(error.frameID == 2)
        #expect(error.daemonCode == FL_ERROR_CAMERA)
        #expect(text(fc_last_error(client.handle).pointee.field) == "camera.fx")
        #expect(try client.wait().reply.frame_id == 1)
        #expect(fc_in_flight(client.handle) == 0)
    }

    @Test func countsDroppedFramesAsAnswered() throws {
        let size = size
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self), inFlight: 4)
            for _ in 0..<4 { _ = try socket.next(FL_FRAME) }
            // Frame 1 is not named: an id below the reply's. Frame 3 is named early.
            try socket.send(Reply.picture(2, size, dropped: [1, 3]))
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        for id in UInt64(1)...4 { try client.send(id, SyntheticFrame(size, index: 0)) }
        let (reply, _) = try client.wait()
        #expect(reply.frame_id == 2)
        #expect(reply.picture.dropped_count == 2)
        #expect(fc_in_flight(client.handle) == 1)
    }

    @Test func marksTheFirstFrameAfterAReset() throws {
        let size = size
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            let flags = try (0..<2).map { _ in try socket.next(FL_FRAME).header.flags }
            try expect(flags[0] & FL_FRAME_RESET != 0, "no reset")
            try expect(flags[1] & FL_FRAME_RESET == 0, "reset twice")
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        try client.check(fc_reset(client.handle))
        try client.send(1, SyntheticFrame(size, index: 0))
        try client.send(2, SyntheticFrame(size, index: 1))
        #expect(daemon.finish() == nil)
    }

    @Test func takesOldPicturesAfterReconfiguring() throws {
        let size = size
        let smaller = FrameSize(width: 32, height: 40)
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            _ = try socket.next(FL_FRAME)
            let message = try socket.next(FL_RECONFIGURE)
            try expect(message.header.flags == FL_OPEN_KEEP_HISTORY, "history not kept")
            try socket.send(Reply.picture(1, size))
            try socket.sendOpened(for: message.body(as: fl_open.self))
            try expect(
                socket.next(FL_FRAME).payload.count == smaller.pixelCount * 11, "old size sent")
            try socket.send(Reply.picture(2, smaller))
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        try client.send(1, SyntheticFrame(size, index: 0))
        try client.reconfigure(SyntheticFrame.open(smaller), keepHistory: true)
        try client.send(2, SyntheticFrame(smaller, index: 1))
        #expect(try client.wait().pixels == Reply.pixels(1, size))
        #expect(try client.wait().pixels == Reply.pixels(2, smaller))
    }

    @Test func goesOnAfterARefusedReconfiguration() throws {
        let size = size
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            _ = try socket.next(FL_RECONFIGURE)
            try socket.send(Reply.error(FL_ERROR_LIMIT_PIXELS, severity: FL_SEVERITY_FRAME))
            _ = try socket.next(FL_FRAME)
            try socket.send(Reply.picture(1, size))
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        let larger = SyntheticFrame.open(FrameSize(width: 4096, height: 4096))
        let error = try #require(throws: ClientError.self) {
            try client.reconfigure(larger, keepHistory: false)
        }
        #expect(error.code == FC_ERROR_REFUSED)
        #expect(error.daemonCode == FL_ERROR_LIMIT_PIXELS)
        #expect(
            try client.render(1, SyntheticFrame(size, index: 0)) == Reply.pixels(1, size))
    }
}
