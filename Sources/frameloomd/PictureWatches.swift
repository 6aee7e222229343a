// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameSession
import FrameSocket
import FrameTypes

/// Copies of a frame for those who watch its session. The render threads fill them at the end of the
/// frame's job, in its session's time: a large picture takes tens of milliseconds to copy.
final class WatchedCopies: Sendable {
    let picture: PixelStorage
    /// What the picture was rendered from, where somebody wants that too.
    let planes: PixelStorage?

    private static let bytesPerTile = 1 << 20

    fileprivate init(picture: PixelStorage, planes: PixelStorage?) {
        self.picture = picture
        self.planes = planes
    }

    fileprivate init(picture: Int, planes: Int) throws(MemoryRefusal) {
        self.picture = try PixelStorage(reserving: picture)
        self.planes = planes > 0 ? try PixelStorage(reserving: planes) : nil
    }

    var byteCount: Int { picture.byteCount + (planes?.byteCount ?? 0) }

    /// After the steps that render the job's picture.
    func steps(of job: FrameJob) -> [RenderStep] {
        var steps = [Self.step("watch.picture", picture) { job.picture }]
        if let planes { steps.append(Self.step("watch.planes", planes) { job.planes }) }
        return steps
    }

    private static func step(
        _ name: String, _ copy: PixelStorage, from source: @escaping @Sendable () -> PixelStorage
    ) -> RenderStep {
        let tileCount = (copy.byteCount + bytesPerTile - 1) / bytesPerTile
        return RenderStep(name: name, stage: .encode, tileCount: tileCount) { tile, _ in
            let first = tile * bytesPerTile
            copy.copy(source(), first..<min(copy.byteCount, first + bytesPerTile))
        }
    }
}

/// Who watches which session: each gets copies of its pictures, at most so many a second, and never
/// more than one at a time. Whoever watches slowly misses pictures; the session's client notices
/// nothing but the time of a copy. Loop thread only.
final class PictureWatches {
    private final class Watch {
        let connection: Connection
        let session: UInt64
        /// Nanoseconds between two pictures.
        let interval: UInt64
        var nextAt = EventLoop.now
        /// A picture is being copied for it, or still being taken.
        var isBusy = false
        let wantsPlanes: Bool

        init(connection: Connection, session: UInt64, interval: UInt64, wantsPlanes: Bool) {
            self.connection = connection
            self.session = session
            self.interval = interval
            self.wantsPlanes = wantsPlanes
        }

        func isDue(_ now: UInt64) -> Bool { !isBusy && now >= nextAt }

        /// Pictures keep their beat; after a pause they do not come in a burst.
        func begin(_ now: UInt64) {
            isBusy = true
            nextAt = max(nextAt + interval, now)
        }
    }

    /// A frame of a session, on its way to those who watch.
    private struct Showing {
        var copies: WatchedCopies
        var watches: [Watch]
    }

    var limit: Int
    private var watches: [ObjectIdentifier: Watch] = [:]
    /// By session: its job will fill the copies, or has.
    private var showings: [UInt64: Showing] = [:]
    /// By session: copies that everybody took, for the next frame.
    private var spare: [UInt64: WatchedCopies] = [:]

    init(limit: Int) { self.limit = limit }

    func isWatching(_ connection: Connection) -> Bool {
        watches[ObjectIdentifier(connection)] != nil
    }

    /// - Throws: what to answer instead.
    func add(_ request: WatchRequest, _ connection: Connection) throws(ControlFault) {
        guard limit > 0 else {
            throw ControlFault(
                code: .notAllowed, text: "this daemon shows no pictures (limits.viewers is 0)")
        }
        guard watches.count < limit else {
            throw ControlFault(
                code: .notAllowed,
                text: "\(limit) viewers are there already (limits.viewers)")
        }
        watches[ObjectIdentifier(connection)] = Watch(
            connection: connection, session: request.session,
            interval: UInt64(1e9 / request.fps), wantsPlanes: request.planes)
    }

    func remove(_ connection: Connection) {
        guard let watch = watches.removeValue(forKey: ObjectIdentifier(connection)) else { return }
        if !watches.values.contains(where: { $0.session == watch.session }) {
            spare[watch.session] = nil
        }
    }

    /// What the job of a session's frame shall fill; nil where nobody is due, or where there is no
    /// memory for it: this frame is not shown then.
    /// - Parameter hasRoom: whether so many bytes more are within the daemon's limit.
    func copies(
        for job: FrameJob, of session: UInt64, now: UInt64, hasRoom: (_ byteCount: Int) -> Bool
    ) -> WatchedCopies? {
        abandon(session)
        guard !watches.isEmpty else { return nil }
        let due = watches.values.filter {
            $0.session == session && $0.isDue(now)
                // Of a frame that is only shown nothing was rendered.
                && !($0.wantsPlanes && job.message.showsPlanes)
        }
        guard !due.isEmpty else { return nil }
        let planes = due.contains { $0.wantsPlanes } ? job.planes.byteCount : 0
        guard let copies = copies(session, job.picture.byteCount, planes, hasRoom) else {
            return nil
        }
        for watch in due { watch.begin(now) }
        showings[session] = Showing(copies: copies, watches: due)
        return copies
    }

    private func copies(
        _ session: UInt64, _ picture: Int, _ planes: Int, _ hasRoom: (Int) -> Bool
    ) -> WatchedCopies? {
        if let kept = spare.removeValue(forKey: session), kept.picture.byteCount == picture,
            planes == 0 || kept.planes?.byteCount == planes
        {
            return planes == 0 ? WatchedCopies(picture: kept.picture, planes: nil) : kept
        }
        guard hasRoom(picture + planes) else { return nil }
        return try? WatchedCopies(picture: picture, planes: planes)
    }

    /// The job ended without a picture.
    func abandon(_ session: UInt64) {
        guard let showing = showings.removeValue(forKey: session) else { return }
        for watch in showing.watches { watch.isBusy = false }
    }

    /// The job is done: those who want to see what was rendered from get their copies.
    func showFrame(_ job: FrameJob, of session: UInt64) {
        guard let showing = showings[session], let planes = showing.copies.planes else { return }
        let message = job.message
        let line = ControlLine.encode(
            WatchedFrame(frame: message.frameID, camera: message.camera, jitter: message.jitter))
        for watch in showing.watches where watch.wantsPlanes {
            watch.connection.write(line, payload: planes)
            write([], to: watch, showing.copies)
        }
    }

    /// - Parameter head: header and body of the reply as the client gets it.
    func show(_ head: [UInt8], of session: UInt64) {
        guard let showing = showings.removeValue(forKey: session) else { return }
        for watch in showing.watches where !watch.wantsPlanes {
            write(head, to: watch, showing.copies)
        }
    }

    private func write(_ head: [UInt8], to watch: Watch, _ copies: WatchedCopies) {
        watch.connection.write(head, payload: copies.picture) { [weak self, weak watch] _ in
            watch?.isBusy = false
            self?.take(back: copies, of: watch?.session)
        }
    }

    /// Kept for the next frame once nobody else has it.
    private func take(back copies: WatchedCopies, of session: UInt64?) {
        guard let session, watches.values.contains(where: { $0.session == session }) else { return }
        let isHeld = watches.values.contains { $0.session == session && $0.isBusy }
        spare[session] = isHeld ? nil : copies
    }

    /// The session is over, or its pictures will be others: whoever watches it is let go.
    func end(session: UInt64, saying last: [UInt8]) {
        showings[session] = nil
        spare[session] = nil
        for watch in watches.values where watch.session == session {
            if !watch.wantsPlanes { watch.connection.write(last) }
            watch.connection.closeAfterWrites()
        }
    }
}
