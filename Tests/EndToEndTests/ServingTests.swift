// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import FrameTypes
import NeuralDenoiser
import TestSupport
import Testing

extension EndToEnd {
    /// What a client that does everything right gets.
    @Suite(.daemon(), .timeLimit(.minutes(3))) struct Serving {
        private let daemon = SharedDaemon.current!
        private let size = FrameSize(width: 64, height: 64)

        @Test func saysWhatTheSessionIs() throws {
            let session = try RawSession(daemon)
            let opened = try session.open(SyntheticFrame.open(size))
            #expect(opened.session_id > 0)
            #expect(opened.features == 0)
            #expect(text(opened.model) == "atrium")
            #expect(text(opened.model_version) == "6")
            // What the model's own figures choose for this processor.
            let chosen = try Denoiser(
                modelFolder: Paths.models + "/atrium", kernelPath: nil, choosing: .automatic
            ).description
            #expect(text(opened.precision) == chosen.precision)
            #expect(text(opened.kernel_path) == chosen.kernelPath)
            #expect(opened.payload_bytes == UInt64(size.pixelCount * 11))
            #expect(opened.picture_bytes == UInt64(size.pixelCount * 4))
            #expect(opened.planned_bytes > opened.payload_bytes + opened.picture_bytes)
            #expect(opened.max_frames_in_flight >= 2)
            #expect(opened.history == FL_HISTORY_NONE)
        }

        @Test func theConfigurationNamesThePrecision() throws {
            for precision in ["fp32", "int8"] {
                let own = try Daemon(["render.precision=\(precision)"])
                let client = try EngineClient(own.framePath)
                let opened = try client.open(SyntheticFrame.open(size))
                #expect(text(opened.precision) == precision)
                #expect(text(opened.kernel_path).hasSuffix("-\(precision)"))
                _ = try client.render(1, SyntheticFrame(size, index: 0))
            }
        }

        @Test func answersEveryFrameWithItsPictureAndTimes() throws {
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            for id in UInt64(1)...3 {
                let picture = try session.render(id, SyntheticFrame(size, index: Int(id)))
                #expect(picture.frameID == id)
                #expect(picture.info.client_time_ns == 1000 + id)
                #expect(picture.usedHistory == (id > 1))
                #expect(!picture.usedHistory || picture.info.history_frame == id - 1)
                #expect(picture.info.width == 64 && picture.info.height == 64)
                #expect(picture.info.row_stride == 256)
                #expect(picture.info.format == FL_PICTURE_RGBA8_SRGB)
                #expect(picture.info.dropped_count == 0)
                #expect(picture.info.render_ns > 0)
                #expect(picture.info.age_ns >= picture.info.render_ns)
                #expect(picture.info.computed_share == 1)
                #expect(Set(picture.pixels).count > 16)
            }
            try session.socket.send(WireMessage(FL_CLOSE))
            _ = try session.next(FL_CLOSED)
            #expect(try session.isClosed())
        }

        @Test func historyChangesThePicture() throws {
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            let frame = SyntheticFrame(size, index: 2)
            let first = try session.render(1, frame)
            #expect(try session.render(2, frame).pixels != first.pixels)
        }

        @Test(arguments: ["message", "flag"]) func resetStartsWithoutHistory(by way: String) throws
        {
            let frame = SyntheticFrame(size, index: 2)
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            let first = try session.render(1, frame)
            _ = try session.render(2, SyntheticFrame(size, index: 5))
            if way == "message" { try session.socket.send(WireMessage(FL_RESET)) }
            let flags = way == "flag" ? FL_FRAME_RESET : 0
            let again = try session.render(3, frame, flags: flags)
            #expect(!again.usedHistory)
            #expect(again.pixels == first.pixels)
            #expect(try session.render(4, frame).usedHistory)
        }

        @Test(arguments: [true, false])
        func reconfiguresToAnotherSize(keepingHistory: Bool) throws {
            let larger = FrameSize(width: 100, height: 72)
            let frame = SyntheticFrame(larger, index: 1)
            let fresh = try RawSession(daemon, SyntheticFrame.open(larger)).render(1, frame)

            let session = try RawSession(daemon, SyntheticFrame.open(size))
            _ = try session.render(1, SyntheticFrame(size, index: 0))
            let open = SyntheticFrame.open(larger)
            try session.socket.send(.reconfigure(open, keepHistory: keepingHistory))
            let opened = try session.opened()
            #expect(opened.history == (keepingHistory ? FL_HISTORY_KEPT : FL_HISTORY_NONE))
            #expect(opened.picture_bytes == UInt64(larger.pixelCount * 4))
            let picture = try session.render(2, frame)
            #expect(picture.usedHistory == keepingHistory)
            #expect((picture.pixels == fresh.pixels) == !keepingHistory)
        }

        @Test func finishesFramesOfTheOldSizeFirst() throws {
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            let smaller = FrameSize(width: 40, height: 33)
            // All at once, so that the new size is there while the old frames are still waiting.
            for id in UInt64(1)...2 { try session.send(id, SyntheticFrame(size, index: 0)) }
            let open = SyntheticFrame.open(smaller)
            try session.socket.send(.reconfigure(open, keepHistory: true))
            for id in UInt64(1)...2 {
                let picture = try session.picture()
                #expect(picture.frameID == id && picture.pixels.count == size.pixelCount * 4)
            }
            _ = try session.opened()
            let picture = try session.render(3, SyntheticFrame(smaller, index: 1))
            #expect(picture.pixels.count == smaller.pixelCount * 4)
        }

        @Test func rowStridesAndOriginChangeNothing() throws {
            let size = FrameSize(width: 70, height: 50)
            let frames = (0..<2).map { SyntheticFrame(size, index: $0) }
            let plain = try RawSession(daemon, SyntheticFrame.open(size))
            let expected = try [plain.render(1, frames[0]), plain.render(2, frames[1])]

            var open = SyntheticFrame.open(size)
            open.origin = UInt8(FL_ORIGIN_BOTTOM_LEFT)
            let widths = [280, 210, 140, 70, 70]
            let strides = [512, 211, 142, 70, 100]
            SyntheticFrame.setPlanes(
                &open,
                [
                    (FL_BASE_COLOR, FL_RGBA8_SRGB, strides[0]),
                    (FL_NORMALS, FL_RGB8_UNORM, strides[1]), (FL_DEPTH, FL_R16, strides[2]),
                    (FL_ROUGHNESS, FL_R8, strides[3]), (FL_METALLIC, FL_R8, strides[4]),
                ])
            let session = try RawSession(daemon, open)
            for index in 0..<2 {
                var frame = frames[index]
                frame.planes = (0..<5).map { plane in
                    let gap = [UInt8](repeating: 0xAA, count: strides[plane] - widths[plane])
                    let rows = Self.rows(of: frame.planes[plane], byteCount: widths[plane])
                    return rows.reversed().flatMap { $0 + gap }
                }
                let picture = try session.render(UInt64(index + 1), frame)
                let rows = Self.rows(of: picture.pixels, byteCount: 280).reversed()
                #expect(rows.flatMap { $0 } == expected[index].pixels, "frame \(index)")
            }
        }

        private static func rows(of plane: [UInt8], byteCount: Int) -> [ArraySlice<UInt8>] {
            stride(from: 0, to: plane.count, by: byteCount).map { plane[$0..<$0 + byteCount] }
        }

        /// The engine's own drawing is the picture where it is opaque.
        @Test func composesTheKnownPlaneOverThePicture() throws {
            var open = SyntheticFrame.open(size)
            SyntheticFrame.setPlanes(
                &open,
                [
                    (FL_BASE_COLOR, FL_RGBA8_SRGB, 0), (FL_NORMALS, FL_RGB8_UNORM, 0),
                    (FL_DEPTH, FL_R16, 0), (FL_ROUGHNESS, FL_R8, 0), (FL_KNOWN, FL_RGBA8_SRGB, 0),
                ])
            var frame = SyntheticFrame(size, index: 0)
            frame.planes[4] = (0..<size.pixelCount).flatMap { pixel -> [UInt8] in
                pixel % 2 == 0 ? [10, 200, 30, 255] : [0, 0, 0, 0]
            }
            let session = try RawSession(daemon, open)
            let pixels = try session.render(1, frame).pixels
            #expect(Array(pixels[0..<3]) == [10, 200, 30])
            #expect(Array(pixels.suffix(8).prefix(3)) == [10, 200, 30])
            #expect(Set(pixels).count > 16)
        }

        @Test func twoSessionsAtOnceGetTheBytesOfOneAlone() throws {
            let daemon = daemon
            let sizes = [FrameSize(width: 96, height: 64), FrameSize(width: 80, height: 80)]
            let alone = try sizes.indices.map {
                try Self.pictures(daemon, sizes[$0], firstIndex: $0 * 3)
            }
            let together = sizes.indices.map { session in
                Background { try Self.pictures(daemon, sizes[session], firstIndex: session * 3) }
            }
            for session in sizes.indices {
                #expect(try together[session].value() == alone[session], "session \(session)")
            }
        }

        private static func pictures(
            _ daemon: Daemon, _ size: FrameSize, firstIndex: Int
        ) throws -> [[UInt8]] {
            let client = try EngineClient(daemon.framePath)
            try client.open(SyntheticFrame.open(size))
            return try (0..<8).map { index in
                try client.render(
                    UInt64(index + 1), SyntheticFrame(size, index: firstIndex + index))
            }
        }
    }
}
