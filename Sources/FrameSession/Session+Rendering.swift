// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

extension Session {
    /// One job at a time, since a frame needs the history of the one before; and none without a free
    /// picture, so that a picture once rendered is always sent.
    mutating func startWaitingFrame(now: UInt64) {
        guard job == nil, !isRenewing, mayStart, let frame = waiting.first,
            let picture = storages?.freePictures.last
        else { return }
        if isTooLate(frame, now: now) {
            waiting.removeFirst()
            dropForLateness(frame)
            return
        }
        if isModelOutdated, frame.startsFresh { return renewModel() }
        guard let nextHistory = storages?.historyToWrite(besides: history),
            let request = renderRequest(for: frame, picture: picture, nextHistory: nextHistory)
        else { return }
        waiting.removeFirst()
        storages?.freePictures.removeLast()
        let job = FrameJob(frame, request, at: control.quality)
        self.job = job
        allowLateDrop()
        act(.start(job))
    }

    private var mayStart: Bool {
        switch phase {
        case .running, .reconfiguring, .closing: true
        case .connected, .admitting, .receivingHistory, .convertingHistory, .draining, .ended: false
        }
    }

    func renderRequest(
        for frame: ReceivedFrame, picture: PixelStorage, nextHistory: PixelStorage
    ) -> FrameRequest? {
        guard let request = agreement?.request else { return nil }
        return FrameRequest(
            gbuffer: GBuffer(
                layout: request.layout, storage: storages?.converted ?? frame.storage,
                frameID: frame.message.frameID,
                camera: frame.message.camera, jitter: frame.message.jitter,
                motionFrom: frame.motionFrom),
            history: frame.startsFresh ? nil : history, seed: request.seed,
            scales: request.scales, allowsApproximate: frame.message.allowsApproximate,
            sent: frame.storage, picture: picture, nextHistory: nextHistory)
    }

    // MARK: Lateness

    /// When a frame is not worth starting any more: only in a mailbox `latest`, only while a newer
    /// frame is on its way (whoever waits for each reply would otherwise wait for ever), and never
    /// two in a row.
    private func deadline(of frame: ReceivedFrame) -> UInt64? {
        guard let request = agreement?.request, request.mailbox == .latest, !lastDropWasLate,
            let budget = request.frameBudgetNanoseconds, case .frame = incoming
        else { return nil }
        return frame.completedAt + budget
    }

    private func isTooLate(_ frame: ReceivedFrame, now: UInt64) -> Bool {
        deadline(of: frame).map { now > $0 } ?? false
    }

    /// Tells a job that has not begun what holds now.
    func allowLateDrop() {
        if let job { job.allowDropping(after: deadline(of: job.frame)) }
    }

    private mutating func dropForLateness(_ frame: ReceivedFrame) {
        lastDropWasLate = true
        handOnReset(of: frame)
        drop(frame)
    }

    /// The scene was cut before `frame`; the frame that is rendered instead has no history either.
    private mutating func handOnReset(of frame: ReceivedFrame) {
        guard frame.startsFresh else { return }
        if waiting.isEmpty { isResetPending = true } else { waiting[0].startsFresh = true }
    }

    // MARK: Results

    package mutating func renderFinished(
        _ finished: FrameJob, _ result: JobResult, load: Float, seen: SeenPlanes = SeenPlanes(),
        now: UInt64
    ) -> [SessionAction] {
        // Of a frame that was withdrawn nothing is expected.
        guard finished === job else { return [] }
        job = nil
        guard !hasEnded else {
            // Nobody is there to take the picture.
            counted.frames.dropped += 1
            return []
        }
        return perform(now: now) { session in
            if finished.isExpired {
                session.storages?.freePictures.append(finished.picture)
                return session.dropForLateness(finished.frame)
            }
            switch result.outcome {
            case .finished: session.sendPicture(finished, result, load: load, seen: seen, now: now)
            case .failed(let error):
                session.renderFailed(finished, .renderFailed(reason: "\(error)"), now: now)
            case .cancelled:
                session.renderFailed(
                    finished, .renderFailed(reason: "Rendering was cancelled."), now: now)
            }
        }
    }

    private mutating func renderFailed(_ failed: FrameJob, _ error: ProtocolError, now: UInt64) {
        counted.frames.failed += 1
        let frame = failed.frame
        handOnReset(of: frame)
        storages?.freePictures.append(failed.picture)
        storages?.freeFrames.append(frame.storage)
        act(.frameFailed(error, frameID: frame.message.frameID))
        send(
            MessageEncoder.error(
                ErrorReply(error, severity: .frame, frameID: frame.message.frameID)), now: now)
    }

    private mutating func sendPicture(
        _ finished: FrameJob, _ result: JobResult, load: Float, seen: SeenPlanes, now: UInt64
    ) {
        guard let request = agreement?.request else { return }
        let (frame, work) = (finished.frame, finished.work)
        let message = frame.message
        let size = request.layout.size
        if message.showsPlanes {
            // A cut that came with it holds for the next frame that is rendered.
            handOnReset(of: frame)
        } else {
            // What was answered without rendering looks like the frame before, which is kept.
            let kept = work.keepsHistory ? history?.storage : nil
            history = FrameHistory(
                size: size, at: finished.quality, frameID: message.frameID, seed: request.seed,
                camera: message.camera, jitter: message.jitter,
                storage: kept ?? finished.nextHistory)
            historyStart = .kept
        }
        lastDropWasLate = false
        storages?.freeFrames.append(frame.storage)

        let startedAt = result.startedAt ?? result.finishedAt
        var times = result.times
        times.read = frame.readTime
        times.queue = difference(startedAt, frame.completedAt)
        count(times, work, finished.quality)
        if !message.showsPlanes { noteRenderTime(difference(now, startedAt)) }
        if finished.historyFrame != nil { counted.frames.withHistory += 1 }

        var reply = PictureReply(frameID: message.frameID, size: size)
        reply.historyFrame = finished.historyFrame
        reply.clientTime = message.clientTime
        reply.times = times
        reply.age = difference(now, frame.completedAt)
        lastPictureAge = reply.age
        reply.isApproximate = work.isApproximate
        reply.computedShare = work.computedShare
        reply.quality = finished.quality
        reply.seen = seen
        reply.isLate = request.frameBudgetNanoseconds.map { reply.age > $0 } ?? false
        reply.nextSend = UInt64(waiting.count) * renderEstimate
        reply.load = load
        reply.droppedCount = dropped.count
        reply.droppedIDs = dropped.newestIDs
        dropped = DroppedFrames()
        if !message.showsPlanes { noteQuality(reply, finished.quality, request, now: now) }
        let bytes = MessageEncoder.picture(reply)
        counted.bytesOut += UInt64(bytes.count) + reply.payloadByteCount
        pendingWrites.append(PendingWrite(picture: finished.picture, queuedAt: now))
        guard let slot = message.slot, let slots else {
            return act(.sendPicture(bytes, finished.picture))
        }
        reply.isInSlot = true
        act(
            .sendPictureInSlot(
                MessageEncoder.picture(reply), inline: bytes, finished.picture,
                position: slots.picturePosition(slot)))
    }

    /// A picture that was begun at another level says nothing about this one.
    private mutating func noteQuality(
        _ reply: PictureReply, _ quality: FrameQuality, _ request: OpenRequest, now: UInt64
    ) {
        guard quality == control.quality else { return }
        let picture = QualityControl.Picture(
            isMiss: reply.isLate || reply.droppedCount > 0, age: reply.age,
            renderTime: reply.times.job, budget: request.frameBudgetNanoseconds)
        if let level = control.note(picture, now: now) { act(.qualityChanged(level)) }
    }

    private mutating func count(
        _ times: StageTimes, _ work: FrameWork, _ quality: FrameQuality
    ) {
        counted.frames.rendered += 1
        switch quality {
        case .full: break
        case .half: counted.frames.halfLight += 1
        case .quarter: counted.frames.quarterLight += 1
        }
        switch work.kind {
        case .full: break
        case .partial: counted.frames.partial += 1
        case .unchanged: counted.frames.unchanged += 1
        }
        counted.computedFrames += Double(work.computedShare)
        counted.stages.addRendered(times)
    }

    private mutating func noteRenderTime(_ time: UInt64) {
        renderEstimate = renderEstimate == 0 ? time : renderEstimate / 4 * 3 + time / 4
    }

    package mutating func replyWritten(now: UInt64) -> [SessionAction] {
        perform(now: now) { session in
            guard !session.pendingWrites.isEmpty else { return }
            let write = session.pendingWrites.removeFirst()
            if let picture = write.picture {
                // Other replies are no sign of use: a client could ask for them for ever.
                session.lastActivity = max(session.lastActivity, now)
                session.counted.stages.write.add(ns: difference(now, write.queuedAt))
                session.storages?.freePictures.append(picture)
            }
        }
    }
}

/// 0 where two clocks disagree.
private func difference(_ later: UInt64, _ earlier: UInt64) -> UInt64 {
    later > earlier ? later - earlier : 0
}
