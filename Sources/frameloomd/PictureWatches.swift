// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameSession
import FrameSocket
import FrameTypes

/// Who watches which session: each gets copies of its pictures, at most so many a second, and never
/// more than one at a time. Whoever watches slowly misses pictures; the session and its client notice
/// nothing. Loop thread only.
final class PictureWatches {
    private final class Watch {
        let connection: Connection
        let session: UInt64
        /// Nanoseconds between two pictures.
        let interval: UInt64
        var nextAt = EventLoop.now
        /// A picture is still being taken.
        var isBusy = false
        var copy: PixelStorage?
        let wantsPlanes: Bool
        var planes: PixelStorage?

        init(connection: Connection, session: UInt64, interval: UInt64, wantsPlanes: Bool) {
            self.connection = connection
            self.session = session
            self.interval = interval
            self.wantsPlanes = wantsPlanes
        }

        func isDue(_ now: UInt64) -> Bool {
            guard !isBusy, now >= nextAt else { return false }
            // Pictures keep their beat; after a pause they do not come in a burst.
            nextAt = max(nextAt + interval, now)
            return true
        }

        /// nil where the system refuses the memory: this picture is not shown then.
        static func copy(of source: PixelStorage, into last: inout PixelStorage?) -> PixelStorage? {
            var kept = last.flatMap { $0.byteCount == source.byteCount ? $0 : nil }
            if kept == nil { kept = try? PixelStorage(reserving: source.byteCount) }
            guard let copy = kept else { return nil }
            copy.copy(source)
            last = copy
            return copy
        }
    }

    private let limit: Int
    private var watches: [ObjectIdentifier: Watch] = [:]

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
        watches[ObjectIdentifier(connection)] = nil
    }

    /// - Parameters:
    ///   - head: header and body of the reply as the client gets it.
    ///   - picture: copied at once where somebody is due.
    func show(_ head: [UInt8], _ picture: PixelStorage, of session: UInt64, now: UInt64) {
        for watch in watches.values where watch.session == session && !watch.wantsPlanes {
            guard watch.isDue(now), let copy = Watch.copy(of: picture, into: &watch.copy) else {
                continue
            }
            watch.isBusy = true
            watch.connection.write(head, payload: copy) { [weak watch] _ in watch?.isBusy = false }
        }
    }

    /// Like `show`, for those who want to see what was rendered from too; nothing of a frame that was
    /// only shown.
    func showFrame(_ job: FrameJob, of session: UInt64, now: UInt64) {
        guard !job.message.showsPlanes else { return }
        for watch in watches.values where watch.session == session && watch.wantsPlanes {
            guard watch.isDue(now),
                let planes = Watch.copy(of: job.planes, into: &watch.planes),
                let picture = Watch.copy(of: job.picture, into: &watch.copy)
            else { continue }
            let message = job.message
            let line = ControlLine.encode(
                WatchedFrame(
                    frame: message.frameID, camera: message.camera, jitter: message.jitter))
            watch.isBusy = true
            watch.connection.write(line, payload: planes)
            watch.connection.write([], payload: picture) { [weak watch] _ in watch?.isBusy = false }
        }
    }

    /// The session is over, or its pictures will be others: whoever watches it is let go.
    func end(session: UInt64, saying last: [UInt8]) {
        for watch in watches.values where watch.session == session {
            if !watch.wantsPlanes { watch.connection.write(last) }
            watch.connection.closeAfterWrites()
        }
    }
}
