// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Whole files, read into our own memory and written from it.
package enum FileBytes {
    package struct ReadError: Error, Equatable, Sendable {
        package var reason: String

        init(reason: String) { self.reason = reason }

        init(_ code: Int32) { reason = text(ofErrno: code) }
    }

    package enum WriteError: Error, Equatable, Sendable {
        /// An existing file is never written over.
        case exists
        case failed(reason: String)
    }

    package static func exists(_ path: String) -> Bool {
        // The path is lent as a C string, here and below.
        unsafe access(path, F_OK) == 0
    }

    /// Refuses folders, devices and files of more than `limit` bytes before reading.
    package static func read(_ path: String, limit: Int = .max) throws(ReadError) -> [UInt8] {
        let file = try OpenFile(path)
        guard file.byteCount <= limit else {
            throw ReadError(reason: "\(file.byteCount) bytes, more than the limit of \(limit)")
        }
        let bytes = try file.read(at: 0, count: file.byteCount)
        guard bytes.count == file.byteCount else {
            throw ReadError(reason: "became shorter while read")
        }
        return bytes
    }

    /// Hands a file of any size over in pieces of a few MiB.
    package static func forEachPiece(
        of path: String, _ body: (_ piece: [UInt8]) -> Void
    ) throws(ReadError) {
        let file = try OpenFile(path)
        var offset = 0
        while true {
            let piece = try file.read(at: offset, count: 1 << 22)
            if piece.isEmpty { return }
            body(piece)
            offset += piece.count
        }
    }

    package static func byteCount(of path: String) -> Int? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Writes a new file; a half-written one is removed.
    /// - Parameter permissions: less what the process masks.
    package static func write(
        _ bytes: [UInt8], to path: String, permissions: UInt32 = 0o666
    ) throws(WriteError) {
        let descriptor = unsafe open(
            path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(permissions))
        guard descriptor >= 0 else {
            throw errno == EEXIST ? .exists : .failed(reason: text(ofErrno: errno))
        }
        var code: Int32 = 0
        var written = 0
        while written < bytes.count && code == 0 {
            // The rest of the array is a valid range for the whole call.
            let count = unsafe bytes[written...].withUnsafeBytes { rest in
                unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count >= 0 { written += count } else if errno != EINTR { code = errno }
        }
        // Some file systems report a full disk only here.
        if close(descriptor) != 0 && code == 0 { code = errno }
        if code != 0 {
            _ = unsafe unlink(path)
            throw .failed(reason: text(ofErrno: code))
        }
    }

    /// Writes the file anew, whole or not at all: readers see the old bytes or the new ones.
    package static func replace(
        _ path: String, with bytes: [UInt8], permissions: UInt32 = 0o666
    ) throws(WriteError) {
        let fresh = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max))"
        try write(bytes, to: fresh, permissions: permissions)
        guard unsafe rename(fresh, path) == 0 else {
            let code = errno
            _ = unsafe unlink(fresh)
            throw .failed(reason: text(ofErrno: code))
        }
    }

    /// Refuses what is no plain file of this program's user, or what others may write.
    package static func readOwn(_ path: String, limit: Int) throws(ReadError) -> [UInt8] {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw ReadError(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw ReadError(reason: "not a file") }
        guard status.st_uid == geteuid() else {
            throw ReadError(reason: "it belongs to user \(status.st_uid)")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw ReadError(reason: "others may write it")
        }
        return try read(path, limit: limit)
    }

    package static func text(ofErrno code: Int32) -> String {
        // strerror returns a valid C string for every number; it is copied at once.
        unsafe String(cString: strerror(code))
    }
}
