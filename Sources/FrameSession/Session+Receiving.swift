// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

extension Session {
    /// Header and body of a frame came; its payload follows.
    mutating func frameAnnounced(_ message: FrameMessage, now: UInt64) {
        guard
            acceptsFrame(
                id: message.frameID, payload: message.payloadByteCount,
                isInSlot: message.slot != nil, now: now),
            let request = agreement?.request
        else { return }
        let wrongSlot = message.slot.flatMap { check(slot: $0) }
        if let error = wrongSlot ?? check(message, against: request) {
            return skip(
                RefusedFrame(
                    frameID: message.frameID, isReset: message.isReset,
                    payloadByteCount: message.payloadByteCount, isInSlot: message.slot != nil,
                    error: error), now: now)
        }
        // Reading was stopped before the last storage was lent.
        guard let storage = storages?.freeFrames.popLast() else {
            return fail(
                .unexpectedMessage(name: "FL_FRAME", reason: "too many frames are in flight"),
                now: now)
        }
        incoming = .frame(message, storage, previousFrameID: lastFrameID, since: now)
        lastFrameID = message.frameID
        allowLateDrop()
        if let slot = message.slot, let slots {
            act(.readSlot(storage, position: slots.framePosition(slot)))
        } else {
            act(.receivePayload(storage))
        }
    }

    /// The decoder found the body unusable.
    mutating func frameRefused(_ refused: RefusedFrame, now: UInt64) {
        guard
            acceptsFrame(
                id: refused.frameID, payload: refused.payloadByteCount, isInSlot: refused.isInSlot,
                now: now)
        else { return }
        skip(refused, now: now)
    }

    private mutating func skip(_ refused: RefusedFrame, now: UInt64) {
        lastFrameID = refused.frameID
        guard !refused.isInSlot else { return refusedFrameSkipped(refused, now: now) }
        incoming = .refusedFrame(refused)
        act(.skipPayload(byteCount: refused.payloadByteCount))
    }

    /// What makes the stream or the order of frames unusable ends the session.
    private mutating func acceptsFrame(
        id: UInt64, payload: UInt64, isInSlot: Bool, now: UInt64
    ) -> Bool {
        guard case .running = phase, let request = agreement?.request else {
            fail(.unexpectedMessage(name: "FL_FRAME", reason: unexpectedReason), now: now)
            return false
        }
        guard !isInSlot || slots != nil else {
            fail(
                .unexpectedMessage(name: "FL_FRAME", reason: "no shared memory was agreed"),
                now: now)
            return false
        }
        // The decoder took care that nothing follows a frame in a slot.
        guard isInSlot || payload == UInt64(request.payloadByteCount) else {
            fail(
                .payloadSize(claimed: payload, expected: UInt64(request.payloadByteCount)),
                now: now)
            return false
        }
        if let lastFrameID, id <= lastFrameID {
            fail(.frameOrder(found: id, last: lastFrameID), now: now)
            return false
        }
        return true
    }

    /// What only the agreement can tell about a frame.
    private func check(
        _ message: FrameMessage, against request: OpenRequest
    ) -> ProtocolError? {
        let layout = request.layout
        if message.camera == nil, let reason = request.sent.needsCamera {
            return .cameraMissing(reason: "\(reason), so every frame needs one")
        }
        if !layout.depth.overruled(by: message.camera).isUsable {
            return .camera(
                field: "camera.near_plane", found: message.camera?.near ?? 0,
                needs: "must be below the far plane, also where one of the two is the agreed one")
        }
        if let motionFrom = message.motionFrom {
            guard layout.motion != nil else {
                return .value(
                    field: "motion_from", found: Double(motionFrom), limit: 0,
                    needs: "needs a motion plane")
            }
            guard motionFrom < message.frameID else {
                return .value(
                    field: "motion_from", found: Double(motionFrom),
                    limit: Double(message.frameID), needs: "must be an earlier frame")
            }
        }
        return nil
    }

    mutating func refusedFrameSkipped(_ refused: RefusedFrame, now: UInt64) {
        counted.frames.received += 1
        counted.frames.failed += 1
        // The scene was cut, whether the frame that said so can be used or not.
        if refused.isReset { isResetPending = true }
        act(.frameFailed(refused.error, frameID: refused.frameID))
        send(
            MessageEncoder.error(
                ErrorReply(refused.error, severity: .frame, frameID: refused.frameID)), now: now)
    }

    /// The last byte of a frame came.
    mutating func frameReceived(
        _ message: FrameMessage, _ storage: PixelStorage, previousFrameID: UInt64?,
        readTime: UInt64, now: UInt64
    ) {
        guard let request = agreement?.request else { return }
        counted.frames.received += 1
        counted.stages.read.add(ns: readTime)
        var frame = ReceivedFrame(
            message: message, storage: storage,
            // Without a statement the plane points to the frame that the client sent before, which
            // may have been dropped here; the denoiser compares it with the history's frame.
            motionFrom: request.layout.motion == nil
                ? nil : message.motionFrom ?? previousFrameID,
            startsFresh: message.isReset || isResetPending, readTime: readTime, completedAt: now)
        isResetPending = false
        guard case .running = phase else {
            // Draining: nothing new is started.
            counted.frames.dropped += 1
            return
        }
        guard request.mailbox == .latest else { return waiting.append(frame) }
        if let older = waiting.popLast() {
            frame.startsFresh = frame.startsFresh || older.startsFresh
            drop(older)
            waiting.append(frame)
        } else if !replaceQueuedFrame(with: &frame) {
            waiting.append(frame)
        }
    }

    /// Puts the frame into the place of one that no render thread has taken yet.
    private mutating func replaceQueuedFrame(with frame: inout ReceivedFrame) -> Bool {
        guard let job else { return false }
        let older = job.frame
        // A job renders or shows planes: what it does is fixed when it is submitted.
        guard older.message.showsPlanes == frame.message.showsPlanes else { return false }
        var newer = frame
        newer.startsFresh = frame.startsFresh || older.startsFresh
        // The job was submitted with the version of the model that a cut leaves.
        guard !(isModelOutdated && newer.startsFresh) else { return false }
        guard
            let request = renderRequest(
                for: newer, picture: job.picture, nextHistory: job.nextHistory),
            job.replace(with: newer, request)
        else { return false }
        drop(older)
        return true
    }

    /// Forgets a frame for the sake of a newer one. Whether it was to start without history is up to
    /// the caller to hand on.
    mutating func drop(_ frame: ReceivedFrame) {
        counted.frames.dropped += 1
        dropped.append(frame.message.frameID, keeping: PictureReply.maxDroppedIDs)
        storages?.freeFrames.append(frame.storage)
    }
}
