// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

/// Turns the payload of a resuming client into the history that rendering would have left.
///
/// The same depth rule as rendering, rows from the top, so that resuming gives the same bytes as never
/// having stopped; but for base color's mean over standing frames, which begins anew. Work is cut into
/// bands of rows for the render threads.
package struct HistoryConversion: Sendable {
    package let description: HistoryDescription
    /// In: `description.byteCount` bytes as the client sent them.
    package let payload: PixelStorage
    /// Out: laid out as `FrameHistory` says.
    package let storage: PixelStorage

    private static let rowsPerTile = 32

    init(_ description: HistoryDescription, payload: PixelStorage, storage: PixelStorage) {
        precondition(payload.byteCount >= description.byteCount, "history payload too small")
        precondition(
            storage.byteCount >= FrameHistory.byteCount(of: description.size),
            "history storage too small")
        self.description = description
        self.payload = payload
        self.storage = storage
    }

    /// All of the work, for a render job.
    package var step: RenderStep {
        let height = description.size.height
        let tileCount = (height + Self.rowsPerTile - 1) / Self.rowsPerTile
        return RenderStep(
            name: "history.convert", stage: .convert, tileCount: tileCount
        ) { tile, _ in
            let first = tile * Self.rowsPerTile
            convert(rows: first..<min(height, first + Self.rowsPerTile))
        }
    }

    package var history: FrameHistory {
        FrameHistory(
            size: description.size, frameID: description.frameID, seed: description.seed,
            camera: description.camera, jitter: description.jitter, storage: storage)
    }

    private func convert(rows: Range<Int>) {
        let size = description.size
        for row in rows {
            let sourceRow = description.origin == .topLeft ? row : size.height - 1 - row
            let source = sourceRow * size.width
            let target = row * size.width
            copyPicture(from: source, to: target)
            convertBaseColor(from: source, to: target)
            convertDepth(from: source, to: target)
            convertCoverage(from: source, to: target)
        }
    }

    // The four below read and write one row of pixels at pixel indices inside the size; both storages
    // were checked in `init` to hold all planes of that size, and tiles touch different rows.

    private func copyPicture(from source: Int, to target: Int) {
        let byteCount = description.size.width * 4
        let offset = HistoryDescription.pictureOffset + source * 4
        unsafe UnsafeMutableRawBufferPointer(
            rebasing: storage.bytes[FrameHistory.pictureOffset + target * 4..<storage.byteCount]
        ).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: payload.bytes[offset..<offset + byteCount]))
    }

    private func convertBaseColor(from source: Int, to target: Int) {
        let pixelByteCount = description.baseColorFormat.bytesPerPixel
        let input = description.baseColorOffset + source * pixelByteCount
        let output = FrameHistory.baseColorOffset(of: description.size) + target * 4
        let from = unsafe payload.bytes
        let to = unsafe storage.bytes
        for x in 0..<description.size.width {
            for channel in 0..<3 {
                unsafe to[output + x * 4 + channel] = from[input + x * pixelByteCount + channel]
            }
            unsafe to[output + x * 4 + 3] = 255
        }
    }

    private func convertDepth(from source: Int, to target: Int) {
        let conversion = DepthConversion(description.depth)
        let isR16 = description.depthFormat == .r16
        let pixelByteCount = description.depthFormat.bytesPerPixel
        let input = description.depthOffset + source * pixelByteCount
        let output = FrameHistory.depthOffset(of: description.size) + target * 4
        let from = unsafe payload.bytes
        let to = unsafe storage.bytes
        for x in 0..<description.size.width {
            let offset = input + x * pixelByteCount
            let value =
                isR16
                ? Float(
                    UInt16(
                        littleEndian: unsafe from.loadUnaligned(
                            fromByteOffset: offset, as: UInt16.self)))
                : Float(
                    bitPattern: UInt32(
                        littleEndian: unsafe from.loadUnaligned(
                            fromByteOffset: offset, as: UInt32.self)))
            unsafe to.storeBytes(
                of: conversion.metres(value), toByteOffset: output + x * 4, as: Float.self)
        }
    }

    private func convertCoverage(from source: Int, to target: Int) {
        let input = description.knownOffset + source * 4
        let output = FrameHistory.coverageOffset(of: description.size) + target
        let from = unsafe payload.bytes
        let to = unsafe storage.bytes
        for x in 0..<description.size.width {
            unsafe to[output + x] = description.hasKnown ? from[input + x * 4 + 3] : 0
        }
    }
}
