// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import FrameControl

/// The C client in Swift: codes become errors, pointers stay in this file.
///
/// Safe to use: the handle is made and freed here and lent only for the length of a call.
@safe
final class FrameClient {
    enum Arrival {
        case nothing
        case picture(fc_reply)
        case failed(id: UInt64, String)
        /// The connection broke; `resume` goes on.
        case broken
    }

    /// Of everything but opening: connecting, sending, resuming, finishing.
    private let timeoutMilliseconds: Int32
    /// The first session of a model waits until it is loaded; a large one takes its time.
    private static let openTimeoutMilliseconds: Int32 = 300_000

    /// Made by fc_connect and freed by fc_close, once each.
    private let handle: OpaquePointer
    private let path: String

    init(path: String, timeoutMilliseconds: Int32 = 10_000) throws {
        self.timeoutMilliseconds = timeoutMilliseconds
        var handle: OpaquePointer?
        // The path is lent as a C string for the call; `handle` is a local that outlives it.
        let code = unsafe fc_connect(path, timeoutMilliseconds, &handle)
        guard code == 0, let handle = unsafe handle else {
            let hint =
                code == FC_ERROR_NO_DAEMON
                ? "; start one with `frameloomd`, or name another socket with --socket" : ""
            throw RunError.client("\(path): \(Self.sentence(for: code))\(hint)")
        }
        unsafe self.handle = handle
        self.path = path
    }

    deinit { unsafe fc_close(handle) }

    func open(_ request: fl_open) throws -> fl_opened {
        var request = request
        var opened = fl_opened()
        // `handle` is valid until deinit, here and below; both structs are locals that outlive the
        // call.
        let code = unsafe fc_open(handle, &request, &opened, Self.openTimeoutMilliseconds)
        if code == FC_ERROR_PROTOCOL || code == FC_ERROR_CLOSED,
            (try? ControlClient(path: path).ask(.health)) != nil
        {
            throw RunError.client(
                "\(path) is the daemon's control socket, for --control of stats; --socket wants its "
                    + "frame socket, \(DefaultPaths.frameSocket) by default")
        }
        try check(code)
        return opened
    }

    /// Waits a while for a daemon that is being restarted.
    func resume() throws -> fl_opened {
        var opened = fl_opened()
        try check(unsafe fc_resume(handle, &opened, timeoutMilliseconds))
        return opened
    }

    func finish() throws {
        try check(unsafe fc_finish(handle, timeoutMilliseconds))
    }

    /// - Parameter offsets: of the planes in the payload, in the agreed order.
    /// - Returns: false if the connection broke: to be sent again after `resume`.
    func send(
        id: UInt64, flags: UInt32, frame: fl_frame, payload: [UInt8], offsets: [Int]
    ) throws -> Bool {
        var frame = frame
        // The client copies the planes before it returns, so the payload need not live longer; the
        // offsets come from the layout that the payload was built with.
        let code = unsafe payload.withUnsafeBytes { bytes -> Int32 in
            let planes = unsafe offsets.map { unsafe bytes.baseAddress?.advanced(by: $0) }
            return unsafe fc_send(
                handle, id, flags, &frame, planes, timeoutMilliseconds)
        }
        if code == FC_ERROR_CLOSED { return false }
        try check(code)
        return true
    }

    func wait(into pixels: inout [UInt8], timeoutMilliseconds: Int32) throws -> Arrival {
        var reply = fc_reply()
        // The array's own size is the limit.
        let code = unsafe pixels.withUnsafeMutableBytes { bytes in
            unsafe fc_wait(handle, &reply, bytes.baseAddress, bytes.count, timeoutMilliseconds)
        }
        switch code {
        case 0: return .picture(reply)
        case FC_ERROR_TIMEOUT: return .nothing
        case FC_ERROR_CLOSED: return .broken
        case FC_ERROR_FRAME: return .failed(id: reply.frame_id, daemonsSentence(else: code))
        default:
            try check(code)
            return .nothing
        }
    }

    private func check(_ code: Int32) throws {
        guard code != 0 else { return }
        throw RunError.client("\(path): \(daemonsSentence(else: code))")
    }

    /// The field of `fl_open` that the daemon's refusal names; empty where it refused nothing.
    var refusedField: String {
        // Never NULL, and copied before the next call.
        text(of: unsafe fc_last_error(handle).pointee.field)
    }

    /// What the daemon said, where it said something; else the code's own sentence.
    private func daemonsSentence(else code: Int32) -> String {
        // Never NULL, and copied before the next call.
        printable(unsafe String(cString: fc_explain(handle, code)))
    }

    private static func sentence(for code: Int32) -> String {
        // Never NULL: a constant of the client.
        unsafe String(cString: fc_strerror(code))
    }
}

/// The text in a fixed field of the wire, up to its first zero byte.
func text<Field>(of field: Field) -> String {
    // Reads the field's own bytes, no more.
    unsafe withUnsafeBytes(of: field) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
