// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// Why a control request got no answer.
package enum ControlError: Error, Equatable {
    case pathTooLong(path: String, limit: Int)
    /// Nothing listens there.
    case noDaemon(path: String)
    case noPermission(path: String)
    case timedOut(path: String, milliseconds: Int)
    /// The connection ended before the reply did.
    case closed(path: String)
    case notAReply(path: String, detail: String)
    /// The daemon's other socket.
    case frameSocket(path: String)
    /// The daemon answered that it cannot answer.
    case refused(ControlFault)
    case system(call: String, path: String, errno: Int32)
}

extension ControlError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .pathTooLong(let path, let limit):
            "the socket path \(path) is longer than \(limit) bytes"
        case .noDaemon(let path):
            "no daemon is running at \(path); start one with `frameloomd`, or name another "
                + "socket with --control"
        case .noPermission(let path):
            "no permission for \(path): the daemon's configuration says who may use its "
                + "control socket"
        case .timedOut(let path, let milliseconds):
            "the daemon at \(path) did not answer within \(milliseconds) ms"
        case .closed(let path):
            "the daemon at \(path) closed the connection without answering"
        case .notAReply(let path, let detail):
            "what answered at \(path) is not a frameloom daemon of this version (\(detail))"
        case .frameSocket(let path):
            "\(path) is the daemon's frame socket, for --socket of play; --control wants its control "
                + "socket, \(DefaultPaths.controlSocket) by default"
        case .refused(let fault):
            "the daemon answered: \(fault.text)"
        case .system(let call, let path, let code):
            "\(call) failed for \(path): \(text(ofErrno: code))"
        }
    }

    private func text(ofErrno code: Int32) -> String {
        // strerror returns a valid C string for every number; it is copied at once.
        unsafe String(cString: strerror(code))
    }
}
