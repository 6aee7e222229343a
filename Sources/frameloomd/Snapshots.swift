// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameSession
import FrameSocket
import FrameTypes

/// Who waits to see what the next frame of a session is understood as. The render threads paint the
/// sheet before they render that frame; the session's pictures and history stay what they are. Loop
/// thread only.
final class Snapshots {
    var limit: Int
    private var waiting: [UInt64: [Connection]] = [:]
    /// Given to a job that has not come back.
    private var sheets: [UInt64: PixelStorage] = [:]

    init(limit: Int) { self.limit = limit }

    func isWaiting(_ connection: Connection) -> Bool {
        waiting.values.contains { $0.contains { $0 === connection } }
    }

    /// - Throws: what to answer instead.
    func add(_ connection: Connection, session: UInt64) throws(ControlFault) {
        guard limit > 0 else {
            throw ControlFault(
                code: .notAllowed, text: "this daemon shows no pictures (limits.viewers is 0)")
        }
        guard waiting.values.reduce(0, { $0 + $1.count }) < limit else {
            throw ControlFault(
                code: .notAllowed,
                text: "\(limit) snapshots are waited for already (limits.viewers)")
        }
        waiting[session, default: []].append(connection)
    }

    func remove(_ connection: Connection) {
        for session in waiting.keys {
            waiting[session]?.removeAll { $0 === connection }
            if waiting[session]?.isEmpty == true { waiting[session] = nil }
        }
    }

    /// What a job of the session shall paint; nil where nobody waits.
    func sheet(for session: UInt64, size: FrameSize) -> PixelStorage? {
        guard waiting[session] != nil else { return nil }
        do throws(MemoryRefusal) {
            sheets[session] = try PixelStorage(reserving: size.pixelCount * 4)
        } catch {
            end(session: session, saying: "the system gives no memory for a sheet of \(size)")
        }
        return sheets[session]
    }

    /// For a job whose picture is a sheet: copies it, rows from the top. nil where nobody waits.
    func copyStep(of job: FrameJob, for session: UInt64, layout: GBufferLayout) -> RenderStep? {
        let (size, origin) = (layout.size, layout.origin)
        guard let sheet = sheet(for: session, size: size) else { return nil }
        let tileCount = (size.height + Self.rowsPerTile - 1) / Self.rowsPerTile
        return RenderStep(name: "sheet.copy", stage: .encode, tileCount: tileCount) { tile, _ in
            let first = tile * Self.rowsPerTile
            for y in first..<min(size.height, first + Self.rowsPerTile) {
                let from = origin == .bottomLeft ? size.height - 1 - y : y
                sheet.put(
                    PixelRow(offset: y * size.width * 4, stride: 4, count: size.width),
                    from: job.picture,
                    PixelRow(offset: from * size.width * 4, stride: 4, count: size.width),
                    byteCount: 4)
            }
        }
    }

    private static let rowsPerTile = 64

    /// A job came back with a picture: what it painted beside it goes to everyone who waits for it.
    func show(_ job: FrameJob, of session: UInt64, layout: GBufferLayout?) {
        guard let layout else { return }
        let size = layout.size
        let painted = sheets.removeValue(forKey: session)
        guard let connections = waiting[session], let sheet = painted else { return }
        waiting[session] = nil
        let report = SnapshotReport(
            session: session, frame: job.message.frameID, width: size.width, height: size.height)
        for connection in connections {
            connection.write(ControlLine.encode(.snapshot(report)), payload: sheet)
            connection.closeAfterWrites()
        }
    }

    /// The session is over, or its frames will be others.
    func end(session: UInt64) {
        end(session: session, saying: "session \(session) ended before its next frame")
    }

    private func end(session: UInt64, saying reason: String) {
        sheets[session] = nil
        let fault = ControlFault(code: .noSession, text: reason)
        for connection in waiting.removeValue(forKey: session) ?? [] {
            connection.write(ControlLine.encode(.error(fault)))
            connection.closeAfterWrites()
        }
    }
}
