// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// Why a socket could not be made, taken or read.
package enum SocketError: Error, Sendable, Hashable {
    /// A longer path would be cut off without a word by the kernel's address structure.
    case pathTooLong(path: String, byteCount: Int, limit: Int)
    /// Somebody serves this path already; the process id where it is known.
    case alreadyServed(path: String, processID: Int32?)
    /// There is a file at the path which is no socket; it is left alone.
    case notASocket(path: String)
    /// The lock file is no file of ours alone: a link, or another user's.
    case foreignLock(path: String)
    case foreignFolder(path: String, owner: UInt32)
    case openFolder(path: String, mode: UInt32)
    case unknownUser(String)
    case unknownGroup(String)
    /// An inherited descriptor is no listening Unix stream socket.
    case notAListener(descriptor: Int32, reason: String)
    case lineTooLong(limit: Int)
    case system(call: String, subject: String, code: Int32)
}

extension SocketError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .pathTooLong(let path, let byteCount, let limit):
            "socket path \(path) has \(byteCount) bytes, at most \(limit) are possible"
        case .alreadyServed(let path, let processID?):
            "\(path) is served by process \(processID) already"
        case .alreadyServed(let path, nil):
            "\(path) is served by another process already"
        case .notASocket(let path):
            "\(path) exists and is not a socket; it was left alone"
        case .foreignLock(let path):
            "\(path) is not this process's own file (a link, or another user's); remove it"
        case .foreignFolder(let path, let owner):
            "the socket folder \(path) belongs to user id \(owner), who could put another socket "
                + "in this one's place; use a folder of the daemon's own user or of root"
        case .openFolder(let path, let mode):
            "the socket folder \(path) can be written by others (mode 0"
                + "\(String(mode, radix: 8))), who could put another socket in this one's place; "
                + "take that permission away, or set the sticky bit"
        case .unknownUser(let name):
            "there is no user \(name)"
        case .unknownGroup(let name):
            "there is no group \(name)"
        case .notAListener(let descriptor, let reason):
            "inherited descriptor \(descriptor) is no listening Unix stream socket: \(reason)"
        case .lineTooLong(let limit):
            "a line is longer than \(limit) bytes"
        case .system(let call, let subject, let code):
            "\(call) of \(subject) failed: \(errorText(code))"
        }
    }
}

/// The system's sentence for an errno value.
package func errorText(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
        // The buffer outlives the call, its size is given, and on success it holds a C string.
        guard let start = text.baseAddress, strerror_r(code, start, text.count) == 0
        else { return "error \(code)" }
        return String(cString: start)
    }
}
