// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import TestSupport

@testable import FrameSession

/// Drives one session as the daemon does, with a clock that only tests move.
struct SessionHarness {
    var session: Session
    /// Nanoseconds.
    var now: UInt64 = 1_000_000_000
    var layout = SessionHarness.layout()

    /// What the session asked for and has not been given yet.
    var payloadTarget: PixelStorage?
    var skippedPayload: UInt64?
    /// Bytes that the awaited descriptor must have.
    var awaitedShare: Int?
    /// Where in shared memory frames were read from and pictures written to, in order.
    var slotPositions: [Int] = []
    var inlinePictures: [[UInt8]] = []
    var admission: AdmissionRequest?
    /// Asked for with the first cut after a reload.
    var renewals: [AdmissionRequest] = []
    var conversion: HistoryConversion?
    var jobs: [FrameJob] = []
    var isReading = true
    var unwritten = 0
    var cancelled = 0
    var ends: [EndReason] = []
    var qualityChanges: [FrameQuality] = []
    /// Everything sent, in order.
    var replies: [Reply] = []
    var pictures: [PixelStorage] = []

    init(settings: SessionSettings = SessionSettings()) {
        session = Session(id: 7, settings: settings, now: now)
    }

    static func layout(
        size: FrameSize = FrameSize(width: 32, height: 32), motion: Bool = false,
        known: Bool = false, normalSpace: NormalSpace = .world,
        depth: DepthEncoding = .linear(metresPerUnit: 1, far: .infinity),
        depthFormat: PixelFormat = .r32Float, baseColorFormat: PixelFormat = .rgba8sRGB,
        origin: RowOrigin = .topLeft
    ) -> GBufferLayout {
        var kinds: [(kind: PlaneKind, format: PixelFormat)] = [
            (.baseColor, baseColorFormat), (.normals, .rgb8UNorm), (.depth, depthFormat),
            (.roughness, .r8),
        ]
        if motion { kinds.append((.motion, .rg16Float)) }
        if known { kinds.append((.known, .rgba8sRGB)) }
        return GBufferLayout(
            packed: kinds, size: size, origin: origin, normalSpace: normalSpace, depth: depth,
            motion: motion ? MotionEncoding(scaleX: 1, scaleY: 1, isJittered: false) : nil)
    }

    static let admitted = Admission(
        plannedBytes: 12_345, model: "atrium", modelVersion: "1", precision: "fp32",
        kernelPath: "portable-fp32")

    /// As the owner was told.
    private(set) var failedFrames: [UInt64] = []

    // MARK: Events

    mutating func open(
        mailbox: Mailbox = .latest, budget: UInt64? = nil, history: HistoryDescription? = nil,
        seed: UInt64 = 0, shares: Bool = false
    ) {
        let request = OpenRequest(
            layout: layout, mailbox: mailbox, frameBudgetNanoseconds: budget, seed: seed,
            wantsSharedMemory: shares,
            scales: ConditioningScales(controlThousandths: 1500))
        receive(.open(request, history: history))
        admit()
    }

    mutating func admit() { perform(session.admitted(Self.admitted, now: now)) }

    mutating func renew(_ admission: Admission?) {
        perform(session.renewed(admission, now: now))
    }

    mutating func receive(_ message: Message) { perform(session.receive(message, now: now)) }

    mutating func announce(_ id: UInt64, _ change: (inout FrameMessage) -> Void = { _ in }) {
        var message = FrameMessage(frameID: id, payloadByteCount: UInt64(layout.byteCount))
        change(&message)
        receive(.frame(message))
    }

    mutating func finishPayload() {
        payloadTarget = nil
        skippedPayload = nil
        perform(session.payloadFinished(now: now))
    }

    mutating func sendFrame(_ id: UInt64, _ change: (inout FrameMessage) -> Void = { _ in }) {
        announce(id, change)
        finishPayload()
    }

    /// A render thread begins the oldest job.
    @discardableResult
    mutating func begin() -> FrameRequest? { jobs.first?.take(now: now) }

    mutating func finish(
        _ outcome: JobResult.Outcome = .finished, startedAt: UInt64? = nil,
        usedHistoryFrame: UInt64? = nil, work: FrameWork = .full
    ) {
        let job = jobs.removeFirst()
        job.rendered(historyFrame: usedHistoryFrame, work: work)
        var times = StageTimes()
        times.convert = 1
        times.render = 2
        times.encode = 3
        perform(
            session.renderFinished(
                job,
                JobResult(
                    id: 0, session: session.id, outcome: outcome, startedAt: startedAt ?? now,
                    finishedAt: now, times: times), load: 0.5, now: now))
    }

    @discardableResult
    mutating func render(_ outcome: JobResult.Outcome = .finished) -> FrameRequest? {
        let request = begin()
        finish(outcome)
        return request
    }

    mutating func write() {
        unwritten -= 1
        perform(session.replyWritten(now: now))
    }

    mutating func writeAll() { while unwritten > 0, ends.isEmpty { write() } }

    mutating func tick(writeStall: UInt64 = 0) {
        perform(session.tick(now: now, writeStall: writeStall))
    }

    mutating func perform(_ actions: [SessionAction]) {
        for action in actions {
            switch action {
            case .admit(let request): admission = request
            case .renewModel(let request): renewals.append(request)
            case .receivePayload(let storage): payloadTarget = storage
            case .skipPayload(let byteCount): skippedPayload = byteCount
            case .receiveDescriptor(let byteCount): awaitedShare = byteCount
            case .readSlot(let storage, let position):
                payloadTarget = storage
                slotPositions.append(position)
            case .convertHistory(let conversion): self.conversion = conversion
            case .start(let job): jobs.append(job)
            case .cancelJob: cancelled += 1
            case .send(let bytes):
                unwritten += 1
                record(bytes)
            case .sendPicture(let bytes, let picture):
                unwritten += 1
                pictures.append(picture)
                record(bytes)
            case .sendPictureInSlot(let bytes, let inline, let picture, let position):
                unwritten += 1
                pictures.append(picture)
                slotPositions.append(position)
                inlinePictures.append(inline)
                record(bytes)
            case .setReading(let reads): isReading = reads
            case .frameFailed(_, let frameID): failedFrames.append(frameID)
            case .qualityChanged(let quality): qualityChanges.append(quality)
            case .end(let reason): ends.append(reason)
            }
        }
    }

    private mutating func record(_ bytes: [UInt8]) {
        var decoder = ReplyDecoder()
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(decoder.wantedByteCount)
            rest = rest.dropFirst(piece.count)
            if let reply = try? decoder.append(piece) { replies.append(reply) }
        }
    }

    // MARK: What came out

    var pictureReplies: [PictureReply] {
        replies.compactMap { if case .picture(let picture) = $0 { picture } else { nil } }
    }

    var pictureIDs: [UInt64] { pictureReplies.map(\.frameID) }

    var errors: [ErrorReply] {
        replies.compactMap { if case .error(let error) = $0 { error } else { nil } }
    }

    var openedReplies: [OpenedReply] {
        replies.compactMap { if case .opened(let opened) = $0 { opened } else { nil } }
    }
}

extension JobResult.Outcome {
    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func failed(reason: String) -> Self { .failed(Failure(description: reason)) }
}

extension SessionHarness {
    /// A session whose opening has been answered.
    static func opened(_ mailbox: Mailbox = .latest, budget: UInt64? = nil) -> SessionHarness {
        var client = SessionHarness()
        client.open(mailbox: mailbox, budget: budget, seed: 77)
        client.writeAll()
        return client
    }

    static func camera(near: Double, far: Double) -> Camera {
        Camera(
            fx: 32, fy: 32, cx: 16, cy: 16, near: near, far: far,
            cameraToWorld: Camera.Rows(
                x: [1, 0, 0, 0], y: [0, 1, 0, 0], z: [0, 0, 1, 0], w: [0, 0, 0, 1]))
    }
}
