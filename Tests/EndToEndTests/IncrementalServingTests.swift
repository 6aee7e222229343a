// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Sessions that ask for frames of which only what changed is rendered.
    @Suite(.timeLimit(.minutes(3))) struct IncrementalServing {
        private let size = FrameSize(width: 160, height: 128)
        private var open: fl_open {
            var open = SyntheticFrame.open(size)
            open.features = FL_FEATURE_INCREMENTAL
            return open
        }

        private var still: SyntheticFrame { SyntheticFrame(size, index: 0) }

        /// With a bright square.
        private func changed(_ step: Int) -> SyntheticFrame {
            var frame = still
            for y in 50..<60 {
                for x in 40 + step..<50 + step {
                    let at = (y * size.width + x) * 4
                    frame.planes[0].replaceSubrange(at..<at + 3, with: [250, 240, 30])
                }
            }
            return frame
        }

        private func render(
            _ client: EngineClient, _ id: UInt64, _ frame: SyntheticFrame, approximate: Bool
        ) throws -> (reply: fc_reply, pixels: [UInt8]) {
            try client.send(id, frame, flags: approximate ? FL_FRAME_APPROXIMATE : 0)
            return try client.wait()
        }

        private func isApproximate(_ reply: fc_reply) -> Bool {
            reply.flags & FL_PICTURE_APPROXIMATE != 0
        }

        @Test func rendersOnlyWhatChangedAndSaysSo() throws {
            // In fp32 a still picture settles everywhere; at int8 a few tiles go on changing by more
            // than 1/255 and are rendered in every frame.
            let daemon = try Daemon(["render.precision=fp32"])
            let client = try EngineClient(daemon.framePath)
            let opened = try client.open(open)
            #expect(opened.features == FL_FEATURE_INCREMENTAL)
            let first = try daemon.stats()
            #expect(first.daemon.memoryCacheBytes > 0)
            #expect(first.sessions.first?.cacheBytes == first.daemon.memoryCacheBytes)

            var id: UInt64 = 1
            var last = try render(client, id, still, approximate: true)
            #expect(last.reply.picture.computed_share == 1 && !isApproximate(last.reply))
            while last.reply.picture.computed_share > 0, id < 60 {
                id += 1
                last = try render(client, id, still, approximate: true)
            }
            #expect(last.reply.picture.computed_share == 0)
            #expect(last.reply.picture.history_frame == id - 1)
            let again = try render(client, id + 1, still, approximate: true)
            #expect(again.pixels == last.pixels && again.reply.picture.computed_share == 0)

            let part = try render(client, id + 2, changed(0), approximate: true)
            #expect(isApproximate(part.reply))
            #expect((0.01...0.7).contains(part.reply.picture.computed_share))
            #expect(part.pixels != last.pixels)

            let stats = try daemon.stats()
            #expect(stats.total.frames.unchanged >= 2)
            #expect(stats.total.frames.partial >= 1)
            #expect(stats.total.frames.rendered == id + 2)
            #expect(stats.total.frames.isBalanced)
        }

        @Test func aClientThatRefusesApproximationGetsTheSameBytesAsWithoutTheCache() throws {
            let daemon = try Daemon()
            let frames = [still, still, still, changed(0), changed(2), still, still]
            var results: [[[UInt8]]] = []
            for open in [SyntheticFrame.open(size), open] {
                let client = try EngineClient(daemon.framePath)
                try client.open(open)
                results.append(
                    try frames.enumerated().map { index, frame in
                        let (reply, pixels) = try render(
                            client, UInt64(index + 1), frame, approximate: false)
                        #expect(!isApproximate(reply))
                        return pixels
                    })
            }
            #expect(results[0] == results[1])
        }

        @Test func anIncrementalSessionResumes() throws {
            let daemon = try Daemon()
            let client = try EngineClient(daemon.framePath)
            try client.open(open)
            for id: UInt64 in 1...12 { _ = try render(client, id, still, approximate: true) }
            let before = try render(client, 13, changed(1), approximate: true)
            shutdown(fc_fd(client.handle), Int32(SHUT_RDWR))
            let opened = try client.resume()
            #expect(opened.history == FL_HISTORY_RESUMED)
            #expect(opened.features == FL_FEATURE_INCREMENTAL)
            // The new session kept nothing: its first frame is rendered whole, from that picture.
            let after = try render(client, 14, changed(1), approximate: true)
            #expect(after.reply.picture.computed_share == 1 && !isApproximate(after.reply))
            let apart = zip(before.pixels, after.pixels).map { abs(Int($0) - Int($1)) }
            #expect(apart.reduce(0, +) < apart.count * 8)
        }

        @Test func anotherSessionMayTakeTheCachesMemory() throws {
            let roomy = try Daemon()
            let alone = try EngineClient(roomy.framePath)
            try alone.open(open)
            for id: UInt64 in 1...3 { _ = try render(alone, id, still, approximate: true) }
            let cacheBytes = try #require(try roomy.stats().sessions.first?.cacheBytes)
            #expect(cacheBytes > 0)
            // Room for one such cache, not two.
            let mebibytes = cacheBytes * 3 / 2 / (1 << 20)
            let daemon = try Daemon(["limits.incremental_memory_mib=\(mebibytes)"])
            let first = try EngineClient(daemon.framePath)
            #expect(try first.open(open).features == FL_FEATURE_INCREMENTAL)
            let second = try EngineClient(daemon.framePath)
            #expect(try second.open(open).features == 0)
            for client in [first, second] {
                for id: UInt64 in 1...3 {
                    _ = try render(client, id, still, approximate: true)
                }
            }
            #expect(try daemon.stats().sessions.map { $0.cacheBytes > 0 } == [true, false])
        }

        @Test func theConfigurationCanSwitchItOff() throws {
            let daemon = try Daemon(["render.incremental=false"])
            let client = try EngineClient(daemon.framePath)
            #expect(try client.open(open).features == 0)
            for id: UInt64 in 1...4 {
                let (reply, _) = try render(client, id, still, approximate: true)
                #expect(reply.picture.computed_share == 1 && !isApproximate(reply))
            }
        }
    }
}
