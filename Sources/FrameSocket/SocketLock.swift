// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// The lock file beside a socket: whoever holds it may make and remove the socket. It ends with the
/// process however that dies. Loop thread only.
final class SocketLock {
    private let path: String
    private var descriptor: Int32

    var isHeld: Bool { descriptor >= 0 }

    init(path socketPath: String) throws(SocketError) {
        path = socketPath + ".lock"
        descriptor = -1
        // A lock won on a file that its last holder was just removing would lock nobody out.
        while !isHeld { descriptor = try Self.acquire(path, for: socketPath) ?? -1 }
        let text = "\(getpid())\n"
        ftruncate(descriptor, 0)
        // Only for people and for the error text of the next one; the lock holds without it.
        _ = write(descriptor, text, text.utf8.count)
    }

    deinit { release() }

    func release() {
        guard isHeld else { return }
        // Removed while held: the next one locks a new file or finds this one gone.
        unlink(path)
        close(descriptor)
        descriptor = -1
    }

    /// - Returns: nil if the file was removed in the meantime.
    private static func acquire(_ path: String, for socketPath: String) throws(SocketError)
        -> Int32?
    {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system(call: "open", subject: path, code: errno) }
        // It is about to be emptied and written: never through a link to somebody's file.
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_nlink <= 1, status.st_uid == geteuid()
        else {
            close(descriptor)
            throw .foreignLock(path: path)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = holder(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else {
                throw .system(call: "flock", subject: path, code: code)
            }
            throw .alreadyServed(path: socketPath, processID: holder)
        }
        var (ours, named) = (stat(), stat())
        guard fstat(descriptor, &ours) == 0, lstat(path, &named) == 0,
            ours.st_dev == named.st_dev, ours.st_ino == named.st_ino
        else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        // The array holds as many bytes as are asked for.
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let digits = bytes.prefix(count).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
        return Int32(String(decoding: digits, as: UTF8.self))
    }
}
