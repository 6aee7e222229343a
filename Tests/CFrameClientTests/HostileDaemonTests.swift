// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import Dispatch
import FrameTypes
import Foundation
import TestSupport
import Testing

/// What a broken daemon may do to a game: give it an error code, never more.
@Suite(.timeLimit(.minutes(1))) struct HostileDaemonTests {
    private static let size = FrameSize(width: 64, height: 48)
    private var open: fl_open { SyntheticFrame.open(Self.size) }

    /// A name and what to say instead of the picture of frame 1.
    struct Lie: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: Int32
        var bytes: [UInt8]

        init(_ name: String, code: Int32 = FC_ERROR_PROTOCOL, _ bytes: [UInt8]) {
            testDescription = name
            self.code = code
            self.bytes = bytes
        }

        init(_ name: String, _ change: (inout WireMessage) -> Void) {
            var message = Reply.picture(1, HostileDaemonTests.size)
            change(&message)
            self.init(name, message.bytes)
        }

        init(_ name: String, picture change: (inout fl_picture) -> Void) {
            self.init(name) { message in
                var picture = message.body(as: fl_picture.self)
                change(&picture)
                message.body = WireMessage.bytes(of: picture)
            }
        }
    }

    private static let wholePicture = Reply.picture(1, size).bytes

    static let lies: [Lie] = [
        Lie("garbage", (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }),
        Lie("zeros", [UInt8](repeating: 0, count: 4096)),
        Lie("half a header", code: FC_ERROR_CLOSED, Array(wholePicture.prefix(16))),
        Lie("half a body", code: FC_ERROR_CLOSED, Array(wholePicture.prefix(100))),
        Lie("half a picture", code: FC_ERROR_CLOSED, Array(wholePicture.prefix(2000))),
        Lie("nothing", code: FC_ERROR_CLOSED, []),
        Lie("another version") { $0.header.version = 9 },
        Lie("an unknown type") { $0.header.type = 99 },
        Lie("a client's type") { $0.header.type = UInt16(FL_FRAME) },
        Lie("an endless body") { $0.header.body_bytes = .max },
        Lie("a short body") { $0.header.body_bytes = 8 },
        Lie("an endless payload") { $0.header.payload_bytes = .max },
        Lie("a payload of 2^63") { $0.header.payload_bytes = 1 << 63 },
        Lie("a byte too much") { $0.header.payload_bytes += 1 },
        Lie("a byte too little") { $0.header.payload_bytes -= 1 },
        Lie("a frame that was never sent") { $0.header.frame_id = 2 },
        Lie("another size", picture: { $0.width = 63 }),
        Lie("a row stride that runs over", picture: { $0.row_stride = 4096 }),
        Lie("an unknown pixel format", picture: { $0.format = 200 }),
        Lie("a second agreement", Reply.opened(for: SyntheticFrame.open(size)).bytes),
        Lie(
            "an error for another frame",
            Reply.error(FL_ERROR_RENDER, severity: FL_SEVERITY_FRAME, frameID: 77).bytes),
        Lie("an unknown severity", Reply.error(FL_ERROR_RENDER, severity: 5, frameID: 1).bytes),
        Lie(
            "the end of the session", code: FC_ERROR_SESSION,
            Reply.error(FL_ERROR_IDLE, severity: FL_SEVERITY_SESSION).bytes),
        Lie("an early goodbye", code: FC_ERROR_CLOSED, WireMessage(FL_CLOSED).bytes),
    ]

    @Test(arguments: lies) func answersWithACode(_ lie: Lie) throws {
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            _ = try socket.next(FL_FRAME)
            try socket.write(lie.bytes)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        try client.send(1, SyntheticFrame(Self.size, index: 0))
        let error = try #require(throws: ClientError.self) { _ = try client.wait() }
        #expect(error.code == lie.code, "\(error)")
        // The connection stays broken, for every call, until it is resumed.
        #expect(fc_poll(client.handle) == lie.code)
        #expect(fc_fd(client.handle) == -1)
        let next = SyntheticFrame(Self.size, index: 1)
        #expect(throws: ClientError.self) { try client.send(2, next) }
    }

    @Test func refusesAnAgreementOnOtherSizes() throws {
        let changes: [@Sendable (inout fl_opened) -> Void] = [
            { $0.payload_bytes += 1 }, { $0.picture_bytes = .max }, { $0.max_frames_in_flight = 0 },
        ]
        for change in changes {
            let daemon = try ScriptedDaemon { listener in
                let socket = try listener.accept()
                let asked = try socket.next(FL_OPEN).body(as: fl_open.self)
                var opened = Reply.opened(for: asked).body(as: fl_opened.self)
                change(&opened)
                try socket.send(WireMessage(FL_OPENED, body: WireMessage.bytes(of: opened)))
            }
            let client = try EngineClient(daemon.path)
            let error = try #require(throws: ClientError.self) { try client.open(open) }
            #expect(error.code == FC_ERROR_PROTOCOL)
        }
    }

    @Test func terminatesTextsThatDoNotEnd() throws {
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            _ = try socket.next(FL_OPEN)
            var error = fl_error()
            error.severity = FL_SEVERITY_SESSION
            var body = WireMessage.bytes(of: error)
            for index in 24..<body.count { body[index] = 0x41 }
            try socket.send(WireMessage(FL_ERROR, body: body))
        }
        let client = try EngineClient(daemon.path)
        let error = try #require(throws: ClientError.self) { try client.open(open) }
        #expect(error.code == FC_ERROR_REFUSED)
        #expect(error.daemonText.utf8.count == 255)
    }

    @Test func takesAnAgreementThatDoesNotSayWhyItsPrecision() throws {
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            var opened = try Reply.opened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            opened.body.removeLast(96)
            opened.header.body_bytes -= 96
            try socket.send(opened)
        }
        let opened = try EngineClient(daemon.path).open(open)
        #expect(text(opened.model) == "atrium" && text(opened.precision_reason).isEmpty)
    }

    @Test func readsWhatALaterDaemonAddsToTheEnd() throws {
        let size = Self.size
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            var opened = try Reply.opened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            opened.body += [1, 2, 3, 4]
            opened.header.body_bytes += 4
            try socket.send(opened)
            _ = try socket.next(FL_FRAME)
            var picture = Reply.picture(1, size)
            picture.body += [UInt8](repeating: 9, count: 640)
            picture.header.body_bytes += 640
            try socket.send(picture)
            _ = try socket.read(1)
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        #expect(try client.render(1, SyntheticFrame(size, index: 0)) == Reply.pixels(1, size))
    }

    @Test func givesUpOnSilence() throws {
        let release = DispatchSemaphore(value: 0)
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            release.wait()
        }
        defer { release.signal() }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        // Far more than the socket buffers hold: kept, it is accepted and still to be written.
        let start = ContinuousClock.now
        try client.send(1, SyntheticFrame(Self.size, index: 0), milliseconds: 50)
        let error = try #require(throws: ClientError.self) { try client.wait(milliseconds: 50) }
        #expect(error.code == FC_ERROR_TIMEOUT)
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(fc_in_flight(client.handle) == 1)
    }

    @Test func sendingUnkeptFramesToSilenceTimesOut() throws {
        let release = DispatchSemaphore(value: 0)
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
            release.wait()
        }
        defer { release.signal() }
        let size = FrameSize(width: 512, height: 512)
        let client = try EngineClient(daemon.path)
        try client.check(fc_keep_frames(client.handle, 0))
        try client.open(SyntheticFrame.open(size))
        let frame = SyntheticFrame(size, index: 0)
        let error = try #require(throws: ClientError.self) {
            try client.send(1, frame, milliseconds: 50)
        }
        // Half of it is gone, and its planes are the host's again.
        #expect(error.code == FC_ERROR_CLOSED)
        #expect(fc_resume(client.handle, nil, 0) == FC_ERROR_NOT_KEPT)
    }

    @Test func silenceAtOpenTimesOut() throws {
        let release = DispatchSemaphore(value: 0)
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            release.wait()
            _ = socket
        }
        defer { release.signal() }
        let client = try EngineClient(daemon.path)
        let error = try #require(throws: ClientError.self) {
            try client.open(open, milliseconds: 50)
        }
        #expect(error.code == FC_ERROR_TIMEOUT)
    }

    /// The reason to close arrives before the writer learns that nobody reads any more.
    @Test func findsTheReasonBehindABrokenPipe() throws {
        let closed = DispatchSemaphore(value: 0)
        let daemon = try ScriptedDaemon { listener in
            do {
                let socket = try listener.accept()
                try socket.sendOpened(for: socket.next(FL_OPEN).body(as: fl_open.self))
                try socket.send(
                    Reply.error(
                        FL_ERROR_SLOW_READER, severity: FL_SEVERITY_SESSION, text: "too slow"))
            }
            closed.signal()
        }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        closed.wait()
        let error = try #require(throws: ClientError.self) {
            try client.send(1, SyntheticFrame(Self.size, index: 0))
        }
        #expect(error.code == FC_ERROR_SESSION)
        #expect(error.daemonText == "too slow")
    }

    @Test func namesWhatIsWrongWithThePath() throws {
        var client: OpaquePointer?
        #expect(fc_connect("/nonexistent/frames.sock", 100, &client) == FC_ERROR_NO_DAEMON)
        #expect(client == nil)
        let long = "/" + String(repeating: "a", count: 200)
        #expect(fc_connect(long, 100, &client) == FC_ERROR_PATH)
        #expect(fc_connect("", 100, &client) == FC_ERROR_ARGUMENT)
    }
}
