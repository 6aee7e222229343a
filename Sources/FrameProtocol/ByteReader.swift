// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Little-endian numbers and texts of one body, by offset. The body's length was checked against
/// its struct before a reader is made, so an offset outside is a programmer mistake.
package struct ByteReader {
    package let bytes: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// The `byteCount` bytes from `offset`, as a body of its own.
    package func part(at offset: Int, byteCount: Int) -> ByteReader {
        let start = bytes.startIndex + offset
        return ByteReader(bytes[start..<start + byteCount])
    }

    package func integer<Value: FixedWidthInteger & UnsignedInteger>(
        _: Value.Type, at offset: Int
    ) -> Value {
        var value: Value = 0
        for index in 0..<MemoryLayout<Value>.size {
            value |= Value(bytes[bytes.startIndex + offset + index]) << Value(8 * index)
        }
        return value
    }

    package func uint8(at offset: Int) -> UInt8 { bytes[bytes.startIndex + offset] }
    package func uint16(at offset: Int) -> UInt16 { integer(UInt16.self, at: offset) }
    package func uint32(at offset: Int) -> UInt32 { integer(UInt32.self, at: offset) }
    package func uint64(at offset: Int) -> UInt64 { integer(UInt64.self, at: offset) }
    package func float(at offset: Int) -> Float { Float(bitPattern: uint32(at: offset)) }
    package func double(at offset: Int) -> Double { Double(bitPattern: uint64(at: offset)) }

    /// UTF-8 without control characters (names end up in logs), padded with zero bytes.
    package func text(
        _ field: String, at offset: Int, byteCount: Int
    ) throws(ProtocolError) -> String {
        let start = bytes.startIndex + offset
        let area = bytes[start..<start + byteCount]
        let content = area.prefix { $0 != 0 }
        guard content.count < byteCount else {
            throw .text(field: field, reason: "does not end with a zero byte")
        }
        guard area.dropFirst(content.count).allSatisfy({ $0 == 0 }) else {
            throw .text(field: field, reason: "is not padded with zero bytes")
        }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw .text(field: field, reason: "is not UTF-8")
        }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { throw .text(field: field, reason: "contains a control character") }
        return text
    }

    /// A finite number.
    package func finiteFloat(_ field: String, at offset: Int) throws(ProtocolError) -> Float {
        let value = float(at: offset)
        guard value.isFinite else {
            throw .value(field: field, found: Double(value), limit: 0, needs: "must be finite")
        }
        return value
    }

    /// Metres of a near or far plane: finite, 0 or more.
    package func planeDistance(_ field: String, at offset: Int) throws(ProtocolError) -> Double {
        let value = double(at: offset)
        guard value.isFinite, value >= 0, value <= Limits.maxCameraMetres else {
            throw .value(
                field: field, found: value, limit: Limits.maxCameraMetres,
                needs: "must be 0 to \(Limits.maxCameraMetres) metres")
        }
        return value
    }
}
