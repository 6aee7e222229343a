// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import Dispatch
import FrameTypes
import Glibc
import Synchronization
import TestSupport

/// A listening socket whose peer says what the test's script says, right or wrong: what a broken
/// daemon would send cannot be had from the real one.
final class ScriptedDaemon: Sendable {
    let path: String
    private let folder: String
    private let listener: UnixSocket
    private let done = DispatchSemaphore(value: 0)
    private let failure = Mutex<String?>(nil)

    /// - Parameter script: runs on its own thread.
    init(_ script: @escaping @Sendable (UnixSocket) throws -> Void) throws {
        var template = Array("/tmp/frameloom-client-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SocketError(call: "mkdtemp", number: errno)
        }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        path = folder + "/frames.sock"
        let listener = try UnixSocket.listening(at: path)
        self.listener = listener
        DispatchQueue.global().async { [self] in
            do { try script(listener) } catch { failure.withLock { $0 = "\(error)" } }
            done.signal()
        }
    }

    deinit {
        unlink(path)
        rmdir(folder)
    }

    /// Waits for the script's end.
    /// - Returns: what went wrong in it.
    func finish() -> String? {
        if done.wait(timeout: .now() + 30) == .timedOut { return "the script did not end" }
        return failure.withLock { $0 }
    }
}

/// A script's own complaint.
struct ScriptFailure: Error {
    var text: String
}

func expect(_ condition: Bool, _ text: String) throws {
    if !condition { throw ScriptFailure(text: text) }
}

extension UnixSocket {
    func next(_ type: UInt32) throws -> WireMessage {
        guard let message = try receive() else { throw ScriptFailure(text: "closed early") }
        try expect(
            UInt32(message.header.type) == type, "type \(message.header.type), not \(type)")
        return message
    }

    /// Answers an FL_OPEN or FL_RECONFIGURE.
    func sendOpened(for open: fl_open, inFlight: UInt32 = 2) throws {
        try send(Reply.opened(for: open, inFlight: inFlight))
    }
}

/// Well-formed replies.
enum Reply {
    static func opened(for open: fl_open, inFlight: UInt32 = 2) -> WireMessage {
        var opened = fl_opened()
        let pixels = UInt64(open.width) * UInt64(open.height)
        opened.session_id = 1
        opened.payload_bytes = pixels * 11
        opened.picture_bytes = pixels * 4
        opened.max_frames_in_flight = inFlight
        setText(&opened.model, "atrium")
        return WireMessage(FL_OPENED, body: WireMessage.bytes(of: opened))
    }

    static func picture(
        _ frameID: UInt64, _ size: FrameSize, dropped: [UInt64] = []
    ) -> WireMessage {
        var picture = fl_picture()
        picture.width = UInt32(size.width)
        picture.height = UInt32(size.height)
        picture.row_stride = UInt32(size.width * 4)
        picture.format = FL_PICTURE_RGBA8_SRGB
        picture.dropped_count = UInt32(dropped.count)
        withUnsafeMutableBytes(of: &picture.dropped_ids) { bytes in
            let ids = bytes.bindMemory(to: UInt64.self)
            for (index, id) in dropped.enumerated() { ids[index] = id }
        }
        return WireMessage(
            FL_PICTURE, frameID: frameID, body: WireMessage.bytes(of: picture),
            payload: pixels(frameID, size))
    }

    static func pixels(_ frameID: UInt64, _ size: FrameSize) -> [UInt8] {
        (0..<size.pixelCount * 4).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(frameID)) }
    }

    static func error(
        _ code: UInt32, severity: UInt32, frameID: UInt64 = 0, text: String = "as the test says"
    ) -> WireMessage {
        var error = fl_error()
        error.code = code
        error.severity = severity
        setText(&error.field, "camera.fx")
        setText(&error.text, text)
        return WireMessage(FL_ERROR, frameID: frameID, body: WireMessage.bytes(of: error))
    }
}
