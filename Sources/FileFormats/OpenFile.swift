// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file that is read piece by piece into memory of our own. Nothing is mapped: a file cut short later
/// is an error of the next read.
final class OpenFile: Sendable {
    let byteCount: Int
    private let descriptor: Int32

    /// Refuses folders and devices.
    init(_ path: String) throws(FileBytes.ReadError) {
        // Strings are lent as C strings for one call, and `status` outlives its own. A pipe without a
        // writer must not be waited for.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileBytes.ReadError(errno) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw FileBytes.ReadError(reason: "not a file")
        }
        self.descriptor = descriptor
        byteCount = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Fewer bytes than `count` only where the file ends before.
    func read(at offset: Int, count: Int) throws(FileBytes.ReadError) -> [UInt8] {
        guard count > 0 else { return [] }
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            // The buffer has room for `count` bytes; `done` never passes it.
            while done < count, let base = buffer.baseAddress {
                let got = unsafe pread(descriptor, base + done, count - done, off_t(offset + done))
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                done += got
            }
        }
        guard failure == 0 else { throw FileBytes.ReadError(failure) }
        return bytes
    }
}
