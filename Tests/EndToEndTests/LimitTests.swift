// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Limits in number, memory and time; each refusal says which one it was.
    @Suite(
        .daemon(
            "limits.sessions=3", "limits.sessions_per_user=2", "limits.pixels_per_session=300000",
            "limits.memory_mib=200", "limits.memory_per_session_mib=30", "limits.idle_seconds=1",
            "limits.open_seconds=1", "limits.slow_reader_seconds=1"),
        .timeLimit(.minutes(2)))
    struct Limits {
        private let daemon = SharedDaemon.current!
        private let size = FrameSize(width: 64, height: 64)

        private func refusal(_ size: FrameSize) throws -> fl_error {
            let session = try RawSession(daemon)
            try session.socket.send(.open(SyntheticFrame.open(size)))
            let error = try session.error()
            #expect(try session.isClosed())
            return error
        }

        @Test func refusesASessionTooMany() throws {
            try daemon.waitUntilUnused()
            let first = try RawSession(daemon, SyntheticFrame.open(size))
            let second = try RawSession(daemon, SyntheticFrame.open(size))
            let error = try refusal(size)
            #expect(error.code == FL_ERROR_LIMIT_IDENTITY)
            #expect(error.value == 2 && error.limit == 2)
            #expect(text(error.text).contains("limits.sessions_per_user"))
            // Those that were there are not hurt.
            #expect(try first.render(1, SyntheticFrame(size, index: 0)).frameID == 1)
            #expect(try second.render(1, SyntheticFrame(size, index: 0)).frameID == 1)
            try first.socket.send(WireMessage(FL_CLOSE))
            #expect(try first.isClosed())
            try daemon.expectGoodService()
        }

        @Test func refusesTooManyPixels() throws {
            let error = try refusal(FrameSize(width: 1024, height: 512))
            #expect(error.code == FL_ERROR_LIMIT_PIXELS)
            #expect(error.value == 1024 * 512 && error.limit == 300_000)
            try daemon.expectGoodService()
        }

        @Test func refusesTooMuchMemory() throws {
            let error = try refusal(FrameSize(width: 512, height: 512))
            #expect(error.code == FL_ERROR_LIMIT_MEMORY)
            #expect(error.value > error.limit && error.limit == Double(30 << 20))
            try daemon.expectGoodService()
        }

        @Test func refusesALargerReconfiguration() throws {
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            let large = SyntheticFrame.open(FrameSize(width: 1024, height: 512))
            try session.socket.send(.reconfigure(large, keepHistory: true))
            #expect(try session.error().code == FL_ERROR_LIMIT_PIXELS)
            try daemon.expectGoodService()
        }

        @Test func closesAnIdleSession() throws {
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            _ = try session.render(1, SyntheticFrame(size, index: 0))
            let error = try session.error()
            #expect(error.code == FL_ERROR_IDLE)
            #expect(error.limit == 1)
            #expect(try session.isClosed())
            try daemon.expectGoodService()
        }

        @Test(arguments: [0, 16]) func closesAClientThatNeverOpens(sentBytes: Int) throws {
            let session = try RawSession(daemon)
            let open = WireMessage.open(SyntheticFrame.open(size)).bytes
            try session.socket.write(Array(open.prefix(sentBytes)))
            #expect(text(try session.error().text).contains("1"))
            #expect(try session.isClosed())
            try daemon.expectGoodService()
        }

        @Test func closesAFrameThatNeverEnds() throws {
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            let frame = WireMessage.frame(1, SyntheticFrame(size, index: 0)).bytes
            try session.socket.write(Array(frame.prefix(1000)))
            #expect(try session.error().code == FL_ERROR_IDLE)
            try daemon.expectGoodService()
        }

        /// Its pictures fill the socket; nobody else notices.
        @Test func closesASlowReaderWithAReason() throws {
            // Pictures of 400 KiB: a few fill the socket's buffers, whatever their size.
            let size = FrameSize(width: 320, height: 320)
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            let writer = Background {
                let frame = SyntheticFrame(size, index: 0)
                for id in UInt64(1)...40 where try session.socket.send(.frame(id, frame)) {}
            }
            let other = try RawSession(daemon, SyntheticFrame.open(self.size))
            let end = ContinuousClock.now + .seconds(15)
            var id: UInt64 = 0
            while try daemon.stats().sessions.contains(where: { $0.width == 320 }) {
                try #require(ContinuousClock.now < end)
                id += 1
                _ = try other.render(id, SyntheticFrame(self.size, index: Int(id)))
            }
            try writer.value()
            #expect(id > 0)
            // It would not have read the reason from the socket either.
            let logged = ContinuousClock.now + .seconds(10)
            while !daemon.program.output.contains("took nothing"), ContinuousClock.now < logged {
                usleep(5_000)
            }
            #expect(daemon.program.output.contains("took nothing"))
            try daemon.expectGoodService()
        }

        @Test func everyRefusalIsCounted() throws {
            let before = try daemon.stats().daemon
            _ = try refusal(FrameSize(width: 1024, height: 512))
            let after = try daemon.stats().daemon
            #expect(after.sessionsRefused == before.sessionsRefused + 1)
            #expect(after.sessionsOpened == before.sessionsOpened)
            #expect(after.memoryLimitBytes == 200 << 20)
        }
    }
}
