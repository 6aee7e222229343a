// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameConversion
import FrameProtocol
import FrameTypes

/// Turns the payload of a resuming client into the history that rendering would have left.
///
/// The same conversion of planes and the same depth rule as rendering, rows from the top, so that
/// resuming gives the same bytes as never having stopped; but for base color's mean over standing
/// frames, which begins anew. Work is cut into bands of rows for the render threads.
package struct HistoryConversion: Sendable {
    package let description: HistoryDescription
    /// In: `description.byteCount` bytes as the client sent them.
    package let payload: PixelStorage
    /// Out: laid out as `FrameHistory` says.
    package let storage: PixelStorage
    /// The planes as models read them: those of the payload, or converted from it.
    private let planes: PixelStorage

    /// - Parameter converted: for the planes, where the payload's are converted.
    init(
        _ description: HistoryDescription, payload: PixelStorage, converted: PixelStorage? = nil,
        storage: PixelStorage
    ) {
        precondition(payload.byteCount >= description.byteCount, "history payload too small")
        precondition(
            storage.byteCount >= FrameHistory.byteCount(of: description.size),
            "history storage too small")
        self.description = description
        self.payload = payload
        self.storage = storage
        precondition(
            converted != nil || !description.conversion.isNeeded, "no place for converted planes")
        planes = converted ?? payload
    }

    /// All of the work, for a render job.
    package var steps: [RenderStep] {
        let steps = RenderStep.rows("history.convert", stage: .convert, of: description.size) {
            convert(rows: $0)
        }
        guard description.conversion.isNeeded else { return steps }
        let converter = PlaneConverter(description.conversion)
        converter.begin(
            sent: payload, converted: planes, camera: description.camera,
            jitter: description.jitter)
        return converter.steps + steps
    }

    package var history: FrameHistory {
        FrameHistory(
            size: description.size, frameID: description.frameID, seed: description.seed,
            camera: description.camera, jitter: description.jitter, storage: storage)
    }

    private func convert(rows: Range<Int>) {
        let size = description.size
        let isTopLeft = description.conversion.layout.origin == .topLeft
        for row in rows { convert(from: isTopLeft ? row : size.height - 1 - row, to: row) }
    }

    /// From one row in memory to another in the history.
    private func convert(from source: Int, to target: Int) {
        let size = description.size
        let layout = description.conversion.layout
        /// Pixels of the history with so many bytes each.
        func history(_ offset: Int, _ stride: Int) -> PixelRow {
            PixelRow(
                offset: offset + target * size.width * stride, stride: stride, count: size.width)
        }
        func row(_ plane: PlaneLayout, first: Int = 0) -> PixelRow {
            PixelRow(
                offset: plane.offset + source * plane.rowStride + first,
                stride: plane.format.bytesPerPixel, count: size.width)
        }
        storage.put(
            history(FrameHistory.pictureOffset, 4), from: payload,
            PixelRow(
                offset: HistoryDescription.pictureOffset + source * size.width * 4, stride: 4,
                count: size.width), byteCount: 4)
        guard let baseColor = layout.plane(.baseColor), let depth = layout.plane(.depth) else {
            preconditionFailure("a history without base color or depth")
        }
        let base = FrameHistory.baseColorOffset(of: size)
        storage.put(history(base, 4), from: planes, row(baseColor), byteCount: 3)
        storage.fill(history(base + 3, 4), with: 255)
        storage.putMetres(
            history(FrameHistory.depthOffset(of: size), 4), from: planes, row(depth),
            format: depth.format, DepthConversion(layout.depth))
        let coverage = history(FrameHistory.coverageOffset(of: size), 1)
        if let known = layout.plane(.known) {
            storage.put(coverage, from: planes, row(known, first: 3), byteCount: 1)
        } else {
            storage.fill(coverage, with: 0)
        }
    }
}
