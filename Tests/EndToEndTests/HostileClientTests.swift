// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import TestSupport
import Testing

extension EndToEnd {
    /// A client can only hurt its own session. Each test ends by proving that.
    @Suite(.daemon(), .timeLimit(.minutes(3))) struct HostileClients {
        private let daemon = SharedDaemon.current!
        private static let size = FrameSize(width: 64, height: 64)
        private var open: fl_open { SyntheticFrame.open(Self.size) }

        /// What is said instead of an FL_OPEN.
        struct Opening: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var code: UInt32
            var field: String
            var bytes: [UInt8]

            init(
                _ name: String, _ code: UInt32, _ field: String = "",
                _ change: (inout WireMessage) -> Void
            ) {
                testDescription = name
                self.code = code
                self.field = field
                var message = WireMessage.open(SyntheticFrame.open(HostileClients.size))
                change(&message)
                bytes = message.bytes
            }
        }

        static let openings: [Opening] = [
            Opening("wrong magic", FL_ERROR_MAGIC, "magic") { $0.header.magic = 0x2054_5445 },
            Opening("unknown version", FL_ERROR_VERSION, "version") { $0.header.version = 2 },
            Opening("unknown message", FL_ERROR_MESSAGE_TYPE, "type") { $0.header.type = 200 },
            Opening("a daemon's message", FL_ERROR_MESSAGE_TYPE, "type") {
                $0.header.type = UInt16(FL_PICTURE)
            },
            Opening("unknown flag", FL_ERROR_FLAGS, "flags") { $0.header.flags = 1 << 30 },
            Opening("endless body", FL_ERROR_BODY_SIZE, "body_bytes") {
                $0.header.body_bytes = .max
            },
            Opening("short body", FL_ERROR_BODY_SIZE, "body_bytes") { $0.header.body_bytes = 8 },
            Opening("payload of 2^63", FL_ERROR_PAYLOAD_SIZE, "payload_bytes") {
                $0.header.payload_bytes = 1 << 63
            },
            Opening("FRAME before OPEN", FL_ERROR_UNEXPECTED_MESSAGE) {
                $0 = .frame(1, SyntheticFrame(HostileClients.size, index: 0))
            },
            Opening("RESET before OPEN", FL_ERROR_UNEXPECTED_MESSAGE) {
                $0 = WireMessage(FL_RESET)
            },
        ]

        @Test(arguments: openings) func refusesByName(_ opening: Opening) throws {
            let session = try RawSession(daemon)
            try session.socket.write(opening.bytes)
            let error = try session.error()
            #expect(error.code == opening.code, "\(text(error.text))")
            #expect(error.severity == FL_SEVERITY_SESSION)
            #expect(opening.field.isEmpty || text(error.field) == opening.field)
            #expect(!text(error.text).isEmpty)
            #expect(try session.isClosed())
            try daemon.expectGoodService()
        }

        @Test func survivesGarbage() throws {
            var random = SplitMix(state: 42)
            for round in 0..<20 {
                let session = try RawSession(daemon)
                var bytes = (0..<2000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                // Half of the rounds get past the magic number.
                if round % 2 == 0 {
                    bytes.replaceSubrange(
                        0..<6, with: WireMessage(FL_OPEN).bytes.prefix(6))
                }
                try session.socket.write(bytes)
                #expect(try session.isClosed())
            }
            try daemon.expectGoodService()
        }

        @Test func survivesMutatedSessions() throws {
            var random = SplitMix(state: 7)
            let talk =
                WireMessage.open(open).bytes
                + WireMessage.frame(1, SyntheticFrame(Self.size, index: 0)).bytes
                + WireMessage(FL_CLOSE).bytes
            for _ in 0..<30 {
                var bytes = talk
                for _ in 0..<3 {
                    // Nearly always in a header or body: pixels cannot be wrong.
                    let place = Int(random.next() % 700)
                    bytes[place] = UInt8(truncatingIfNeeded: random.next())
                }
                let session = try RawSession(daemon)
                try session.socket.write(bytes)
                // A changed length can leave the daemon waiting for more, which is not its fault.
                session.socket.endWriting()
                #expect(try session.isClosed())
            }
            try daemon.expectGoodService()
        }

        @Test(arguments: [10, 32, 200, 32 + 328, 5000, 40_000])
        func survivesAClientThatIsKilledIn(byte count: Int) throws {
            do {
                let session = try RawSession(daemon)
                let talk =
                    WireMessage.open(open).bytes
                    + WireMessage.frame(1, SyntheticFrame(Self.size, index: 0)).bytes
                try session.socket.write(Array(talk.prefix(count)))
            }
            try daemon.waitUntilUnused()
            try daemon.expectGoodService()
        }

        @Test func survivesAClientThatIsKilledWhileItsFrameRenders() throws {
            for _ in 0..<5 {
                let session = try RawSession(daemon, open)
                try session.send(1, SyntheticFrame(Self.size, index: 0))
                try session.send(2, SyntheticFrame(Self.size, index: 1))
            }
            try daemon.waitUntilUnused()
            #expect(try daemon.stats().total.frames.isBalanced)
            try daemon.expectGoodService()
        }

        /// Its messages are read slowly; once it is gone nobody waits for them.
        @Test func whoFloodsAndLeavesIsForgotten() throws {
            do {
                let session = try RawSession(daemon, open)
                let resets = (0..<3000).flatMap { _ in WireMessage(FL_RESET).bytes }
                try session.socket.write(resets)
            }
            // Reading all of them would take half a minute.
            try daemon.waitUntilUnused(seconds: 12)
            try daemon.expectGoodService()
        }

        @Test func refusesAFrameWhoseSizeWasNotAgreed() throws {
            for bytes in [UInt64(0), 1, UInt64(Self.size.pixelCount * 11 + 1), 1 << 63, .max] {
                let session = try RawSession(daemon, open)
                var message = WireMessage.frame(1, SyntheticFrame(Self.size, index: 0))
                message.payload = []
                message.header.payload_bytes = bytes
                try session.socket.send(message)
                let error = try session.error()
                #expect(error.code == FL_ERROR_PAYLOAD_SIZE)
                #expect(error.limit == Double(Self.size.pixelCount * 11))
            }
            try daemon.expectGoodService()
        }

        @Test func refusesASecondOpen() throws {
            let session = try RawSession(daemon, open)
            try session.socket.send(.open(open))
            #expect(try session.error().code == FL_ERROR_UNEXPECTED_MESSAGE)
            #expect(try session.isClosed())
            try daemon.expectGoodService()
        }

        @Test(arguments: [UInt64(5), 4, 0]) func refusesIdsThatDoNotGrow(id: UInt64) throws {
            let session = try RawSession(daemon, open)
            let frame = SyntheticFrame(Self.size, index: 0)
            _ = try session.render(5, frame)
            try session.send(id, frame)
            let error = try session.error()
            #expect(error.code == FL_ERROR_FRAME_ORDER)
            #expect(error.value == Double(id) && error.limit == 5)
            try daemon.expectGoodService()
        }

        @Test(arguments: [Double.nan, .infinity, 1e300])
        func refusesAFrameWithABrokenCameraAndGoesOn(value: Double) throws {
            let session = try RawSession(daemon, open)
            let good = SyntheticFrame(Self.size, index: 0)
            let first = try session.render(1, good)
            var broken = good
            broken.body.camera.fx = value
            try session.send(2, broken)
            let error = try session.error()
            #expect(error.code == FL_ERROR_CAMERA)
            #expect(error.severity == FL_SEVERITY_FRAME)
            #expect(text(error.field) == "camera.fx")
            var singular = good
            singular.body.camera.camera_to_world.0 = 0
            try session.send(3, singular)
            #expect(try session.error().code == FL_ERROR_CAMERA)
            // Neither was rendered: the history is still the first frame.
            let next = try session.render(4, good)
            #expect(next.info.history_frame == 1)
            #expect(next.pixels.count == first.pixels.count)
            try daemon.expectGoodService()
        }

        @Test func pixelsCannotBeWrong() throws {
            var open = open
            open.depth_scale = 1
            SyntheticFrame.setPlanes(
                &open,
                [
                    (FL_BASE_COLOR, FL_RGBA8_SRGB, 0), (FL_NORMALS, FL_RGB8_UNORM, 0),
                    (FL_DEPTH, FL_R32F, 0), (FL_ROUGHNESS, FL_R8, 0), (FL_MOTION, FL_RG16F, 0),
                ])
            open.motion_scale_x = 1
            open.motion_scale_y = 1
            let session = try RawSession(daemon, open)
            var random = SplitMix(state: 1)
            for id in UInt64(1)...3 {
                var frame = SyntheticFrame(Self.size, index: Int(id))
                let strange: [Float] = [
                    .nan, .infinity, -.infinity, -1, 1e38, .leastNonzeroMagnitude, 0, 3,
                ]
                frame.planes[2] = (0..<Self.size.pixelCount).flatMap { _ in
                    WireMessage.bytes(of: strange[Int(random.next() % 8)])
                }
                frame.planes[4] = (0..<Self.size.pixelCount * 4).map { _ in
                    UInt8(truncatingIfNeeded: random.next())
                }
                #expect(try session.render(id, frame).frameID == id)
            }
            try daemon.expectGoodService()
        }
    }
}

/// Small and seeded, so that a failure can be had again.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
