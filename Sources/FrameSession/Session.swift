// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

/// What one client may do next: a value without clock, sockets or threads. Time (nanoseconds of any
/// steady clock) and events go in, actions come out, to be performed in order.
///
/// Loop thread only; of what it hands out, `FrameJob` and `HistoryConversion` go to render threads.
///
/// | When | Call |
/// |---|---|
/// | the socket delivered bytes of any kind | `bytesArrived` |
/// | the decoder returned a message | `receive` |
/// | the decoder threw | `protocolFailed` |
/// | a payload of `.receivePayload`, `.skipPayload` or `.readSlot` is complete | `payloadFinished` |
/// | a slot could not be read | `slotUnreadable` |
/// | the descriptor of `.receiveDescriptor` came, or something else | `shareReceived` |
/// | `.admit` is decided | `admitted` or `refused` |
/// | a newer version of the session's model is served | `modelReplaced` |
/// | `.renewModel` is done or given up | `renewed` |
/// | the job of `.convertHistory` is done | `historyConverted` |
/// | the job of `.start` ended in any way | `renderFinished` |
/// | a write of `.send` or `.sendPicture` was taken by the socket, in order | `replyWritten` |
/// | a few times a second | `tick` |
/// | the connection broke or the client hung up | `connectionLost` |
/// | the daemon stops | `drain` |
///
/// Each returns actions, which may be answered from inside the loop that performs them. After
/// `.setReading(false)` no further message is given to `receive` until
/// `.setReading(true)`; a session reads from the start. After `.end` calls change nothing but the
/// counters of a job that is still running; once `isDone` the session can be forgotten.
package struct Session: Sendable {
    package let id: UInt64
    let settings: SessionSettings

    var phase = Phase.connected
    var incoming = Incoming.nothing
    /// Set at the first admission.
    package internal(set) var agreement: Agreement?
    var storages: SessionStorages?
    /// Where frames in slots lie, once the client's memory was taken.
    package internal(set) var slots: SlotTable?

    /// Complete frames that no job has been submitted for, oldest first.
    var waiting: [ReceivedFrame] = []
    var job: FrameJob?
    package internal(set) var history: FrameHistory?
    var historyStart = HistoryStart.none

    /// Id of the newest frame of the client, refused ones included.
    var lastFrameID: UInt64?
    /// The next complete frame starts without history.
    var isResetPending = false
    /// A newer version of its model is served: the next frame without history is rendered with it.
    var isModelOutdated = false
    /// Frames wait until what the newer version needs is there.
    var isRenewing = false
    var dropped = DroppedFrames()
    var lastDropWasLate = false
    /// Writes that the socket has not taken yet, oldest first.
    var pendingWrites: [PendingWrite] = []
    /// Last byte of a frame to its picture handed to the socket, for the newest picture; nanoseconds.
    package internal(set) var lastPictureAge: UInt64 = 0
    /// Smoothed time of rendering one frame, nanoseconds.
    var renderEstimate: UInt64 = 0
    /// Which level the next frame is rendered at.
    var control = QualityControl([.full])

    var connectedAt: UInt64
    var lastActivity: UInt64
    private var reads = true
    private var actions: [SessionAction] = []
    /// Without the frames that wait or are being rendered.
    var counted = WorkCounts()

    /// Enough for every reply that belongs to frames in flight; a client that causes more without
    /// reading them is not read either.
    static let maxPendingWrites = 16

    enum Phase: Sendable {
        case connected
        case admitting(AdmissionRequest, HistoryDescription?, keepsHistory: Bool)
        case receivingHistory
        case convertingHistory(HistoryConversion)
        case running
        /// The frames of the old layout finish first.
        case reconfiguring(OpenRequest, keepsHistory: Bool)
        /// As asked by the client, after what it sent.
        case closing
        /// The daemon stops: after what is being rendered.
        case draining
        case ended(EndReason)
    }

    enum Incoming: Sendable {
        case nothing
        case history(HistoryDescription, PixelStorage)
        case frame(FrameMessage, PixelStorage, previousFrameID: UInt64?, since: UInt64)
        case refusedFrame(RefusedFrame)
        /// With what is wrong about it.
        case share(SlotTable, ProtocolError?)
    }

    /// What client and daemon agreed last.
    package struct Agreement: Sendable, Equatable {
        package var request: OpenRequest
        package var admission: Admission
    }

    struct PendingWrite: Sendable {
        var picture: PixelStorage?
        var queuedAt: UInt64
    }

    package init(id: UInt64, settings: SessionSettings, now: UInt64) {
        self.id = id
        self.settings = settings
        connectedAt = now
        lastActivity = now
    }

    // MARK: What others may ask

    package var counters: WorkCounts {
        var counters = counted
        counters.frames.waiting = UInt64(waiting.count)
        if let job {
            if job.isQueued { counters.frames.waiting += 1 } else { counters.frames.rendering = 1 }
        }
        return counters
    }

    package var quality: FrameQuality { control.quality }

    /// What the next frame starts from.
    package var historyState: HistoryStart { isResetPending ? .none : historyStart }

    /// Since the last whole frame came or a reply was taken, nanoseconds.
    package func idleTime(now: UInt64) -> UInt64 { now > lastActivity ? now - lastActivity : 0 }

    package var hasEnded: Bool { if case .ended = phase { true } else { false } }

    /// It is open, and nothing of it is under way.
    package var isUnused: Bool {
        guard case .running = phase else { return false }
        return job == nil && waiting.isEmpty && !isRenewing && pendingWrites.isEmpty
    }

    /// It ended and no job holds its memory any more.
    package var isDone: Bool { hasEnded && job == nil }

    // MARK: Messages

    package mutating func bytesArrived(_ byteCount: Int) {
        counted.bytesIn += UInt64(byteCount)
    }

    package mutating func receive(_ message: Message, now: UInt64) -> [SessionAction] {
        perform(now: now) { session in
            switch message {
            case .open(let request, let history):
                session.open(request, history: history, now: now)
            case .frame(let frame): session.frameAnnounced(frame, now: now)
            case .refusedFrame(let refused): session.frameRefused(refused, now: now)
            case .reset:
                if session.requireRunning(message, now: now) { session.isResetPending = true }
            case .share(let slots): session.shareAnnounced(slots, now: now)
            case .reconfigure(let request, let keepsHistory):
                if session.requireRunning(message, now: now) {
                    session.phase = .reconfiguring(request, keepsHistory: keepsHistory)
                }
            case .close:
                if session.requireRunning(message, now: now) { session.phase = .closing }
            }
        }
    }

    package mutating func protocolFailed(
        _ error: ProtocolError, now: UInt64
    ) -> [SessionAction] {
        perform(now: now) { $0.fail(error, now: now) }
    }

    package mutating func payloadFinished(now: UInt64) -> [SessionAction] {
        perform(now: now) { session in
            let incoming = session.incoming
            session.incoming = .nothing
            session.lastActivity = max(session.lastActivity, now)
            switch incoming {
            case .nothing, .share: break
            case .history(let description, let payload):
                session.historyReceived(description, payload, now: now)
            case .frame(let message, let storage, let previousFrameID, let since):
                session.frameReceived(
                    message, storage, previousFrameID: previousFrameID, readTime: now &- since,
                    now: now)
            case .refusedFrame(let refused): session.refusedFrameSkipped(refused, now: now)
            }
        }
    }

    // MARK: Actions

    /// Every event runs through here: what can go on after it goes on.
    mutating func perform(
        now: UInt64, _ change: (inout Session) -> Void
    ) -> [SessionAction] {
        guard !hasEnded else { return [] }
        change(&self)
        if !hasEnded {
            startWaitingFrame(now: now)
            finishPhase(now: now)
        }
        if !hasEnded, mayRead != reads {
            reads = mayRead
            // Stop before anything that may be answered at once, go on after it.
            actions.insert(.setReading(reads), at: reads ? actions.endIndex : 0)
        }
        defer { actions.removeAll(keepingCapacity: true) }
        return actions
    }

    mutating func act(_ action: SessionAction) { actions.append(action) }

    mutating func send(_ bytes: [UInt8], now: UInt64) {
        counted.bytesOut += UInt64(bytes.count)
        pendingWrites.append(PendingWrite(picture: nil, queuedAt: now))
        act(.send(bytes))
    }

    /// Between two messages; the payload of a message is read in any case.
    private var mayRead: Bool {
        guard pendingWrites.count < Self.maxPendingWrites else { return false }
        switch phase {
        case .connected, .receivingHistory: return true
        case .running:
            if case .nothing = incoming { return !(storages?.freeFrames.isEmpty ?? true) }
            return true
        case .admitting, .convertingHistory, .reconfiguring, .closing, .draining, .ended:
            return false
        }
    }

    mutating func requireRunning(_ message: Message, now: UInt64) -> Bool {
        if case .running = phase { return true }
        fail(.unexpectedMessage(name: message.name, reason: unexpectedReason), now: now)
        return false
    }

    var unexpectedReason: String {
        switch phase {
        case .connected: "the first message must be FL_OPEN"
        case .running: "the session is open already"
        case .admitting, .receivingHistory, .convertingHistory, .reconfiguring:
            "FL_OPENED has not been sent yet"
        case .closing, .draining, .ended: "the session is closing"
        }
    }
}
