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
            convert(from: sourceRow * size.width, to: row * size.width)
        }
    }

    /// One row of pixels, from the index of its first one to that of its first one in the history.
    private func convert(from source: Int, to target: Int) {
        let size = description.size
        /// The pixels of a plane with so many bytes each.
        func row(_ plane: Int, _ first: Int, _ stride: Int) -> PixelRow {
            PixelRow(offset: plane + first * stride, stride: stride, count: size.width)
        }
        storage.put(
            row(FrameHistory.pictureOffset, target, 4), from: payload,
            row(HistoryDescription.pictureOffset, source, 4), byteCount: 4)

        let base = FrameHistory.baseColorOffset(of: size)
        storage.put(
            row(base, target, 4), from: payload,
            row(
                description.baseColorOffset, source, description.baseColorFormat.bytesPerPixel),
            byteCount: 3)
        storage.fill(row(base + 3, target, 4), with: 255)

        storage.putMetres(
            row(FrameHistory.depthOffset(of: size), target, 4), from: payload,
            row(description.depthOffset, source, description.depthFormat.bytesPerPixel),
            format: description.depthFormat, DepthConversion(description.depth))

        let coverage = row(FrameHistory.coverageOffset(of: size), target, 1)
        if description.hasKnown {
            storage.put(
                coverage, from: payload, row(description.knownOffset + 3, source, 4), byteCount: 1)
        } else {
            storage.fill(coverage, with: 0)
        }
    }
}
