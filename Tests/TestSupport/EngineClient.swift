// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient

/// A code of the C client, thrown.
package struct ClientError: Error, CustomStringConvertible {
    package var code: Int32
    package var daemonText: String
    package var daemonCode: UInt32
    package var frameID: UInt64 = 0

    package var description: String {
        "\(String(cString: fc_strerror(code))): \(daemonText) (code \(code))"
    }
}

/// The C client as a Swift value with an end; every wait has a limit.
package final class EngineClient {
    package let handle: OpaquePointer
    private static let limit: Int32 = 20_000

    package init(_ path: String) throws {
        var made: OpaquePointer?
        let code = fc_connect(path, Self.limit, &made)
        guard code == 0, let made else {
            throw ClientError(code: code, daemonText: path, daemonCode: 0)
        }
        handle = made
    }

    deinit { fc_close(handle) }

    @discardableResult
    package func open(_ open: fl_open, milliseconds: Int32 = limit) throws -> fl_opened {
        var open = open
        var opened = fl_opened()
        try check(fc_open(handle, &open, &opened, milliseconds))
        return opened
    }

    @discardableResult
    package func open(
        _ open: fl_open, history: fl_history, planes: [[UInt8]]
    ) throws -> fl_opened {
        var open = open
        var history = history
        var opened = fl_opened()
        try check(
            withPointers(to: planes) {
                fc_open_with_history(handle, &open, &history, $0, &opened, Self.limit)
            })
        return opened
    }

    @discardableResult
    package func reconfigure(_ open: fl_open, keepHistory: Bool) throws -> fl_opened {
        var open = open
        var opened = fl_opened()
        let flags = keepHistory ? FL_OPEN_KEEP_HISTORY : 0
        try check(fc_reconfigure(handle, &open, flags, &opened, Self.limit))
        return opened
    }

    package func send(
        _ frameID: UInt64, _ frame: SyntheticFrame, flags: UInt32 = 0, milliseconds: Int32 = limit
    ) throws {
        var body = frame.body
        try check(
            withPointers(to: frame.planes) {
                fc_send(handle, frameID, flags | frame.flags, &body, $0, milliseconds)
            })
    }

    package func wait(milliseconds: Int32 = limit) throws -> (reply: fc_reply, pixels: [UInt8]) {
        var reply = fc_reply()
        var pixels = [UInt8](repeating: 0, count: fc_picture_bytes(handle))
        var code = fc_wait(handle, &reply, &pixels, pixels.count, milliseconds)
        if code == FC_ERROR_BUFFER {
            // It arrived under an agreement with larger pictures; now its size is known.
            pixels = [UInt8](repeating: 0, count: fc_picture_bytes(handle))
            code = fc_wait(handle, &reply, &pixels, pixels.count, milliseconds)
        }
        try check(code, frameID: reply.frame_id)
        return (reply, pixels)
    }

    @discardableResult
    package func resume(milliseconds: Int32 = limit) throws -> fl_opened {
        var opened = fl_opened()
        try check(fc_resume(handle, &opened, milliseconds))
        return opened
    }

    package func finish() throws { try check(fc_finish(handle, Self.limit)) }

    /// Sends one frame and takes its picture.
    package func render(_ frameID: UInt64, _ frame: SyntheticFrame) throws -> [UInt8] {
        try send(frameID, frame)
        return try wait().pixels
    }

    package func check(_ code: Int32, frameID: UInt64 = 0) throws {
        guard code < 0 else { return }
        let error = fc_last_error(handle).pointee
        throw ClientError(
            code: code, daemonText: text(error.text), daemonCode: error.code, frameID: frameID)
    }
}

/// Lends the planes to C for the time of the call.
package func withPointers<Result>(
    to planes: [[UInt8]], _ body: (UnsafePointer<UnsafeRawPointer?>) -> Result
) -> Result {
    let copies = planes.map { plane in
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(plane.count, 1), alignment: 16)
        copy.copyBytes(from: plane)
        return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    let pointers = copies.map { UnsafeRawPointer($0.baseAddress) }
    return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
}
