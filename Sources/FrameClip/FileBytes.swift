// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CPNGFile
import Glibc

/// Whole files, with errors that name them.
package enum FileBytes {
    package static func read(_ path: String) throws(ClipError) -> [UInt8] {
        // Strings are lent as C strings for one call, here and below.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .unreadable(path: path, reason: text(ofErrno: errno))
        }
        defer { close(descriptor) }
        var status = stat()
        // `status` is a local that outlives the call.
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .unreadable(path: path, reason: text(ofErrno: errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, reason: "it is not a file")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            // The rest of the array is a valid range for the whole call.
            let count = unsafe bytes[filled...].withUnsafeMutableBytes { rest in
                unsafe Glibc.read(descriptor, rest.baseAddress, rest.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw .unreadable(path: path, reason: text(ofErrno: errno))
            }
            guard count > 0 else { break }
            filled += count
        }
        // A file that shrank meanwhile: its reader sees where it ends.
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    /// The names in a folder as their bytes, in the order of these.
    static func names(in folder: String) throws(ClipError) -> [[UInt8]] {
        guard let directory = unsafe opendir(folder) else {
            throw .unreadable(path: folder, reason: text(ofErrno: errno))
        }
        defer { unsafe closedir(directory) }
        var names: [[UInt8]] = []
        while let entry = unsafe readdir(directory) {
            // The entry is valid until the next call; its name ends with a zero byte.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe [UInt8](bytes.prefix { $0 != 0 })
            }
            if name != [UInt8(ascii: ".")] && name != Array("..".utf8) { names.append(name) }
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// A name whose bytes that are no UTF-8 are written as \\xNN.
    static func escaped(_ name: [UInt8]) -> String {
        var result = ""
        var rest = name[...]
        while let first = rest.first {
            // The longest character that begins here has four bytes.
            let character = (1...4).lazy.compactMap { count in
                rest.count < count ? nil : String(validating: rest.prefix(count), as: UTF8.self)
            }.first
            if let character {
                result += character
                rest = rest.dropFirst(character.utf8.count)
            } else {
                let digits = String(first, radix: 16)
                result += "\\x" + (digits.count < 2 ? "0" : "") + digits
                rest = rest.dropFirst()
            }
        }
        return result
    }

    /// Writes a new file; an existing one is left alone, a half-written one is removed.
    package static func write(_ bytes: [UInt8], to path: String) throws(ClipError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            if errno == EEXIST { throw .exists(path: path) }
            throw .unwritable(path: path, reason: text(ofErrno: errno))
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
            unsafe unlink(path)
            throw .unwritable(path: path, reason: text(ofErrno: code))
        }
    }

    /// CRC-32, as zlib and PNG count it.
    package static func crc32(_ bytes: [UInt8]) -> UInt32 {
        // Lent for the call.
        unsafe pf_crc(bytes, bytes.count)
    }

    package static func text(ofErrno code: Int32) -> String {
        // strerror returns a valid C string for every number; it is copied at once.
        unsafe String(cString: strerror(code))
    }
}
