// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Same input, same bytes: whatever renders, and however often a connection breaks.
    @Suite(.timeLimit(.minutes(3))) struct Continuity {
        private let size = FrameSize(width: 96, height: 64)
        private var open: fl_open { SyntheticFrame.open(size) }

        private func frame(_ id: UInt64) -> SyntheticFrame {
            SyntheticFrame(size, index: Int(id))
        }

        private func pictures(_ daemon: Daemon, _ ids: ClosedRange<UInt64>) throws -> [[UInt8]] {
            let client = try EngineClient(daemon.framePath)
            try client.open(open)
            return try ids.map { try client.render($0, frame($0)) }
        }

        @Test func oneAndTwoRenderThreadsGiveTheSameBytes() throws {
            let one = try Daemon(["render.threads=1"])
            let two = try Daemon(["render.threads=2"])
            #expect(try pictures(one, 1...6) == pictures(two, 1...6))
            #expect(try one.stats().daemon.renderThreads == 1)
            #expect(try two.stats().daemon.renderThreads == 2)
        }

        @Test(arguments: [false, true]) func resumesAfterTheConnectionBroke(shares: Bool) throws {
            let daemon = try Daemon()
            let expected = try pictures(daemon, 1...6)
            let client = try EngineClient(daemon.framePath)
            #expect(fc_share_memory(client.handle, shares ? 1 : 0) == 0)
            try client.open(open)
            #expect(fc_is_sharing(client.handle) == (shares ? 1 : 0))
            var received = try (UInt64(1)...2).map { try client.render($0, frame($0)) }
            try client.send(3, frame(3))
            try client.send(4, frame(4))
            shutdown(fc_fd(client.handle), Int32(SHUT_RDWR))
            received += try takeAllAndResume(client, until: 4)
            received += try (UInt64(5)...6).map { try client.render($0, frame($0)) }
            #expect(received == expected)
        }

        @Test(arguments: [false, true]) func resumesAfterTheDaemonWasKilled(shares: Bool) throws {
            let folder = try TestFolder()
            var daemon = try Daemon(in: folder)
            let expected = try pictures(daemon, 1...6)
            let client = try EngineClient(daemon.framePath)
            #expect(fc_share_memory(client.handle, shares ? 1 : 0) == 0)
            try client.open(open)
            #expect(fc_is_sharing(client.handle) == (shares ? 1 : 0))
            var received = try (UInt64(1)...2).map { try client.render($0, frame($0)) }
            try client.send(3, frame(3))
            try client.send(4, frame(4))
            daemon.program.kill()
            // The killed daemon's sockets are still lying there.
            #expect(access(daemon.framePath, F_OK) == 0)
            daemon = try Daemon(in: folder)
            received += try takeAllAndResume(client, until: 4)
            received += try (UInt64(5)...6).map { try client.render($0, frame($0)) }
            #expect(received == expected)
            try daemon.expectGoodService()
        }

        /// Whether a picture arrives before or after the break is a matter of time.
        private func takeAllAndResume(
            _ client: EngineClient, until last: UInt64
        ) throws -> [[UInt8]] {
            var received: [[UInt8]] = []
            do {
                while true { received.append(try client.wait().pixels) }
            } catch let error as ClientError {
                #expect(error.code == FC_ERROR_CLOSED || error.code == FC_ERROR_SESSION)
            }
            let opened = try client.resume()
            #expect(opened.history == FL_HISTORY_RESUMED)
            while fc_in_flight(client.handle) > 0 || fc_poll(client.handle) > 0 {
                let (reply, pixels) = try client.wait()
                #expect(reply.picture.height == UInt32(size.height))
                received.append(pixels)
                #expect(reply.frame_id <= last)
            }
            return received
        }

        @Test func resumesAcrossAChangeOfSizeWithBottomLeftOrigin() throws {
            let daemon = try Daemon()
            let larger = FrameSize(width: 120, height: 80)
            var opens = [SyntheticFrame.open(size), SyntheticFrame.open(larger)]
            for index in 0..<2 { opens[index].origin = UInt8(FL_ORIGIN_BOTTOM_LEFT) }
            var results: [[UInt8]] = []
            for (breaks, shares) in [(false, false), (true, false), (false, true), (true, true)] {
                let client = try EngineClient(daemon.framePath)
                fc_share_memory(client.handle, shares ? 1 : 0)
                try client.open(opens[0])
                _ = try client.render(1, frame(1))
                try client.reconfigure(opens[1], keepHistory: true)
                if breaks {
                    shutdown(fc_fd(client.handle), Int32(SHUT_RDWR))
                    try client.resume()
                }
                #expect(fc_is_sharing(client.handle) == (shares ? 1 : 0))
                results.append(try client.render(2, SyntheticFrame(larger, index: 2)))
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }

        /// Reversed device depth and RGB10A2 normals in view space, as engines have them.
        @Test func resumesInAnEnginesOwnFormats() throws {
            let daemon = try Daemon()
            var open = open
            open.normal_space = UInt8(FL_NORMALS_VIEW)
            open.depth_kind = UInt8(FL_DEPTH_DEVICE_REVERSED)
            open.depth_scale = 0
            open.depth_near = 0.1
            SyntheticFrame.setPlanes(
                &open,
                [
                    (FL_DEPTH, FL_R32F, 0), (FL_KNOWN, FL_RGBA8_SRGB, 0),
                    (FL_NORMALS, FL_RGB10A2, 0), (FL_BASE_COLOR, FL_RGB8_SRGB, 300),
                    (FL_ROUGHNESS, FL_R8, 0),
                ])
            var results: [[[UInt8]]] = []
            for breaks in [false, true] {
                let client = try EngineClient(daemon.framePath)
                try client.open(open)
                var pictures = [try client.render(1, engineFrame(1))]
                if breaks {
                    shutdown(fc_fd(client.handle), Int32(SHUT_RDWR))
                    try client.resume()
                }
                pictures += try [2, 3].map { try client.render($0, engineFrame($0)) }
                results.append(pictures)
            }
            #expect(results[0] == results[1])
        }

        private func engineFrame(_ id: UInt64) -> SyntheticFrame {
            var frame = frame(id)
            var depth = [UInt8](), known = [UInt8](), normals = [UInt8](), color = [UInt8]()
            for y in 0..<size.height {
                for x in 0..<size.width {
                    let metres = y < 12 ? Float.infinity : 3 + Float(x + y) * 0.02
                    depth += WireMessage.bytes(of: Float(0.1) / metres)
                    known += (x + y) % 7 == 0 ? [200, 10, 10, 128] : [0, 0, 0, 0]
                    normals += WireMessage.bytes(of: UInt32(512 | 600 << 10 | 1000 << 20))
                    color += frame.planes[0][((y * size.width + x) * 4)...].prefix(3)
                }
                color += [UInt8](repeating: 0, count: 300 - size.width * 3)
            }
            frame.planes = [depth, known, normals, color, frame.planes[3]]
            return frame
        }
    }
}
