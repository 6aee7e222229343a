// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

/// A picture of what was understood of a frame, of the frame's size: nine panels of a third of its
/// sides, seven of them filled by kernels (`K_PANEL_BASE` …), the rest left for words.
///
/// `@unchecked Sendable`: `bind` and `release` are called while no tile runs; tiles write disjoint
/// rows.
package final class PlaneSheet: @unchecked Sendable {
    package static let panelsAcross = Int(K_PANELS_ACROSS)
    package static let panelCount = Int(K_PANEL_COUNT.rawValue)

    /// What the panels say in numbers. Known after the last step.
    package struct Facts: Sendable, Equatable {
        /// Metres; nil: there is only sky.
        package var depths: ClosedRange<Float>?
        /// Of the pixels shown: with history, and of the sky.
        package var continuedShare: Double
        package var skyShare: Double
    }

    package let size: FrameSize
    package let panelSize: FrameSize
    package private(set) var facts: Facts?
    private let sheet: UnsafeMutablePointer<k_sheet>
    /// Keeps what is painted on alive.
    private var storage: PixelStorage?

    private static let rowsPerTile = 4
    private static let tilesPerStep = 16

    package init(size: FrameSize) {
        self.size = size
        panelSize = FrameSize(
            width: size.width / Self.panelsAcross, height: size.height / Self.panelsAcross)
        // Freed in `deinit`; its pointer leads into `storage`.
        sheet = .allocate(capacity: 1)
        sheet.initialize(to: k_sheet())
        sheet.pointee.panel_width = Int32(panelSize.width)
        sheet.pointee.panel_height = Int32(panelSize.height)
    }

    deinit { sheet.deallocate() }

    /// - Parameter storage: RGBA8, rows packed, `size.pixelCount * 4` bytes at least.
    package func bind(_ storage: PixelStorage, origin: RowOrigin) {
        precondition(storage.byteCount >= size.pixelCount * 4, "a sheet outside its storage")
        self.storage = storage
        facts = nil
        let rowStride = size.width * 4
        let base = storage.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        sheet.pointee.top =
            origin == .bottomLeft ? base.map { $0 + (size.height - 1) * rowStride } : base
        sheet.pointee.row_stride = origin == .bottomLeft ? -rowStride : rowStride
    }

    package func release() {
        storage = nil
        sheet.pointee.top = nil
    }

    /// - Parameter paint: rows of every panel.
    func steps(
        paint: @escaping @Sendable (_ sheet: UnsafePointer<k_sheet>, _ rows: Range<Int>) -> Void
    ) -> [OpStep] {
        OpStep.rows(
            "sheet", count: panelSize.height, perTile: Self.rowsPerTile,
            tilesPerStep: Self.tilesPerStep
        ) { paint(UnsafePointer(self.sheet), $0) }
            + [OpStep(name: "sheet depth", tileCount: 1) { _, _ in self.finish() }]
    }

    private func finish() {
        let found = k_sheet_finish(sheet)
        let count = Double(max(1, found.pixels))
        facts = Facts(
            depths: found.farthest > 0 ? found.nearest...found.farthest : nil,
            continuedShare: Double(found.continued) / count, skyShare: Double(found.sky) / count)
    }
}

extension FrameKernels {
    /// The bound frame's planes and history on a sheet; leaves everything else as it is but for this
    /// frame's own expanded history, which its other steps make anew.
    package func sheetSteps(_ sheet: PlaneSheet) -> [OpStep] {
        let parts = 16
        let history = OpStep(name: "sheet history", tileCount: parts) { part, _ in
            let height = Int(self.frame.pointee.previous_height)
            self.kernels.table.pointee.expand_history(
                self.frame, part * height / parts, (part + 1) * height / parts, 0,
                Int(self.frame.pointee.previous_width))
        }
        return [history]
            + sheet.steps {
                k_sheet_rows(self.kernels.table, self.frame, $0, $1.lowerBound, $1.upperBound)
            }
    }
}

extension DiffusionFrame {
    /// The bound frame's planes and history on a sheet, by way of the network's input.
    package func sheetSteps(_ sheet: PlaneSheet) -> [OpStep] {
        inputSteps()
            + sheet.steps {
                k_diffusion_sheet_rows(
                    self.frame, self.diffusion, $0, $1.lowerBound, $1.upperBound)
            }
    }
}
