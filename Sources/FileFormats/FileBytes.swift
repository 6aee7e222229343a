// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Whole files, read into our own memory: a file cut short later cannot hurt us.
package enum FileBytes {
    package struct ReadError: Error, Equatable, Sendable {
        package var reason: String
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Refuses folders, devices and files of more than `limit` bytes before reading.
    package static func read(_ path: String, limit: Int) throws(ReadError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ReadError(reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ReadError(reason: "not a file")
        }
        let size = Int(status.st_size)
        guard size <= limit else {
            throw ReadError(reason: "\(size) bytes, more than the limit of \(limit)")
        }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            // The buffer has room for `size` bytes; `count` never passes it.
            while count < size {
                let got = Glibc.read(descriptor, buffer.baseAddress! + count, size - count)
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                count += got
            }
        }
        guard failure == 0 else { throw ReadError(reason: String(cString: strerror(failure))) }
        guard bytes.count == size else { throw ReadError(reason: "became shorter while read") }
        return bytes
    }

    /// Hands a file of any size over in pieces of a few MiB.
    package static func forEachPiece(
        of path: String, _ body: (_ piece: [UInt8]) -> Void
    ) throws(ReadError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ReadError(reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ReadError(reason: "not a file")
        }
        var piece = [UInt8](repeating: 0, count: 1 << 22)
        while true {
            let got = Glibc.read(descriptor, &piece, piece.count)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw ReadError(reason: String(cString: strerror(errno))) }
            if got == 0 { return }
            body(got == piece.count ? piece : Array(piece[..<got]))
        }
    }

    package static func byteCount(of path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }
}
