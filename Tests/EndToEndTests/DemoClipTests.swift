// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameClip
import FrameProtocol
import FrameTypes
import TestSupport
import Testing

extension EndToEnd {
    /// The job itself: a real clip, each frame from the picture before it.
    @Suite(.daemon(), .timeLimit(.minutes(5))) struct DemoClip {
        private let daemon = SharedDaemon.current!

        /// PyTorch in fp32 reaches 26.72 dB on these frames, autoregressively.
        @Test func reachesTheReferenceQuality() throws {
            let clip = try ClipReader(folder: Paths.demoClip).read()
            try #require(clip.frames.count == 24 && clip.hasCameras && clip.hasReferences)
            let session = try RawSession(daemon)
            try session.socket.write(
                MessageEncoder.open(OpenRequest(layout: clip.layout, mailbox: .every)))
            _ = try session.opened()
            var sum = 0.0
            for (index, frame) in clip.frames.enumerated() {
                let message = FrameMessage(
                    frameID: UInt64(index + 1), camera: frame.camera,
                    payloadByteCount: UInt64(frame.payload.count))
                try session.socket.write(MessageEncoder.frame(message) + frame.payload)
                let picture = try session.picture()
                #expect(picture.usedHistory == (index > 0))
                let image = PNGImage(size: clip.size, channels: 4, bytes: picture.pixels)
                sum += PictureMetrics.psnr(image, try #require(frame.reference))
            }
            let mean = sum / Double(clip.frames.count)
            #expect((mean - 26.72).magnitude < 0.05, "\(mean) dB")
        }
    }
}
