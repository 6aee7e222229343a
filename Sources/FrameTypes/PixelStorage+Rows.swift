// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Pixels in a row: where the first begins, how far it is to the next one, and how many there are.
package struct PixelRow: Sendable {
    package var offset: Int
    package var stride: Int
    package var count: Int

    package init(offset: Int, stride: Int, count: Int) {
        self.offset = offset
        self.stride = stride
        self.count = count
    }

    fileprivate func isInside(_ storage: PixelStorage, pixelByteCount: Int) -> Bool {
        offset >= 0 && stride > 0
            && (count == 0 || offset + (count - 1) * stride + pixelByteCount <= storage.byteCount)
    }
}

/// Rows of pixels on their way from one storage to another. Whoever calls owns both; rows lie inside
/// of them.
extension PixelStorage {
    /// The first bytes of every pixel.
    package func put(
        _ row: PixelRow, from source: PixelStorage, _ sourceRow: PixelRow, byteCount: Int
    ) {
        check(row, holds: byteCount, source, sourceRow, holds: byteCount)
        // Both rows were checked to lie inside.
        let (from, to) = unsafe (source.bytes, bytes)
        for index in 0..<row.count {
            for byte in 0..<byteCount {
                unsafe to[row.offset + index * row.stride + byte] =
                    from[sourceRow.offset + index * sourceRow.stride + byte]
            }
        }
    }

    /// One byte of every pixel.
    package func fill(_ row: PixelRow, with byte: UInt8) {
        precondition(row.isInside(self, pixelByteCount: 1), "a row outside of its storage")
        // Checked on the line above.
        let to = unsafe bytes
        for index in 0..<row.count { unsafe to[row.offset + index * row.stride] = byte }
    }

    /// Values of a depth plane as Float32 metres.
    package func putMetres(
        _ row: PixelRow, from source: PixelStorage, _ sourceRow: PixelRow, format: PixelFormat,
        _ conversion: DepthConversion
    ) {
        check(row, holds: 4, source, sourceRow, holds: format.bytesPerPixel)
        // Both rows were checked to lie inside.
        let (from, to) = unsafe (source.bytes, bytes)
        for index in 0..<row.count {
            let place = sourceRow.offset + index * sourceRow.stride
            let value =
                format == .r16
                ? Float(
                    UInt16(
                        littleEndian: unsafe from.loadUnaligned(
                            fromByteOffset: place, as: UInt16.self)))
                : Float(
                    bitPattern: UInt32(
                        littleEndian: unsafe from.loadUnaligned(
                            fromByteOffset: place, as: UInt32.self)))
            unsafe to.storeBytes(
                of: conversion.metres(value), toByteOffset: row.offset + index * row.stride,
                as: Float.self)
        }
    }

    private func check(
        _ row: PixelRow, holds byteCount: Int, _ source: PixelStorage, _ sourceRow: PixelRow,
        holds sourceByteCount: Int
    ) {
        precondition(
            row.count == sourceRow.count && row.isInside(self, pixelByteCount: byteCount)
                && sourceRow.isInside(source, pixelByteCount: sourceByteCount),
            "a row outside of its storage")
    }
}
