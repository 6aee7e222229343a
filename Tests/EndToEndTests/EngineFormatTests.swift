// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameClip
import FrameProtocol
import FrameTypes
import TestSupport
import Testing

extension EndToEnd {
    /// The planes of four engines as they lie in their buffers, made of the demo clip by this test's
    /// own arithmetic, against the clip as we store it.
    @Suite(.daemon(), .timeLimit(.minutes(5))) struct EngineFormats {
        private let daemon = SharedDaemon.current!
        private static let frameCount = 3

        private static let clip: Clip? = {
            var options = ClipOptions()
            options.frameLimit = frameCount
            return try? ClipReader(
                folder: Paths.demoClip, options: options
            ).read().withoutEmissive
        }()

        private func pictures(_ engine: EngineFrame.Engine?) throws -> [PNGImage] {
            let clip = try #require(Self.clip)
            let session = try RawSession(daemon)
            let open =
                engine.map { OpenRequest(sent: EngineFrame.layout($0, clip.size), mailbox: .every) }
                ?? OpenRequest(layout: clip.layout, mailbox: .every)
            try session.socket.write(MessageEncoder.open(open))
            let opened = try session.opened()
            return try clip.frames.enumerated().map { index, frame in
                let scene = try EngineFrame(clip, index)
                let payload =
                    engine.map(scene.payload)
                    ?? Array(
                        frame.payload.prefix(clip.layout.byteCount))
                #expect(opened.payload_bytes == UInt64(payload.count))
                let message = FrameMessage(
                    frameID: UInt64(index + 1), camera: engine.map(scene.camera) ?? frame.camera,
                    payloadByteCount: UInt64(payload.count))
                try session.socket.write(MessageEncoder.frame(message) + payload)
                let picture = try session.picture()
                #expect(picture.usedHistory == (index > 0))
                let pixels =
                    engine == .openGL
                    ? picture.pixels.flipped(rowBytes: clip.size.width * 4) : picture.pixels
                return PNGImage(size: clip.size, channels: 4, bytes: pixels)
            }
        }

        /// What remains is quantisation: of depth (the clip has 2.5 mm, the engines floats of those
        /// same values), of normals (8 bits in the clip and in Godot, 10 to 16 in the others) and,
        /// in Godot, of roughness (7 bits).
        @Test(arguments: EngineFrame.Engine.allCases)
        func nativePlanesGiveTheSamePicture(engine: EngineFrame.Engine) throws {
            let ours = try pictures(nil)
            for (index, picture) in try pictures(engine).enumerated() {
                let psnr = PictureMetrics.psnr(picture, ours[index])
                #expect(psnr > 57, "frame \(index + 1): \(psnr) dB")
            }
        }

        /// A session that resumes from what it was sent and got goes on with the same bytes.
        @Test(arguments: [EngineFrame.Engine.unreal, .openGL])
        func resumesWithTheSameBytes(engine: EngineFrame.Engine) throws {
            let clip = try #require(Self.clip)
            let layout = EngineFrame.layout(engine, clip.size)
            let open = OpenRequest(sent: layout, mailbox: .every)
            let scenes = try (0..<2).map { try EngineFrame(clip, $0) }
            func send(_ session: RawSession, _ index: Int) throws -> [UInt8] {
                let payload = scenes[index].payload(engine)
                let message = FrameMessage(
                    frameID: UInt64(index + 1), camera: scenes[index].camera(engine),
                    payloadByteCount: UInt64(payload.count))
                try session.socket.write(MessageEncoder.frame(message) + payload)
                return try session.picture().pixels
            }
            let whole = try RawSession(daemon)
            try whole.socket.write(MessageEncoder.open(open))
            _ = try whole.opened()
            let first = try send(whole, 0)
            let second = try send(whole, 1)

            let history = try #require(
                HistoryDescription(
                    size: clip.size, frameID: 1, seed: 0, camera: scenes[0].camera(engine),
                    jitter: .zero, sent: layout))
            let payload = scenes[0].payload(engine)
            func plane(_ kind: PlaneKind) throws -> ArraySlice<UInt8> {
                let plane = try #require(layout.plane(kind))
                return payload[plane.offset..<plane.offset + plane.rowStride * clip.size.height]
            }
            let resumed = try RawSession(daemon)
            try resumed.socket.write(
                MessageEncoder.open(open, history: history) + first + plane(.baseColor)
                    + plane(.depth))
            #expect(try resumed.opened().history == FL_HISTORY_RESUMED)
            #expect(try send(resumed, 1) == second)
        }

        /// Near the picture of the clip's own normals, which hold what bump maps and smooth shading
        /// added, and whose depth is rough (2.5 mm).
        @Test func normalsFromDepthAndConstants() throws {
            let clip = try #require(Self.clip)
            var layout = SentLayout(clip.layout)
            var bytes: [UInt8] = []
            var offset = 0
            let payload = clip.frames[0].payload
            layout.planes = layout.planes.map { plane in
                var plane = plane
                let from = plane.offset
                if plane.kind == .normals { plane.format = .fromDepth }
                if plane.kind == .metallic { plane.format = .constant }
                plane.rowStride = clip.size.width * plane.format.bytesPerPixel
                plane.offset = offset
                let count = plane.rowStride * clip.size.height
                offset += count
                bytes += payload[from..<from + count]
                return plane
            }
            layout.byteCount = offset
            let session = try RawSession(daemon)
            try session.socket.write(MessageEncoder.open(OpenRequest(sent: layout)))
            _ = try session.opened()
            // Without a camera there is nothing to compute them with.
            let bare = FrameMessage(frameID: 1, payloadByteCount: UInt64(bytes.count))
            try session.socket.write(MessageEncoder.frame(bare) + bytes)
            let refusal = try session.error()
            #expect(refusal.code == FL_ERROR_CAMERA && text(refusal.text).contains("from depth"))
            let message = FrameMessage(
                frameID: 2, camera: clip.frames[0].camera, payloadByteCount: UInt64(bytes.count))
            try session.socket.write(MessageEncoder.frame(message) + bytes)
            let picture = PNGImage(
                size: clip.size, channels: 4, bytes: try session.picture().pixels)
            let psnr = PictureMetrics.psnr(picture, try pictures(nil)[0])
            #expect(psnr > 24, "\(psnr) dB")
        }
    }
}

extension [UInt8] {
    /// Rows from the other end.
    func flipped(rowBytes: Int) -> [UInt8] {
        stride(from: count - rowBytes, through: 0, by: -rowBytes).flatMap {
            self[$0..<$0 + rowBytes]
        }
    }
}
