// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import TestSupport
import Testing

@testable import FrameProtocol

@Suite struct MessageDecoderTests {
    @Test(arguments: Samples.messages.indices)
    func everyMessageSurvivesEncodingAndDecoding(index: Int) throws {
        let sample = Samples.messages[index]
        var decoder = MessageDecoder()
        #expect(try decoder.decode(sample.bytes) == [sample.message])
        #expect(decoder.wantedByteCount == 32)
    }

    @Test(arguments: Samples.messages.indices)
    func everySplitOfEveryMessageGivesTheSame(index: Int) throws {
        let sample = Samples.messages[index]
        for split in 1..<sample.bytes.count {
            var decoder = MessageDecoder()
            #expect(try decoder.decode(Array(sample.bytes[..<split])) == [])
            #expect(try decoder.decode(Array(sample.bytes[split...])) == [sample.message])
        }
        for pieces in [1, 3, 31] {
            var decoder = MessageDecoder()
            #expect(try decoder.decode(sample.bytes, pieces: pieces) == [sample.message])
        }
    }

    @Test func messagesFollowEachOther() throws {
        var decoder = MessageDecoder()
        let all = Samples.messages.flatMap(\.bytes)
        #expect(try decoder.decode(all) == Samples.messages.map(\.message))
    }

    @Test func asksForTheHeaderThenForExactlyTheBody() throws {
        var decoder = MessageDecoder()
        #expect(decoder.wantedByteCount == 32)
        let bytes = MessageEncoder.frame(Samples.frame)
        _ = try decoder.append(bytes[..<10])
        #expect(decoder.wantedByteCount == 22)
        _ = try decoder.append(bytes[10..<32])
        #expect(decoder.wantedByteCount == 208)
        let message = try decoder.append(bytes[32...])
        #expect(message?.payloadByteCount == Samples.frame.payloadByteCount)
    }

    @Test func bodiesMayGrowAtTheEnd() throws {
        for sample in Samples.messages {
            var bytes = Samples.changed(
                sample.bytes, header: WireHeader.bodyBytes, UInt32(sample.bytes.count - 32 + 9))
            bytes += [UInt8](repeating: 0xAB, count: 9)
            var decoder = MessageDecoder()
            #expect(try decoder.decode(bytes) == [sample.message])
        }
    }

    @Test func payloadIsWhatThePlanesTake() {
        let layout = Samples.open.layout
        let expected = 48 * 2 + 256 + 48 * 4 + 48 + 64 + 48 * 4 + 48 * 4 + 512
        #expect(layout.byteCount == expected * 32)
        #expect(layout.plane(.normals)?.offset == (48 * 2 + 256) * 32)
        #expect(Samples.history.byteCount == 64 * 40 * (4 + 3 + 2 + 4))
    }

    @Test func motionDirectionBecomesASign() throws {
        let bytes = MessageEncoder.open(Samples.open)
        let turned = Samples.changed(
            bytes, body: WireOpen.motionDirection, UInt8(FL_MOTION_FROM_PREVIOUS))
        var decoder = MessageDecoder()
        guard case .open(let request, _) = try decoder.decode(turned).first else {
            Issue.record("no FL_OPEN")
            return
        }
        #expect(request.layout.motion == MotionEncoding(scaleX: 24, scaleY: -16, isJittered: true))
    }

    @Test func withoutTheirFlagsCameraAndMotionFromMeanNothing() throws {
        var bytes = MessageEncoder.frame(Samples.frame)
        bytes = Samples.changed(bytes, header: WireHeader.flags, UInt32(0))
        bytes = Samples.changed(bytes, body: WireFrame.camera, Double.nan)
        var decoder = MessageDecoder()
        guard case .frame(let frame) = try decoder.decode(bytes).first else {
            Issue.record("no FL_FRAME")
            return
        }
        #expect(frame.camera == nil)
        #expect(frame.motionFrom == nil)
        #expect(!frame.isReset)
    }

    /// Seeded; a mutated message decodes or throws, and what decodes obeys the limits.
    @Test(arguments: 0..<8)
    func mutationsNeverTrap(seed: Int) {
        var random = SplitMix(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1)
        for _ in 0..<2500 {
            var bytes = Samples.messages.randomElement(using: &random)!.bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                bytes[index] =
                    Bool.random(using: &random)
                    ? [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random)!
                    : UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
            }
            var decoder = MessageDecoder()
            let messages = (try? decoder.decode(bytes)) ?? []
            for case .open(let request, let history) in messages {
                #expect(FrameSize.sides.contains(request.layout.size.width))
                #expect(FrameSize.sides.contains(request.layout.size.height))
                #expect(request.layout.byteCount > 0)
                #expect((history?.byteCount ?? 1) > 0)
            }
        }
    }
}

@Suite struct ReplyDecoderTests {
    @Test(arguments: Samples.replies.indices)
    func everySplitOfEveryReplyGivesTheSame(index: Int) throws {
        let sample = Samples.replies[index]
        for split in 1...sample.bytes.count {
            var decoder = ReplyDecoder()
            var found: [Reply] = []
            for part in [sample.bytes[..<split], sample.bytes[split...]] {
                var rest = part
                while !rest.isEmpty {
                    let piece = rest.prefix(decoder.wantedByteCount)
                    rest = rest.dropFirst(piece.count)
                    if let reply = try decoder.append(piece) { found.append(reply) }
                }
            }
            #expect(found == [sample.reply])
        }
    }

    @Test func refusesPicturesOfImpossibleSize() {
        let good = MessageEncoder.picture(Samples.picture)
        let broken: [[UInt8]] = [
            Samples.changed(good, body: WirePicture.width, UInt32(9000)),
            Samples.changed(good, body: WirePicture.rowStride, UInt32(4)),
            Samples.changed(good, body: WirePicture.rowStride, UInt32.max),
            Samples.changed(good, body: WirePicture.format, UInt32(2)),
            Samples.changed(good, header: WireHeader.payloadBytes, UInt64.max),
        ]
        for bytes in broken {
            #expect(throws: ProtocolError.self) {
                var decoder = ReplyDecoder()
                _ = try decoder.append(bytes[..<32])
                _ = try decoder.append(bytes[32...])
            }
        }
    }

    @Test func keepsTheNewestDroppedIDs() throws {
        var picture = Samples.picture
        picture.droppedCount = 40
        picture.droppedIDs = (0..<40).map { UInt64($0) }
        var decoder = ReplyDecoder()
        let bytes = MessageEncoder.picture(picture)
        _ = try decoder.append(bytes[..<32])
        guard case .picture(let decoded) = try decoder.append(bytes[32...]) else {
            Issue.record("no picture")
            return
        }
        #expect(decoded.droppedCount == 40)
        #expect(decoded.droppedIDs == (8..<40).map { UInt64($0) })
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
