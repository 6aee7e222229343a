// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CPNGFile
import FrameTypes

/// A picture or plane as a PNG file holds it: raw samples, no gamma.
package struct PNGImage: Sendable, Equatable {
    package var size: FrameSize
    /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    package var channels: Int
    /// 8 or 16. Two bytes a sample, lowest first, with 16.
    package var bitDepth: Int
    /// Rows from the top, packed.
    package var bytes: [UInt8]

    package init(size: FrameSize, channels: Int, bitDepth: Int = 8, bytes: [UInt8]) {
        precondition(
            (1...4).contains(channels) && (bitDepth == 8 || bitDepth == 16)
                && bytes.count == size.pixelCount * channels * bitDepth / 8,
            "the bytes of a picture do not fit its shape")
        self.size = size
        self.channels = channels
        self.bitDepth = bitDepth
        self.bytes = bytes
    }

    /// As errors say it: "16-bit grey".
    package var pixelDescription: String {
        let names = ["grey", "grey with alpha", "RGB", "RGBA"]
        return "\(bitDepth)-bit \(names[channels - 1])"
    }

    // MARK: Reading

    package init(readingFrom path: String) throws(ClipError) {
        let file = try ClipFiles.read(path)
        try self.init(decoding: file, path: path)
    }

    /// - Parameter path: for errors.
    package init(decoding file: [UInt8], path: String) throws(ClipError) {
        let info = try Self.info(of: file, path: path)
        var text = Self.emptyText
        var pixels = [UInt8](repeating: 0, count: Self.byteCount(of: info))
        // Every pointer is to an array that outlives the call, with its own size beside it; the
        // pixels were sized from the very info that is passed.
        let status = unsafe withUnsafePointer(to: info) {
            unsafe pf_read(&pixels, $0, file, file.count, &text)
        }
        guard status == 0 else { throw .broken(path: path, reason: Self.string(text)) }
        self.init(
            size: FrameSize(width: Int(info.width), height: Int(info.height)),
            channels: Int(info.channels), bitDepth: Int(info.bit_depth), bytes: pixels)
    }

    /// Width and height from the start of a file.
    package static func size(of file: [UInt8], path: String) throws(ClipError) -> FrameSize {
        let info = try info(of: file, path: path)
        return FrameSize(width: Int(info.width), height: Int(info.height))
    }

    private static func info(of file: [UInt8], path: String) throws(ClipError) -> pf_info {
        var info = pf_info()
        var text = emptyText
        // As above: arrays and a local that outlive the call.
        guard unsafe pf_read_info(&info, file, file.count, &text) == 0 else {
            throw .broken(path: path, reason: string(text))
        }
        return info
    }

    // MARK: Writing

    /// A new file at `path`; an existing one is left alone.
    package func write(to path: String) throws(ClipError) {
        try ClipFiles.write(encoded(path: path), to: path)
    }

    package func encoded(path: String) throws(ClipError) -> [UInt8] {
        let info = pf_info(
            width: UInt32(size.width), height: UInt32(size.height), channels: UInt32(channels),
            bit_depth: UInt32(bitDepth))
        var text = Self.emptyText
        // Only reads the struct.
        let room = unsafe withUnsafePointer(to: info) { unsafe pf_room($0) }
        var file = [UInt8](repeating: 0, count: room)
        // Arrays that outlive the call; `bytes` has the size that `info` says (checked in init).
        let count = unsafe withUnsafePointer(to: info) {
            unsafe pf_write(&file, room, $0, bytes, &text)
        }
        guard count > 0 else { throw .unwritable(path: path, reason: Self.string(text)) }
        file.removeLast(room - count)
        return file
    }

    // MARK: C helpers

    private static let emptyText = [CChar](repeating: 0, count: Int(PF_TEXT_BYTES))

    private static func byteCount(of info: pf_info) -> Int {
        // Only reads the struct; sides are limited to PF_MAX_SIDE, so the product fits.
        unsafe withUnsafePointer(to: info) { unsafe pf_byte_count($0) }
    }

    private static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
