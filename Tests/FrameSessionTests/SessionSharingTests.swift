// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameProtocol
import FrameTypes
import Testing

@testable import FrameSession

@Suite struct SessionSharingTests {
    private static let picture = 32 * 32 * 4
    private static let frame = SessionHarness.layout().byteCount
    private static let slots = SlotTable(
        slotByteCount: 65_536, pictureOffset: 32_768, slotCount: 5)

    private func sharing(_ slots: SlotTable = slots) -> SessionHarness {
        var client = SessionHarness()
        client.open(shares: true)
        client.writeAll()
        client.receive(.share(slots))
        return client
    }

    private func shared() -> SessionHarness {
        var client = sharing()
        client.perform(client.session.shareReceived(nil, now: client.now))
        client.writeAll()
        return client
    }

    private func announce(_ client: inout SessionHarness, _ id: UInt64, slot: Int) {
        client.announce(id) {
            $0.payloadByteCount = 0
            $0.slot = slot
        }
    }

    @Test func grantsTheFeatureOnlyToWhoAsks() {
        #expect(sharing().openedReplies[0].features & FL_FEATURE_SHARED_MEMORY != 0)
        var client = SessionHarness.opened()
        #expect(client.openedReplies[0].features & FL_FEATURE_SHARED_MEMORY == 0)
        client.receive(.share(Self.slots))
        #expect(client.errors.map(\.code) == [FL_ERROR_UNEXPECTED_MESSAGE])
        #expect(client.session.hasEnded)
    }

    @Test func readsFramesFromTheirSlotsAndAnswersThere() {
        var client = sharing()
        #expect(client.awaitedShare == 5 * 65_536)
        client.perform(client.session.shareReceived(nil, now: client.now))
        #expect(client.replies.last == .shared)
        announce(&client, 1, slot: 4)
        #expect(client.slotPositions == [4 * 65_536])
        #expect(client.payloadTarget?.byteCount == Self.frame)
        client.finishPayload()
        client.render()
        #expect(client.slotPositions == [4 * 65_536, 4 * 65_536 + 32_768])
        #expect(client.pictureReplies.map(\.isInSlot) == [true])
        #expect(client.inlinePictures.count == 1)
        // Inline goes on working beside it.
        client.writeAll()
        client.sendFrame(2)
        client.render()
        #expect(client.pictureReplies.map(\.isInSlot) == [true, false])
    }

    @Test(arguments: [
        (
            SlotTable(slotByteCount: 65_536, pictureOffset: frame - 1, slotCount: 1),
            "picture_offset"
        ),
        (
            SlotTable(slotByteCount: frame + picture - 1, pictureOffset: frame, slotCount: 1),
            "slot_bytes"
        ),
        (SlotTable(slotByteCount: 65_536, pictureOffset: 32_768, slotCount: 0), "slot_count"),
        (SlotTable(slotByteCount: 65_536, pictureOffset: 32_768, slotCount: 8), "slot_count"),
    ])
    func refusesSlotsThatDoNotFitAndGoesOnInline(_ slots: SlotTable, field: String) {
        var client = sharing(slots)
        // The descriptor is on its way all the same.
        #expect(client.awaitedShare == 0)
        client.perform(client.session.shareReceived(nil, now: client.now))
        #expect(client.errors.map(\.field) == [field])
        #expect(client.errors.map(\.severity) == [.frame])
        #expect(client.session.slots == nil)
        client.writeAll()
        client.sendFrame(1)
        client.render()
        #expect(client.pictureIDs == [1])
    }

    @Test func aRefusedDescriptorLeavesTheSessionInline() {
        var client = sharing()
        let reason = ProtocolError.sharedMemory(field: "", found: 0, limit: 1, reason: "None came.")
        client.perform(client.session.shareReceived(reason, now: client.now))
        #expect(client.errors.map(\.code) == [FL_ERROR_SHARED_MEMORY])
        announce(&client, 1, slot: 0)
        #expect(client.errors.map(\.code) == [FL_ERROR_SHARED_MEMORY, FL_ERROR_UNEXPECTED_MESSAGE])
        #expect(client.session.hasEnded)
    }

    @Test func anUnknownSlotIsTheFramesError() {
        var client = shared()
        announce(&client, 1, slot: 5)
        #expect(client.errors.map(\.field) == ["slot.slot"])
        #expect(client.errors.map(\.frameID) == [1])
        #expect(client.skippedPayload == nil)
        client.writeAll()
        announce(&client, 2, slot: 0)
        client.finishPayload()
        client.render()
        #expect(client.pictureIDs == [2])
    }

    @Test func anUnreadableSlotIsTheFramesErrorAndLosesNoStorage() {
        var client = shared()
        for id in 1...6 {
            announce(&client, UInt64(id), slot: 1)
            client.payloadTarget = nil
            client.perform(client.session.slotUnreadable(now: client.now))
            client.writeAll()
        }
        #expect(client.errors.map(\.code) == Array(repeating: FL_ERROR_SHARED_MEMORY, count: 6))
        #expect(client.session.counters.frames.failed == 6)
        announce(&client, 7, slot: 1)
        client.finishPayload()
        client.render()
        #expect(client.pictureIDs == [7])
    }

    @Test func anotherLayoutForgetsTheSlots() {
        var client = shared()
        client.receive(
            .reconfigure(
                OpenRequest(layout: client.layout, wantsSharedMemory: true), keepsHistory: false))
        client.admit()
        client.writeAll()
        announce(&client, 1, slot: 0)
        #expect(client.errors.last?.text.contains("no shared memory was agreed") == true)
    }

    @Test func memoryIsNotChangedUnderFrames() {
        var client = shared()
        announce(&client, 1, slot: 0)
        client.finishPayload()
        client.receive(.share(Self.slots))
        #expect(client.errors.last?.text.contains("frames are in flight") == true)
    }
}
