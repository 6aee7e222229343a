// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameProtocol
import FrameSession
import FrameSocket
import FrameTypes

/// One connection and its session: brings bytes to the session and performs its actions.
/// Loop thread only.
final class Client {
    /// Where the next bytes of the socket belong.
    private enum Reading {
        case message
        case payload(PixelStorage, received: Int)
        case skip(UInt64)
        /// A descriptor of at least so many bytes of shared memory.
        case descriptor(byteCount: Int)
        /// Not of the socket: planes that come from a slot, a piece a turn.
        case slot(PixelStorage, position: Int, done: Int)
    }

    let id: UInt64
    let connection: Connection
    /// Created by the server, told everything by this object.
    private(set) var session: Session
    /// What the server holds for this session since it was admitted.
    var grant: Grant?
    /// Submitted and not reported yet, by id.
    var jobs: [UInt64: PendingJob] = [:]
    /// Looks at what is sent since the session was admitted.
    var doctor: SessionDoctor?
    /// From the first picture on: it takes as much as a hundred connections.
    private(set) var latency: LatencyHistogram?
    /// What was booked to models that the session used before.
    var booked = WorkCounts()
    /// Of frames that got no picture: the newest, and what of it goes into the log.
    var lastError: FrameErrorReport?
    var errorLimiter = LogLimiter()
    /// What this client used of the loop's time, and of its patience with messages without pixels.
    private var loopTime = LoopBudget.Account()
    private var messageTime = LoopBudget.Account()
    /// Over its budget: the server reads on when that has passed.
    private(set) var isPaused = false
    private var readStart: UInt64 = 0
    let connectedAt = EventLoop.now
    private(set) var isClosed = false

    private unowned let server: Server
    private var decoder = MessageDecoder()
    private var reading = Reading.message
    private var readsMessages = true
    /// Where this client's frames in slots are.
    private var sharedMemory: SharedMemoryFile?
    /// A picture that goes into a slot, a piece a turn, and what is said after it.
    private var slotPicture: SlotPicture?
    private var heldWrites: [(bytes: [UInt8], picture: PixelStorage?)] = []
    private var actions: [SessionAction] = []
    private var isPerforming = false

    init(id: UInt64, connection: Connection, settings: SessionSettings, server: Server) {
        self.id = id
        self.connection = connection
        self.server = server
        session = Session(id: id, settings: settings, now: connectedAt)
    }

    /// The connection holds this object until it is closed.
    func start() {
        connection.start(
            .init(
                isLight: {
                    self.server.budget.isLight(
                        user: self.connection.peer.userID, now: EventLoop.now)
                },
                nextTarget: { self.nextTarget() },
                didRead: { self.didRead($0) },
                didEnd: { _ in self.tell { $0.connectionLost(now: $1) } },
                didClose: { self.didClose() }))
    }

    /// Tells the session something and performs what it answers.
    func tell(_ event: (inout Session, _ now: UInt64) -> [SessionAction]) {
        actions += event(&session, EventLoop.now)
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        while !actions.isEmpty { perform(actions.removeFirst()) }
    }

    // MARK: Bytes in

    private func nextTarget() -> ReadTarget? {
        let now = EventLoop.now
        guard mayRead(now: now) else {
            pause()
            return nil
        }
        readStart = now
        return switch reading {
        case .message: readsMessages ? .bytes(atMost: decoder.wantedByteCount) : nil
        case .payload(let storage, let received): .storage(storage, received..<storage.byteCount)
        case .skip(let rest): .discard(atMost: Int(min(rest, 64 << 10)))
        case .descriptor: .descriptors
        case .slot: nil
        }
    }

    private func didClose() {
        isClosed = true
        tell { $0.connectionLost(now: $1) }
        server.forgetIfDone(self)
    }

    private func mayRead(now: UInt64) -> Bool {
        guard LoopBudget.mayRead(messages: messageTime, now: now) else { return false }
        return server.budget.mayRead(
            loopTime, user: connection.peer.userID, isAlone: server.clients.count < 2, now: now)
    }

    private func pause() {
        guard !isPaused else { return }
        isPaused = true
        server.resumeLater(self)
    }

    /// Time passes: limits run out, and a client that is not being read may have gone.
    func tick(now: UInt64) {
        if isPaused, connection.hasHungUp {
            // Nobody waits for what its unread messages ask for; a minute of them may be left.
            return tell { $0.connectionLost(now: $1) }
        }
        let stalled = connection.stalledTime(now: now)
        tell { $0.tick(now: $1, writeStall: stalled) }
    }

    /// Reads on, if the budget allows it by now.
    /// - Returns: false if it does not.
    func resumeIfAllowed(now: UInt64) -> Bool {
        guard mayRead(now: now) else { return false }
        isPaused = false
        if case .slot = reading { readSlotPiece() } else { connection.resumeReading() }
        return true
    }

    /// The daemon did not run for so long, nanoseconds.
    func forgive(_ gap: UInt64) {
        session.forgive(gap)
        connection.forgive(gap)
    }

    /// See `Session.modelReplaced`.
    func modelReplaced() { session.modelReplaced() }

    func notePicture(age: UInt64) {
        if latency == nil { latency = LatencyHistogram() }
        latency?.record(ns: age)
    }

    /// What was done for this client since `start` counts against its share.
    private func charge(since start: UInt64) {
        let now = EventLoop.now
        server.budget.charge(
            &loopTime, user: connection.peer.userID, now - min(start, now), now: now)
    }

    private func didRead(_ event: ReadEvent) {
        defer { charge(since: readStart) }
        session.bytesArrived(event.byteCount)
        switch (event, reading) {
        case (.bytes(let bytes), _):
            decode(bytes)
        case (.stored(let count), .payload(let storage, let received)):
            reading = .payload(storage, received: received + count)
            if received + count == storage.byteCount { finishPayload() }
        case (.discarded(let count), .skip(let rest)):
            reading = .skip(rest - UInt64(count))
            if rest == UInt64(count) { finishPayload() }
        case (.attached(let files), .descriptor(let byteCount)):
            reading = .message
            takeSharedMemory(files, byteCount: byteCount)
        default:
            break
        }
    }

    private func decode(_ bytes: [UInt8]) {
        do {
            guard let message = try decoder.append(bytes) else { return }
            if !message.bringsFrame {
                LoopBudget.noteMessage(&messageTime, now: EventLoop.now)
            }
            tell { $0.receive(message, now: $1) }
        } catch {
            tell { $0.protocolFailed(error, now: $1) }
        }
    }

    private func finishPayload() {
        reading = .message
        tell { $0.payloadFinished(now: $1) }
    }

    // MARK: Shared memory

    private func takeSharedMemory(_ files: [SharedMemoryFile], byteCount: Int) {
        sharedMemory = nil
        var refusal: ProtocolError?
        do throws(SharedMemoryFile.Refusal) {
            if byteCount == 0 {
                // The session has refused the slots already: nothing is kept of them.
            } else if !server.mayShareMemory {
                refusal = .sharedMemory(
                    field: "", found: Double(server.connectionLimit), limit: 0,
                    reason: "The daemon has no descriptor left for another client's memory; "
                        + "planes go inline.")
            } else if files.count == 1 {
                try files[0].check(byteCount: byteCount)
                sharedMemory = files[0]
            } else {
                refusal = .sharedMemory(
                    field: "", found: Double(files.count), limit: 1,
                    reason: "\(files.count) descriptors are attached to the payload of FL_SHARE; "
                        + "exactly one is needed.")
            }
        } catch {
            refusal = ProtocolError(error, byteCount: byteCount)
        }
        tell { $0.shareReceived(refusal, now: $1) }
    }

    /// Copied at once: 2 MB take about half a millisecond, and a frame of 512x512 two turns.
    private static let slotPiece = 2 << 20

    var sharesMemory: Bool { sharedMemory != nil }

    private func readSlotPiece() {
        guard case .slot(let storage, let position, let done) = reading else { return }
        let start = EventLoop.now
        guard mayRead(now: start) else { return pause() }
        let piece = done..<min(storage.byteCount, done + Self.slotPiece)
        let isRead = sharedMemory?.read(into: storage, piece, at: position) ?? false
        charge(since: start)
        if isRead, piece.upperBound < storage.byteCount {
            reading = .slot(storage, position: position, done: piece.upperBound)
            return server.loop.later { self.readSlotPiece() }
        }
        reading = .message
        if isRead { session.bytesArrived(storage.byteCount) }
        tell { isRead ? $0.payloadFinished(now: $1) : $0.slotUnreadable(now: $1) }
        connection.resumeReading()
    }

    private struct SlotPicture {
        var picture: PixelStorage
        var position: Int
        var done = 0
        /// The reply for a picture that is in its slot, and for one that has to go inline.
        var bytes, inline: [UInt8]
    }

    private func writeSlotPiece() {
        guard let slot = slotPicture else { return }
        let start = EventLoop.now
        let end = min(slot.picture.byteCount, slot.done + Self.slotPiece)
        let isWritten =
            sharedMemory?.write(slot.picture, slot.done..<end, at: slot.position) ?? false
        charge(since: start)
        if isWritten, end < slot.picture.byteCount {
            slotPicture?.done = end
            return server.loop.later { self.writeSlotPiece() }
        }
        finishSlotPicture(isInSlot: isWritten)
    }

    /// Sends the reply and what waited for it.
    private func finishSlotPicture(isInSlot: Bool) {
        guard let slot = slotPicture else { return }
        slotPicture = nil
        let held = heldWrites
        heldWrites = []
        if isInSlot { write(slot.bytes, nil) } else { write(slot.inline, slot.picture) }
        for reply in held { write(reply.bytes, reply.picture) }
    }

    // MARK: Actions

    private func perform(_ action: SessionAction) {
        switch action {
        case .admit(let request): server.admit(request, for: self)
        case .renewModel(let request): server.renewModel(request, for: self)
        case .receivePayload(let storage): read(.payload(storage, received: 0))
        case .skipPayload(let byteCount): read(.skip(byteCount))
        case .receiveDescriptor(let byteCount): read(.descriptor(byteCount: byteCount))
        case .readSlot(let storage, let position):
            reading = .slot(storage, position: position, done: 0)
            readSlotPiece()
        case .convertHistory(let conversion): server.convert(conversion, for: self)
        case .start(let job): server.render(job, for: self)
        case .cancelJob: server.cancelJobs(of: self)
        case .send(let bytes): write(bytes, nil)
        case .sendPicture(let bytes, let picture):
            server.watches.show(bytes, of: id)
            write(bytes, picture)
        case .sendPictureInSlot(let bytes, let inline, let picture, let position):
            server.watches.show(inline, of: id)
            // One at a time; the reply before it may go inline at any time.
            finishSlotPicture(isInSlot: false)
            slotPicture = SlotPicture(
                picture: picture, position: position, bytes: bytes, inline: inline)
            writeSlotPiece()
        case .setReading(let flag):
            readsMessages = flag
            if flag { connection.resumeReading() }
        case .frameFailed(let error, let frameID): server.frameFailed(error, frameID, of: self)
        case .qualityChanged(let quality): server.qualityChanged(quality, of: self)
        case .end(let reason): end(reason)
        }
    }

    private func read(_ next: Reading) {
        reading = next
        connection.resumeReading()
    }

    private func write(_ bytes: [UInt8], _ picture: PixelStorage?) {
        guard slotPicture == nil else { return heldWrites.append((bytes, picture)) }
        connection.write(bytes, payload: picture) { outcome in
            guard outcome == .sent else { return }
            self.tell { $0.replyWritten(now: $1) }
        }
    }

    private func end(_ reason: EndReason) {
        reading = .message
        finishSlotPicture(isInSlot: false)
        server.sessionEnded(self, reason)
        switch reason {
        case .connectionLost: connection.abort()
        case .closedByClient, .error: connection.closeAfterWrites()
        }
    }
}

extension Message {
    fileprivate var bringsFrame: Bool {
        switch self {
        case .frame, .refusedFrame: true
        case .open, .reset, .share, .reconfigure, .close: false
        }
    }
}

extension ReadEvent {
    fileprivate var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .stored(let count), .discarded(let count): count
        case .attached: 1
        }
    }
}

extension ProtocolError {
    fileprivate init(_ refusal: SharedMemoryFile.Refusal, byteCount: Int) {
        switch refusal {
        case .notSealable:
            self = .sharedMemory(
                field: "", found: 0, limit: 0, reason: "The descriptor of FL_SHARE is no memfd.")
        case .seals(let found):
            self = .sharedMemory(
                field: "", found: Double(found), limit: Double(SharedMemoryFile.neededSeals),
                reason: "The memfd of FL_SHARE needs the seals F_SEAL_SHRINK and F_SEAL_GROW.")
        case .tooSmall(let found):
            self = .sharedMemory(
                field: "slot_count", found: Double(found), limit: Double(byteCount),
                reason: "The memfd of FL_SHARE has \(found) bytes, its slots take \(byteCount).")
        }
    }
}
