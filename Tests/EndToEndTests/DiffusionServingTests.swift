// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import Foundation
import FrameTypes
import TestSupport
import Testing

extension EndToEnd {
    /// A model of the framediffuser family beside a compact one.
    @Suite(.timeLimit(.minutes(3))) struct DiffusionServing {
        private let size = FrameSize(width: 64, height: 64)
        private let folder: TestFolder
        private let daemon: Daemon

        init() throws {
            let manager = FileManager.default
            let small = PackageFolder.goldens + "/framediffuser/model"
            folder = try TestFolder()
            for (name, target) in [("atrium", "\(Paths.models)/atrium"), ("small", small)] {
                try manager.createSymbolicLink(
                    atPath: "\(folder.path)/\(name)", withDestinationPath: target)
            }
            // The same with a weight file that has lost its end.
            let broken = "\(folder.path)/broken"
            try manager.copyItem(atPath: small, toPath: broken)
            let shard = "\(broken)/unet/diffusion_pytorch_model-00002-of-00003.safetensors"
            guard truncate(shard, 1_000_000) == 0 else { throw TestFailure("truncate: \(errno)") }
            daemon = try Daemon(["models.folder=\(folder.path)"])
        }

        private func open(_ model: String, _ size: FrameSize) -> fl_open {
            var open = SyntheticFrame.open(size)
            setText(&open.model, model)
            return open
        }

        @Test func servesFramesThatBuildOnEachOther() throws {
            let client = try EngineClient(daemon.framePath)
            let opened = try client.open(open("small", size))
            #expect(text(opened.model) == "small" && text(opened.precision) == "fp32")
            var pictures: [[UInt8]] = []
            for index in 0..<3 {
                try client.send(UInt64(index + 1), SyntheticFrame(size, index: 1))
                let (reply, pixels) = try client.wait()
                #expect((reply.flags & UInt32(FL_PICTURE_HISTORY) != 0) == (index > 0))
                pictures.append(pixels)
            }
            // Noise and previous picture differ from frame to frame.
            #expect(Set(pictures).count == 3)
            try client.finish()
            try daemon.expectGoodService()
        }

        @Test func anotherSessionGetsTheSameBytes() throws {
            var pictures: Set<[UInt8]> = []
            for _ in 0..<2 {
                let client = try EngineClient(daemon.framePath)
                try client.open(open("small", size))
                pictures.insert(try client.render(5, SyntheticFrame(size, index: 2)))
                try client.finish()
            }
            #expect(pictures.count == 1)
        }

        @Test func brokenModelIsRefusedByNameAndNothingElseSuffers() throws {
            let client = try EngineClient(daemon.framePath)
            do {
                try client.open(open("broken", size))
                Issue.record("a broken model was opened")
            } catch let error as ClientError {
                #expect(
                    error.daemonText.contains("00002-of-00003.safetensors: its size in bytes"),
                    "\(error)")
            }
            try daemon.expectGoodService()
        }

        @Test func compactFramesStepInBetween() throws {
            let large = FrameSize(width: 256, height: 256)
            let diffusion = try EngineClient(daemon.framePath)
            try diffusion.open(open("small", large))
            let compact = try EngineClient(daemon.framePath)
            try compact.open(open("atrium", size))
            _ = try compact.render(1, SyntheticFrame(size, index: 1))

            let clock = ContinuousClock()
            let start = clock.now
            try diffusion.send(1, SyntheticFrame(large, index: 0))
            usleep(20_000)
            var slowest = Duration.zero
            for id in UInt64(2)...6 {
                slowest = max(
                    slowest,
                    try clock.measure {
                        _ = try compact.render(id, SyntheticFrame(size, index: Int(id)))
                    })
            }
            let whileBusy = clock.now - start
            _ = try diffusion.wait(milliseconds: 120_000)
            let whole = clock.now - start
            // Five compact frames came and went inside of one frame of diffusion.
            #expect(
                whileBusy < whole && slowest * 3 < whole, "\(slowest), \(whileBusy) of \(whole)")
            try diffusion.finish()
            try compact.finish()
        }
    }
}
