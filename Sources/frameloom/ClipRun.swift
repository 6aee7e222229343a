// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameControl
import FrameTypes

/// The timed part of `play` and `render`: every frame of the order goes to the renderer, every
/// picture comes back. Nothing is decoded meanwhile, and nothing encoded on this thread.
final class ClipRun {
    struct Settings {
        /// nil: as fast as it goes.
        var framesPerSecond: Double?
        var maxInFlight: Int
        /// Without any reply for so long the run ends.
        var stallSeconds = 60
        var keepsPictures: Bool
        var preview: TerminalPreview?
        /// Gets every picture as it comes, with its frame in the clip and its pass.
        var onPicture: ((_ rgba: [UInt8], _ step: FrameOrder.Step) throws -> Void)?
        /// Whether no further frame is to be sent; those under way are still awaited.
        var isInterrupted: () -> Bool = { false }
    }

    /// What was measured and received, complete up to where the run ended.
    struct Outcome {
        var sent = 0
        var rendered = 0
        var dropped = 0
        var failed = 0
        var late = 0
        var approximate = 0
        /// Sum of the rendered frames' shares.
        var computedShares = 0.0
        var withHistory = 0
        var qualities: [FrameQuality: Int] = [:]
        /// The first failure's sentence.
        var failure: String?
        var nanoseconds: UInt64 = 0
        /// From handing a frame over to having its picture.
        var latency = LatencyHistogram()
        /// From a frame's last byte at the daemon to its reply, less what the denoiser took.
        var daemonShare = LatencyHistogram()
        /// Of this process, all threads.
        var cpuNanoseconds: UInt64 = 0
        var stages = StageTimes()
        /// RGBA8 by clip frame; empty where none was received or kept.
        var firstPass: [[UInt8]]
        /// The same for the last pass, if there are several; memory does not grow with the passes.
        var lastPass: [[UInt8]]
    }

    private let clip: Clip
    private let order: FrameOrder
    private let renderer: any FrameRenderer
    private let settings: Settings
    private(set) var outcome: Outcome

    /// Frames without an answer: step in the order, and when it was handed over.
    private var inFlight: [UInt64: (step: Int, sentAt: UInt64)] = [:]
    private var scratch: [UInt8]
    /// By clip frame, whether the kept pictures came.
    private var received: [Bool]
    private var receivedLast: [Bool]

    init(clip: Clip, order: FrameOrder, renderer: any FrameRenderer, settings: Settings) {
        self.clip = clip
        self.order = order
        self.renderer = renderer
        self.settings = settings
        // Filled before the clock starts, each by itself: fresh memory costs a page fault every 4 KiB.
        let byteCount = clip.size.pixelCount * 4
        let kept = settings.keepsPictures ? clip.frames.count : 0
        scratch = [UInt8](repeating: 0, count: byteCount)
        outcome = Outcome(
            firstPass: (0..<kept).map { _ in [UInt8](repeating: 0, count: byteCount) },
            lastPass: (0..<(order.passCount > 1 ? kept : 0)).map { _ in
                [UInt8](repeating: 0, count: byteCount)
            })
        received = Array(repeating: false, count: kept)
        receivedLast = Array(repeating: false, count: kept)
    }

    /// Throws what ended the run early; `outcome` then holds what had come until then.
    func run(progress: Progress) throws {
        let start = now()
        let startCPU = cpuTime()
        defer {
            outcome.nanoseconds = now() - start
            outcome.cpuNanoseconds = cpuTime() - startCPU
            progress.end()
            forgetUnreceived()
        }
        var nextDue = start
        var lastReplyAt = start
        let spacing = settings.framesPerSecond.map { UInt64(1e9 / $0) } ?? 0
        var last = order.stepCount
        while outcome.sent < last || !inFlight.isEmpty {
            if settings.isInterrupted() { last = outcome.sent }
            let time = now()
            let maySend = outcome.sent < last && inFlight.count < settings.maxInFlight
            if maySend && time >= nextDue {
                try sendNext()
                // Paced frames keep their beat; after a delay they do not come in a burst.
                nextDue = max(nextDue + spacing, time)
                continue
            }
            let stall = UInt64(settings.stallSeconds) * 1_000_000_000
            let patience = min(1_000_000_000, max(1_000_000, lastReplyAt + stall &- time))
            let wait = maySend ? min(nextDue - time, patience) : patience
            if inFlight.isEmpty {
                guard maySend else { break }
                sleep(nanoseconds: wait)
                lastReplyAt = now()
            } else if let reply = try renderer.receive(into: &scratch, waitingNanoseconds: wait) {
                lastReplyAt = now()
                try take(reply, at: lastReplyAt)
                progress.update(outcome.rendered) { detail(since: start, until: lastReplyAt) }
            } else if now() - lastReplyAt > stall {
                throw RunError.stalled(
                    frame: inFlight.keys.min() ?? 0, seconds: settings.stallSeconds)
            }
        }
    }

    private func sendNext() throws {
        let index = outcome.sent
        let step = order[index]
        // Ids start at 1: the protocol keeps 0 for messages about no frame.
        let id = UInt64(index + 1)
        inFlight[id] = (step: index, sentAt: now())
        outcome.sent += 1
        try renderer.send(
            FrameToRender(id: id, clipFrame: step.frame, isReset: step.isJump && index > 0))
    }

    private func take(_ reply: RenderReply, at time: UInt64) throws {
        guard let frame = inFlight.removeValue(forKey: reply.id) else { return }
        guard case .picture = reply.outcome else {
            outcome.failed += 1
            if case .failed(let text) = reply.outcome, outcome.failure == nil {
                outcome.failure = text
            }
            return
        }
        // Pictures come in order, so an older frame without an answer was dropped.
        for id in inFlight.keys where id < reply.id {
            inFlight[id] = nil
            outcome.dropped += 1
        }
        outcome.rendered += 1
        outcome.latency.record(ns: time - frame.sentAt)
        if let age = reply.age {
            outcome.daemonShare.record(ns: age - min(age, reply.stages.job))
        }
        if reply.historyFrame != nil { outcome.withHistory += 1 }
        if reply.isApproximate { outcome.approximate += 1 }
        outcome.computedShares += reply.computedShare
        outcome.qualities[reply.quality, default: 0] += 1
        if reply.isLate { outcome.late += 1 }
        outcome.stages += reply.stages
        settings.preview?.show(clip.size, scratch)
        try settings.onPicture?(scratch, order[frame.step])
        if settings.keepsPictures { keepPicture(of: order[frame.step]) }
    }

    private func keepPicture(of step: FrameOrder.Step) {
        if step.pass == 0 {
            swap(&outcome.firstPass[step.frame], &scratch)
            received[step.frame] = true
        } else if step.pass == order.passCount - 1 {
            swap(&outcome.lastPass[step.frame], &scratch)
            receivedLast[step.frame] = true
        }
    }

    private func forgetUnreceived() {
        for index in received.indices where !received[index] { outcome.firstPass[index] = [] }
        for index in outcome.lastPass.indices where !receivedLast[index] {
            outcome.lastPass[index] = []
        }
    }

    private func detail(since start: UInt64, until time: UInt64) -> String {
        let speed = Double(outcome.rendered) * 1e9 / Double(max(time - start, 1))
        let p50 = milliseconds(outcome.latency.ns(atPercentile: 50))
        return "\(decimal(speed, 1)) fps  \(p50) ms"
    }
}
