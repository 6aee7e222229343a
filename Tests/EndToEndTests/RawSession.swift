// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import TestSupport
import Testing

/// A client that says byte for byte what a test wants.
final class RawSession: Sendable {
    let socket: UnixSocket

    /// Only connects.
    init(_ daemon: Daemon) throws {
        socket = try UnixSocket.connected(to: daemon.framePath)
    }

    /// Connects and opens.
    convenience init(_ daemon: Daemon, _ open: fl_open) throws {
        try self.init(daemon)
        _ = try self.open(open)
    }

    func open(_ open: fl_open) throws -> fl_opened {
        try socket.send(.open(open))
        return try opened()
    }

    func opened() throws -> fl_opened { try next(FL_OPENED).body(as: fl_opened.self) }

    func send(_ frameID: UInt64, _ frame: SyntheticFrame, flags: UInt32 = 0) throws {
        try socket.send(.frame(frameID, frame, flags: flags))
    }

    func picture() throws -> Picture { try Picture(next(FL_PICTURE)) }

    func render(_ frameID: UInt64, _ frame: SyntheticFrame, flags: UInt32 = 0) throws -> Picture {
        try send(frameID, frame, flags: flags)
        return try picture()
    }

    /// The error that comes next.
    func error(seconds: Double = 20) throws -> fl_error {
        try next(FL_ERROR, seconds: seconds).body(as: fl_error.self)
    }

    /// Whether the daemon closes, after whatever it still had to say.
    func isClosed(seconds: Double = 20) throws -> Bool {
        while try socket.receive(seconds: seconds) != nil {}
        return true
    }

    func next(_ type: UInt32, seconds: Double = 20) throws -> WireMessage {
        guard let message = try socket.receive(seconds: seconds) else {
            throw TestFailure("the daemon closed the connection")
        }
        guard UInt32(message.header.type) == type else {
            var found = "message type \(message.header.type)"
            if UInt32(message.header.type) == FL_ERROR {
                found = "the error: " + text(message.body(as: fl_error.self).text)
            }
            throw TestFailure("expected message type \(type), got \(found)")
        }
        return message
    }
}

/// A picture as it came.
struct Picture: Sendable {
    var frameID: UInt64
    var flags: UInt32
    var info: fl_picture
    var pixels: [UInt8]

    init(_ message: WireMessage) throws {
        guard UInt32(message.header.type) == FL_PICTURE else {
            throw TestFailure("message type \(message.header.type) is no picture")
        }
        frameID = message.header.frame_id
        flags = message.header.flags
        info = message.body(as: fl_picture.self)
        pixels = message.payload
    }

    var usedHistory: Bool { flags & FL_PICTURE_HISTORY != 0 }

    /// The newest ids dropped since the reply before.
    var droppedIDs: [UInt64] {
        withUnsafeBytes(of: info.dropped_ids) { Array($0.bindMemory(to: UInt64.self)) }
            .filter { $0 != 0 }
    }
}
