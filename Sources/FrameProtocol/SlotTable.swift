// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol

/// Where frames and pictures lie in shared memory.
package struct SlotTable: Sendable, Equatable {
    package var slotByteCount: Int
    /// From the start of a slot.
    package var pictureOffset: Int
    package var slotCount: Int

    /// Slots beyond the frames in flight that a client may have.
    package static let spareSlots = Int(FL_SPARE_SLOTS)
    /// Far above what any agreement needs, and far from overflowing when multiplied.
    private static let limit = UInt64(1) << 40

    package init(slotByteCount: Int, pictureOffset: Int, slotCount: Int) {
        self.slotByteCount = slotByteCount
        self.pictureOffset = pictureOffset
        self.slotCount = slotCount
    }

    init(_ body: ByteReader) throws(ProtocolError) {
        for (field, offset) in [
            ("slot_bytes", WireShare.slotBytes), ("picture_offset", WireShare.pictureOffset),
        ] {
            let found = body.uint64(at: offset)
            guard found <= Self.limit else {
                throw .value(
                    field: field, found: Double(found), limit: Double(Self.limit),
                    needs: "must be at most \(Self.limit)")
            }
        }
        guard body.uint32(at: WireShare.reserved) == 0 else { throw .reserved(field: "reserved") }
        self.init(
            slotByteCount: Int(body.uint64(at: WireShare.slotBytes)),
            pictureOffset: Int(body.uint64(at: WireShare.pictureOffset)),
            slotCount: Int(body.uint32(at: WireShare.slotCount)))
    }

    /// Whether frames and pictures of these sizes fit, and the slots are not too many.
    package func check(
        frameByteCount: Int, pictureByteCount: Int, slotLimit: Int
    ) -> ProtocolError? {
        func refuse(_ field: String, _ found: Int, _ limit: Int, _ needs: String) -> ProtocolError {
            .value(field: field, found: Double(found), limit: Double(limit), needs: needs)
        }
        guard pictureOffset >= frameByteCount else {
            return refuse(
                "picture_offset", pictureOffset, frameByteCount, "must lie behind a frame's planes")
        }
        let needed = pictureOffset + pictureByteCount
        guard slotByteCount >= needed else {
            return refuse(
                "slot_bytes", slotByteCount, needed, "must hold a frame's planes and its picture")
        }
        guard (1...slotLimit).contains(slotCount) else {
            return refuse("slot_count", slotCount, slotLimit, "must be 1 to \(slotLimit)")
        }
        return nil
    }

    /// What the shared memory must have at least, once `check` found nothing.
    package var byteCount: Int {
        let (bytes, isTooLarge) = slotByteCount.multipliedReportingOverflow(by: slotCount)
        return isTooLarge ? .max : bytes
    }

    package func framePosition(_ slot: Int) -> Int { slot * slotByteCount }
    package func picturePosition(_ slot: Int) -> Int { slot * slotByteCount + pictureOffset }
}
