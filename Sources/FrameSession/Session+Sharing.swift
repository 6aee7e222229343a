// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

extension Session {
    /// A client's shared memory is announced; its descriptor follows. Whatever is wrong about it, the
    /// session goes on inline.
    mutating func shareAnnounced(_ slots: SlotTable, now: UInt64) {
        guard requireRunning(.share(slots), now: now), let request = agreement?.request else {
            return
        }
        guard request.wantsSharedMemory else {
            return fail(
                .unexpectedMessage(
                    name: "FL_SHARE", reason: "FL_FEATURE_SHARED_MEMORY was not asked for"),
                now: now)
        }
        guard job == nil, waiting.isEmpty else {
            return fail(
                .unexpectedMessage(name: "FL_SHARE", reason: "frames are in flight"), now: now)
        }
        let plan = SessionPlan(request, waitingFrames: settings.waitingFrames)
        let error = slots.check(
            frameByteCount: plan.frameByteCount, pictureByteCount: plan.pictureByteCount,
            slotLimit: plan.frameCount + SlotTable.spareSlots)
        incoming = .share(slots, error)
        act(.receiveDescriptor(byteCount: error == nil ? slots.byteCount : 0))
    }

    /// - Parameter refusal: what is wrong with the descriptor.
    package mutating func shareReceived(
        _ refusal: ProtocolError?, now: UInt64
    ) -> [SessionAction] {
        perform(now: now) { session in
            guard case .share(let slots, let wrong) = session.incoming else { return }
            session.incoming = .nothing
            let error = wrong ?? refusal
            session.slots = error == nil ? slots : nil
            session.send(
                error.map { MessageEncoder.error(ErrorReply($0, severity: .frame)) }
                    ?? MessageEncoder.shared(), now: now)
        }
    }

    /// The memory ended before the frame did.
    package mutating func slotUnreadable(now: UInt64) -> [SessionAction] {
        perform(now: now) { session in
            guard case .frame(let message, let storage, _, _) = session.incoming else { return }
            session.incoming = .nothing
            session.storages?.freeFrames.append(storage)
            session.refusedFrameSkipped(
                RefusedFrame(
                    frameID: message.frameID, isReset: message.isReset, payloadByteCount: 0,
                    isInSlot: true,
                    error: .sharedMemory(
                        field: "slot", found: Double(message.slot ?? 0), limit: 0,
                        reason: "The planes cannot be read from their slot.")), now: now)
        }
    }

    /// What is wrong with a slot that a frame names.
    func check(slot: Int) -> ProtocolError? {
        guard let slots, slot >= slots.slotCount else { return nil }
        return .value(
            field: "slot.slot", found: Double(slot), limit: Double(slots.slotCount - 1),
            needs: "must be one of the shared slots")
    }
}
