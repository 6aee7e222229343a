// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CUV
import FrameTypes
import Glibc

/// One client's stream. Loop thread only; it lives until it is closed, held or not.
///
/// Reading is driven by the owner: before each read `nextTarget` says where the next bytes go, so
/// planes land in their storage without a copy. Nothing is read before `start`, and nothing while
/// `nextTarget` answers nil.
package final class Connection {
    package struct Handlers {
        /// Where the next bytes go; nil stops reading until `resumeReading`.
        package var nextTarget: () -> ReadTarget?
        package var didRead: (ReadEvent) -> Void
        /// At most once: no more bytes will come. After `.endOfStream` writing is still possible;
        /// after `.failed` the connection is closed already.
        package var didEnd: (ConnectionEnd) -> Void
        /// Exactly once, last of all; no write is under way any more.
        package var didClose: () -> Void

        /// Whether the peer may be read also when the turn's time is over: one that uses little of it
        /// should not wait for those who use much.
        package var isLight: () -> Bool

        package init(
            isLight: @escaping () -> Bool = { false },
            nextTarget: @escaping () -> ReadTarget?, didRead: @escaping (ReadEvent) -> Void,
            didEnd: @escaping (ConnectionEnd) -> Void, didClose: @escaping () -> Void
        ) {
            self.isLight = isLight
            self.nextTarget = nextTarget
            self.didRead = didRead
            self.didEnd = didEnd
            self.didClose = didClose
        }
    }

    /// Who is at the other end, as the kernel saw it at connect.
    package let peer: PeerCredentials

    let loop: EventLoop
    let handle: LoopHandle
    private let descriptor: Int32
    private var attached = AttachedDescriptors.Outcome.nothingYet
    private var handlers: Handlers?
    private var target: ReadTarget?
    private var isReading = false
    private var hasEnded = false
    /// Set once `closeAfterWrites` was called; the timer then limits how long the rest may take.
    private var closeTimer: LoopTimer?
    private var writesUnderWay = 0
    private var queuedByteCount: UInt64 = 0
    private var progress = WriteProgress()
    /// Reads and bytes in the turn of this number.
    private var taken = (turn: UInt64.max, reads: 0, bytes: 0)
    private var isPostponed = false
    /// Postponed before: its next first read is made whatever the turn has used already.
    private var isOwedRead = false

    /// What one connection may take of a turn: one that always has bytes leaves time for the others.
    private static let readsPerTurn = 16
    private static let bytesPerTurn = 512 << 10

    var stream: UnsafeMutablePointer<uv_stream_t> { handle.pointer(as: uv_stream_t.self) }

    /// Takes over a connected Unix stream socket, also when it throws.
    package init(loop: EventLoop, descriptor: Int32) throws(SocketError) {
        self.loop = loop
        self.descriptor = descriptor
        peer = PeerCredentials(of: descriptor)
        do {
            handle = try LoopHandle(UV_NAMED_PIPE) {
                uv_pipe_init(loop.loop, $0.assumingMemoryBound(to: uv_pipe_t.self), 0)
            }
        } catch {
            close(descriptor)
            throw error
        }
        let status = uv_pipe_open(handle.pointer(as: uv_pipe_t.self), descriptor)
        guard status == 0 else {
            close(descriptor)
            handle.close()
            throw .system(call: "open", subject: "connection", code: -status)
        }
        // A picture of 1 MB then goes out in a few turns; the kernel caps what it does not like.
        var bytes: Int32 = 1 << 20
        setsockopt(
            descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        handle.connection = self
        handle.didClose = { [unowned self] in finishClose() }
    }

    package var isOpen: Bool { handle.isOpen }

    /// Starts reading. Once.
    package func start(_ handlers: Handlers) {
        precondition(self.handlers == nil, "a connection is started once")
        self.handlers = handlers
        resumeReading()
    }

    // MARK: Reading

    /// Asks `nextTarget` again from the next turn on.
    package func resumeReading() {
        guard isOpen, !isReading, !hasEnded, closeTimer == nil, handlers != nil else { return }
        let status = uv_read_start(
            stream,
            { handle, _, buffer in
                guard let connection = LoopHandle.of(handle)?.connection else { return }
                buffer?.pointee = connection.prepareRead()
            },
            { stream, count, _ in LoopHandle.of(stream)?.connection?.finishRead(count) })
        isReading = status == 0
    }

    /// Leaves the peer's bytes in the kernel, whose buffers then hold the peer back.
    package func stopReading() {
        guard isOpen, isReading else { return }
        isReading = false
        uv_read_stop(stream)
    }

    /// libuv reads into the answer right away and reports to `finishRead` before anything else runs,
    /// so storage and scratch need to be valid for that long only; `target` holds the storage.
    private func prepareRead() -> uv_buf_t {
        target = isWithinTurn() ? handlers?.nextTarget() : nil
        let bytes: UnsafeMutableRawBufferPointer
        switch target {
        case nil:
            // Answered by UV_ENOBUFS, which is where reading stops.
            return uv_buf_t(base: nil, len: 0)
        case .descriptors?:
            // libuv's own reads drop descriptors, and it cannot hand out memfds (1.44): the byte is
            // read here, and an empty buffer makes libuv report at once without reading.
            attached = AttachedDescriptors.receive(from: descriptor)
            return uv_buf_t(base: nil, len: 0)
        case .bytes(let limit)?, .discard(let limit)?:
            precondition(limit > 0, "a read of no bytes")
            bytes = UnsafeMutableRawBufferPointer(rebasing: loop.scratch.prefix(limit))
        case .storage(let storage, let range)?:
            precondition(
                !range.isEmpty && range.lowerBound >= 0 && range.upperBound <= storage.byteCount,
                "a read outside of its storage")
            bytes = UnsafeMutableRawBufferPointer(rebasing: storage.bytes[range])
        }
        return uv_buf_t(
            base: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), len: bytes.count)
    }

    /// If not, reading goes on in the next turn.
    private func isWithinTurn() -> Bool {
        let workTime = loop.workTime
        if taken.turn != loop.turn { taken = (loop.turn, 0, 0) }
        if isOwedRead
            || taken.reads < Self.readsPerTurn && taken.bytes < Self.bytesPerTurn
                && (workTime < EventLoop.turnBudget || handlers?.isLight() == true)
        {
            isOwedRead = false
            taken.reads += 1
            return true
        }
        if !isPostponed {
            isPostponed = true
            loop.readLater { [weak self] in
                self?.isPostponed = false
                self?.isOwedRead = true
                self?.resumeReading()
            }
        }
        return false
    }

    private func finishRead(_ count: Int) {
        let target = self.target
        self.target = nil
        if case .descriptors? = target { return finishDescriptors() }
        if count > 0 {
            taken.bytes += count
            switch target {
            case .bytes?:
                handlers?.didRead(
                    .bytes([UInt8](UnsafeRawBufferPointer(loop.scratch).prefix(count))))
            case .storage?: handlers?.didRead(.stored(count))
            case .discard?: handlers?.didRead(.discarded(count))
            case .descriptors?, nil: break
            }
        } else if count == Int(UV_ENOBUFS.rawValue) {
            stopReading()
        } else if count < 0 {
            // 0 means "nothing there after all".
            end(count == Int(UV_EOF.rawValue) ? .endOfStream : .failed(code: Int32(-count)))
        }
    }

    private func finishDescriptors() {
        let outcome = attached
        attached = .nothingYet
        switch outcome {
        // The socket stays ready or becomes so, and libuv asks again.
        case .nothingYet: break
        case .files(let files):
            handlers?.didRead(.attached(files))
        case .ended(let reason): end(reason)
        }
    }

    /// The peer is gone altogether, whatever of its bytes is still unread: for connections that are not
    /// being read, which would not notice. A peer that only ended its writing still wants answers.
    package var hasHungUp: Bool {
        guard isOpen else { return true }
        // The kernel reports POLLHUP unasked; a local that outlives the call.
        var state = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&state, 1, 0) == 1 && Int32(state.revents) & (POLLHUP | POLLERR) != 0
    }

    // MARK: Writing

    /// Sends `bytes`, then the whole of `payload`, after everything written before.
    ///
    /// - Parameters:
    ///   - payload: kept alive and not to be changed until `completion`.
    ///   - completion: once: all was taken by the kernel, or will never be. On a later turn, except
    ///     that a write to a closed connection fails at once.
    package func write(
        _ bytes: [UInt8], payload: PixelStorage? = nil,
        completion: ((WriteOutcome) -> Void)? = nil
    ) {
        guard isOpen, closeTimer == nil else {
            completion?(.failed(code: ECANCELED))
            return
        }
        let byteCount = bytes.count + (payload?.byteCount ?? 0)
        progress.note(taken: takenByteCount, isIdle: pendingWriteBytes == 0, now: EventLoop.now)
        queuedByteCount += UInt64(byteCount)
        writesUnderWay += 1
        let request = WriteRequest(bytes: bytes, payload: payload) { outcome in
            self.writesUnderWay -= 1
            completion?(outcome)
            self.didWrite(outcome)
        }
        let status = request.submit(to: stream)
        // libuv refuses only streams that are no longer open for writing.
        if status != 0 { request.finish(status) }
    }

    /// Bytes that the kernel has not taken yet.
    package var pendingWriteBytes: Int { isOpen ? uv_stream_get_write_queue_size(stream) : 0 }
    /// Bytes that the kernel has taken in all, while the connection is open.
    package var takenByteCount: UInt64 { queuedByteCount - UInt64(pendingWriteBytes) }

    /// Since when the peer has taken nothing although something was waiting for it, nanoseconds.
    /// Exact to the time between two calls of this.
    package func stalledTime(now: UInt64) -> UInt64 {
        progress.note(taken: takenByteCount, isIdle: pendingWriteBytes == 0, now: now)
        return now - progress.lastChange
    }

    /// The process did not run for so long, nanoseconds: the peer is not blamed for it.
    package func forgive(_ gap: UInt64) { progress.forgive(gap) }

    private func didWrite(_ outcome: WriteOutcome) {
        if case .failed(let code) = outcome, isOpen { end(.failed(code: code)) }
        if closeTimer != nil, writesUnderWay == 0 { handle.close() }
    }

    // MARK: Ending

    /// Reads no more, sends what was written, then closes. What the peer has not taken after
    /// `limit` milliseconds is given up.
    package func closeAfterWrites(limit: UInt64 = 5_000) {
        guard isOpen, closeTimer == nil else { return }
        stopReading()
        guard writesUnderWay > 0,
            let timer = try? loop.makeTimer({ [unowned self] in handle.close() })
        else { return handle.close() }
        closeTimer = timer
        timer.start(after: limit)
    }

    /// Closes now; writes under way are reported as failed.
    package func abort() {
        guard isOpen else { return }
        isReading = false
        handle.close()
    }

    private func end(_ reason: ConnectionEnd) {
        stopReading()
        if !hasEnded {
            hasEnded = true
            handlers?.didEnd(reason)
        }
        if case .failed = reason { abort() }
    }

    private func finishClose() {
        let handlers = self.handlers
        // The owner's closures usually hold this connection: letting go of them ends the circle.
        self.handlers = nil
        closeTimer = nil
        handlers?.didClose()
    }
}
