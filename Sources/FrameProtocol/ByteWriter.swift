// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Writes little-endian numbers and texts by offset into a body of zero bytes.
package struct ByteWriter {
    package private(set) var bytes: [UInt8]

    package init(byteCount: Int) { bytes = [UInt8](repeating: 0, count: byteCount) }

    package mutating func put<Value: FixedWidthInteger & UnsignedInteger>(
        _ value: Value, at offset: Int
    ) {
        for index in 0..<MemoryLayout<Value>.size {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
        }
    }

    package mutating func put(_ value: Float, at offset: Int) { put(value.bitPattern, at: offset) }
    package mutating func put(_ value: Double, at offset: Int) { put(value.bitPattern, at: offset) }

    /// As much of `text` as leaves room for a zero byte, cut between two characters. Control
    /// characters, which no text of the wire has, become question marks.
    package mutating func put(_ text: String, at offset: Int, byteCount: Int) {
        var end = offset
        for character in text {
            let isPlain = character.unicodeScalars.allSatisfy {
                $0.properties.generalCategory != .control
            }
            let utf8 = (isPlain ? character : "?").utf8
            guard end + utf8.count < offset + byteCount else { return }
            for byte in utf8 {
                bytes[end] = byte
                end += 1
            }
        }
    }
}
