// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import Testing

@testable import FrameGateway

@Suite struct OutboxTests {
    private func picture(_ id: UInt64, dropped: [UInt64] = []) -> OutgoingMessage {
        var body = fl_picture()
        body.dropped_count = UInt32(dropped.count)
        withUnsafeMutableBytes(of: &body.dropped_ids) { bytes in
            for (index, id) in dropped.enumerated() {
                bytes.storeBytes(of: id, toByteOffset: 8 * index, as: UInt64.self)
            }
        }
        return OutgoingMessage(
            head: head(FL_PICTURE, id) + withUnsafeBytes(of: body) { Array($0) },
            payload: MessageBuffer(capacity: 4))
    }

    private func head(_ type: UInt32, _ id: UInt64) -> [UInt8] {
        let header = fl_header(
            magic: FL_MAGIC, version: 1, type: UInt16(type), flags: 0, body_bytes: 0,
            payload_bytes: 0, frame_id: id)
        return withUnsafeBytes(of: header) { Array($0) }
    }

    private func ids(_ outbox: Outbox) -> [UInt64] {
        outbox.waiting.map { Outbox.word64($0.head, 24) }
    }

    @Test func aNewerPictureTakesThePlaceOfOneThatWaits() {
        var outbox = Outbox()
        #expect(outbox.add(picture(1)) == nil)
        _ = outbox.add(OutgoingMessage(head: head(FL_ERROR, 9)))
        #expect(outbox.add(picture(3, dropped: [2])) != nil)
        #expect(outbox.add(picture(4)) != nil)
        #expect(ids(outbox) == [9, 4])
        #expect(outbox.droppedCount == 2)
        let newest = outbox.waiting[1].head
        #expect(Outbox.word32(newest, 32 + 100) == 3)
        #expect((0..<4).map { Outbox.word64(newest, 32 + 104 + 8 * $0) } == [1, 2, 3, 0])
    }

    @Test func picturesThatAllWereAskedForAllCome() {
        var outbox = Outbox()
        outbox.takesEvery = true
        #expect(outbox.hasRoom)
        #expect(outbox.add(picture(1)) == nil)
        // The daemon is not read meanwhile, and waits.
        #expect(!outbox.hasRoom)
        _ = outbox.takeNext()
        #expect(outbox.hasRoom)
    }

    @Test func repliesThatNobodyTakesStopTheReading() {
        var outbox = Outbox()
        for id in 0..<64 { _ = outbox.add(OutgoingMessage(head: head(FL_ERROR, UInt64(id)))) }
        #expect(!outbox.hasRoom)
    }

    @Test func listsTheNewestOfManyDroppedFrames() {
        var newer = picture(100, dropped: Array(60..<92)).head
        Outbox.noteDropped(picture(50, dropped: Array(10..<42)).head, in: &newer)
        #expect(Outbox.word32(newer, 32 + 100) == 65)
        #expect(Outbox.word64(newer, 32 + 104) == 60)
        #expect(Outbox.word64(newer, 32 + 104 + 8 * 31) == 91)
    }
}
