// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
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

        init(connection: Connection, session: UInt64, interval: UInt64) {
            self.connection = connection
            self.session = session
            self.interval = interval
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
            interval: UInt64(1e9 / request.fps))
    }

    func remove(_ connection: Connection) {
        watches[ObjectIdentifier(connection)] = nil
    }

    /// - Parameters:
    ///   - head: header and body of the reply as the client gets it.
    ///   - picture: copied at once where somebody is due.
    func show(_ head: [UInt8], _ picture: PixelStorage, of session: UInt64, now: UInt64) {
        for watch in watches.values where watch.session == session {
            guard !watch.isBusy, now >= watch.nextAt else { continue }
            // Pictures keep their beat; after a pause they do not come in a burst.
            watch.nextAt = max(watch.nextAt + watch.interval, now)
            let copy: PixelStorage
            if let last = watch.copy, last.byteCount == picture.byteCount {
                copy = last
            } else {
                copy = PixelStorage(byteCount: picture.byteCount)
                watch.copy = copy
            }
            copy.copy(picture)
            watch.isBusy = true
            watch.connection.write(head, payload: copy) { [weak watch] _ in watch?.isBusy = false }
        }
    }

    /// The session is over, or its pictures will be others: whoever watches it is let go.
    func end(session: UInt64, saying last: [UInt8]) {
        for watch in watches.values where watch.session == session {
            watch.connection.write(last)
            watch.connection.closeAfterWrites()
        }
    }
}
