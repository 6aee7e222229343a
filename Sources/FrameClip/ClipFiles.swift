// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CPNGFile
import FileFormats
import Glibc

/// Files of clips, with errors that name them.
package enum ClipFiles {
    package static func read(_ path: String) throws(ClipError) -> [UInt8] {
        do {
            return try FileBytes.read(path)
        } catch {
            throw .unreadable(path: path, reason: error.reason)
        }
    }

    /// The names in a folder as their bytes, in the order of these.
    static func names(in folder: String) throws(ClipError) -> [[UInt8]] {
        // The path is lent as a C string for the call.
        guard let directory = unsafe opendir(folder) else {
            throw .unreadable(path: folder, reason: FileBytes.text(ofErrno: errno))
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
        do {
            try FileBytes.write(bytes, to: path)
        } catch {
            switch error {
            case .exists: throw .exists(path: path)
            case .failed(let reason): throw .unwritable(path: path, reason: reason)
            }
        }
    }

    /// CRC-32, as zlib and PNG count it.
    package static func crc32(_ bytes: [UInt8]) -> UInt32 {
        // Lent for the call.
        unsafe pf_crc(bytes, bytes.count)
    }
}
