// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// The folder of a socket: whoever can rename files in it can put a socket of his own in our place.
enum SocketFolder {
    /// Refuses a folder that belongs to another user than this process and root, or that others can
    /// write without its files being protected (sticky, as /tmp). A user's own group counts as himself.
    static func check(of socketPath: String) throws(SocketError) {
        let folder = socketPath.lastIndex(of: "/").map { String(socketPath[..<$0]) } ?? "."
        let path = folder.isEmpty ? "/" : folder
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw .system(call: "stat", subject: "the folder of \(socketPath)", code: errno)
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .foreignFolder(path: path, owner: status.st_uid)
        }
        let isSticky = status.st_mode & S_ISVTX != 0
        let isOpen =
            status.st_mode & 0o002 != 0
            || (status.st_mode & 0o020 != 0 && status.st_gid != 0
                && (geteuid() == 0 || status.st_gid != getegid()))
        guard isSticky || !isOpen else {
            throw .openFolder(path: path, mode: UInt32(status.st_mode & 0o7777))
        }
    }
}
