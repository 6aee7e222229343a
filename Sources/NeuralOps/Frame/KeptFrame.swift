// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

/// How far planes may be from those that a tile was rendered from while it still counts as the same.
package struct PlaneTolerances: Sendable, Hashable {
    /// Of 255, in base color, normals, roughness, metallic and an emissive plane of bytes.
    package var steps: Int
    /// Of the distance.
    package var depth: Float
    /// Pixels.
    package var motion: Float

    package init(steps: Int, depth: Float, motion: Float) {
        self.steps = steps
        self.depth = depth
        self.motion = motion
    }
}

/// What an incremental session keeps beside its activations: the planes that each tile was rendered
/// from, and how far its picture still moves.
///
/// `@unchecked Sendable`: each step's tiles write the numbers of their own row of tiles; what is for
/// the whole frame changes between steps.
package final class KeptFrame: @unchecked Sendable {
    package enum Difference: UInt8, Sendable {
        case none, withinTolerance, beyond
    }

    /// How far a tile's last picture was from the picture before it.
    package struct Change: Sendable, Hashable {
        /// The largest difference of a byte; at least 1 where base color's mean still moves.
        package var most: Int = 0
        /// Of all its bytes.
        package var mean: Float = 0
    }

    package let region: RenderRegion
    /// Whether this frame's planes are kept for the next to be compared with.
    package var keepsPlanes = false
    /// Whether the next history's memory held the history that the last partly rendered frame began
    /// with: then it has all tiles but those of that frame.
    package var nextHoldsEarlier = false
    private let layout: GBufferLayout
    private let tolerances: PlaneTolerances
    private let kernels: FrameKernels
    private let planes: PixelStorage
    private let kept: [k_plane]
    /// By quarter of a tile, whose rows are twice as many as the tiles': where a change is near a
    /// tile's edge, the tile beyond it is rendered too.
    private var differences: [Difference]
    /// By row of quarters and column of tiles: the largest of a tile's quarters and one to each side.
    private var widened: [Difference]
    private var changes: [Change]
    /// By tile, whether it was rendered in the last frame that was rendered at all.
    private var wasRendered: [Bool]

    package static func byteCount(for layout: GBufferLayout) -> Int { layout.byteCount }

    package init(
        layout: GBufferLayout, tolerances: PlaneTolerances, kernels: FrameKernels,
        region: RenderRegion
    ) throws(MemoryRefusal) {
        self.layout = layout
        self.tolerances = tolerances
        self.kernels = kernels
        self.region = region
        planes = try PixelStorage(reserving: layout.byteCount)
        let bytes = planes.bytes
        kept = layout.planes.map {
            kernels.frame.pointee.plane($0, isFlipped: layout.origin == .bottomLeft, source: bytes)
        }
        differences = Array(repeating: .beyond, count: region.grid.tileCount * 4)
        widened = Array(repeating: .beyond, count: region.grid.tileCount * 2)
        changes = Array(repeating: Change(), count: region.grid.tileCount)
        wasRendered = Array(repeating: true, count: region.grid.tileCount)
    }

    /// The largest within a tile and half a tile around it.
    package func difference(of tile: Int) -> Difference {
        let columns = region.grid.columns
        let (top, column) = (tile / columns * 2, tile % columns)
        var largest = Difference.none
        for row in max(0, top - 1)...min(region.grid.rows * 2 - 1, top + 2) {
            let found = widened[row * columns + column]
            if found.rawValue > largest.rawValue { largest = found }
        }
        return largest
    }

    package func change(of tile: Int) -> Change { changes[tile] }

    /// Whether all planes are the same bytes as the kept ones.
    package var isSame: Bool { widened.allSatisfy { $0 == .none } }

    // MARK: Compare

    /// The bound frame's planes with the kept ones, in one row of tiles.
    package func compare(row: Int) {
        let half = region.grid.side / 2
        for quarters in row * 2...row * 2 + 1 {
            compare(quarters: quarters, half)
            widen(quarters: quarters)
        }
    }

    private func widen(quarters row: Int) {
        let columns = region.grid.columns
        for column in 0..<columns {
            var largest = Difference.none
            for quarter in max(0, column * 2 - 1)...min(columns * 2 - 1, column * 2 + 2) {
                let found = differences[row * columns * 2 + quarter]
                if found.rawValue > largest.rawValue { largest = found }
            }
            widened[row * columns + column] = largest
        }
    }

    private func compare(quarters row: Int, _ side: Int) {
        let (columns, size) = (region.grid.columns * 2, region.grid.size)
        for column in 0..<columns { differences[row * columns + column] = .none }
        let rows = min(row * side, size.height)..<min((row + 1) * side, size.height)
        for index in kept.indices { compare(plane: index, row: row, pixels: rows, side) }
    }

    private func compare(plane index: Int, row: Int, pixels rows: Range<Int>, _ side: Int) {
        let (columns, width) = (region.grid.columns * 2, region.grid.size.width)
        var now = kernels.boundPlane(layout.planes[index].kind)
        // Mostly nothing changed: long rows are compared faster than many short ones.
        if difference(&now, index, rows, 0..<width, exactly: true) == .none { return }
        for column in 0..<columns {
            let quarter = row * columns + column
            if differences[quarter] == .beyond { continue }
            let pixels = min(column * side, width)..<min((column + 1) * side, width)
            let found = difference(&now, index, rows, pixels, exactly: false)
            if found.rawValue > differences[quarter].rawValue { differences[quarter] = found }
        }
    }

    private func difference(
        _ now: inout k_plane, _ index: Int, _ rows: Range<Int>, _ columns: Range<Int>,
        exactly: Bool
    ) -> Difference {
        let kind = layout.planes[index].kind
        let found: Int32
        if kind == .motion {
            found = k_motion_of(
                &now, rows.lowerBound, rows.upperBound, columns.lowerBound, columns.upperBound,
                exactly ? 0 : mostMotion)
        } else {
            var tolerance = exactly ? k_tolerance() : tolerance(of: kind)
            found = kept.withUnsafeBufferPointer { kept in
                // The index is one of the layout's planes, and so is the buffer's.
                k_compare_planes(
                    &now, kept.baseAddress.map { $0 + index }, rows.lowerBound, rows.upperBound,
                    columns.lowerBound, columns.upperBound, &tolerance)
            }
        }
        return Difference(rawValue: UInt8(clamping: found)) ?? .beyond
    }

    private func tolerance(of kind: PlaneKind) -> k_tolerance {
        switch kind {
        case .baseColor, .normals, .roughness, .metallic, .emissive:
            k_tolerance(
                kind: Int32(K_TOLERATE_STEPS.rawValue), steps: Int32(tolerances.steps), relative: 0)
        case .depth:
            k_tolerance(
                kind: Int32(K_TOLERATE_DEPTH.rawValue), steps: 0, relative: tolerances.depth)
        case .known, .motion:
            k_tolerance()
        }
    }

    /// The tolerated motion in units of the plane.
    private var mostMotion: UInt16 {
        guard let motion = layout.motion else { return 0 }
        let scale = max(abs(motion.scaleX), abs(motion.scaleY))
        return Float16(tolerances.motion / scale).bitPattern & 0x7fff
    }

    // MARK: After the picture

    /// Ends one row of tiles: measures and keeps what was rendered, carries over the rest.
    package func settle(row: Int) {
        let grid = region.grid
        var column = 0
        while column < grid.columns {
            let start = column
            let isRendered = region.contains(row: row, column: column)
            while column < grid.columns,
                region.contains(row: row, column: column) == isRendered
            {
                if isRendered, keepsPlanes { measure(row: row, column: column) }
                column += 1
            }
            if !isRendered {
                carryOver(row: row, columns: start..<column)
            } else if keepsPlanes {
                keep(grid.pixelRows(row), grid.pixelColumns(start..<column))
            }
        }
        if region.tilesComputed == 0 { return }
        for column in 0..<grid.columns {
            wasRendered[row * grid.columns + column] = region.contains(row: row, column: column)
        }
    }

    /// The picture, and of the history what the next one's memory lacks. Where nothing is rendered
    /// the history stays the one it is.
    private func carryOver(row: Int, columns: Range<Int>) {
        let grid = region.grid
        let rows = grid.pixelRows(row)
        kernels.carryOverPicture(rows: rows, columns: grid.pixelColumns(columns))
        if region.tilesComputed == 0 { return }
        if !nextHoldsEarlier {
            return kernels.carryOverHistory(rows: rows, columns: grid.pixelColumns(columns))
        }
        for column in columns where wasRendered[row * grid.columns + column] {
            kernels.carryOverHistory(rows: rows, columns: grid.pixelColumns(column))
        }
    }

    private func measure(row: Int, column: Int) {
        let grid = region.grid
        let (rows, columns) = (grid.pixelRows(row), grid.pixelColumns(column))
        guard let change = kernels.pictureChange(rows: rows, columns: columns) else {
            changes[row * grid.columns + column] = Change(most: 255, mean: 255)
            return
        }
        var most = Int(change.most)
        // A mean of base color that still moves may move the next picture, though not this one.
        if most == 0, kernels.baseColorMoved(rows: rows, columns: columns) { most = 1 }
        changes[row * grid.columns + column] = Change(
            most: most,
            mean: Float(change.sum) / Float(rows.count * columns.count * 3))
    }

    private func keep(_ rows: Range<Int>, _ columns: Range<Int>) {
        kept.withUnsafeBufferPointer { kept in
            guard let base = kept.baseAddress else { return }
            for (index, plane) in layout.planes.enumerated() where plane.kind != .motion {
                var now = kernels.boundPlane(plane.kind)
                // Both lie in storages of this layout.
                k_copy_plane(
                    base + index, &now, rows.lowerBound, rows.upperBound, columns.lowerBound,
                    columns.upperBound)
            }
        }
    }
}

extension FrameKernels {
    /// A plane of the bound frame.
    func boundPlane(_ kind: PlaneKind) -> k_plane { k_plane_of(frame, kind.code) }

    /// How far the new picture is from the history's; nil without a history of this size.
    func pictureChange(rows: Range<Int>, columns: Range<Int>) -> k_change? {
        guard frame.pointee.previous_width == frame.pointee.width,
            frame.pointee.previous_height == frame.pointee.height
        else { return nil }
        return k_picture_change(
            frame.pointee.next_picture, frame.pointee.previous_picture, size.width,
            rows.lowerBound, rows.upperBound, columns.lowerBound, columns.upperBound)
    }

    /// Whether base color as it was rendered differs from the history's, which has this size.
    func baseColorMoved(rows: Range<Int>, columns: Range<Int>) -> Bool {
        var now = previousBase
        now.top = UnsafePointer(frame.pointee.next_base)
        var (before, colorsOnly) = (previousBase, k_tolerance())
        colorsOnly.kind = Int32(K_TOLERATE_STEPS.rawValue)
        return k_compare_planes(
            &now, &before, rows.lowerBound, rows.upperBound, columns.lowerBound,
            columns.upperBound, &colorsOnly) == Int32(K_APART.rawValue)
    }

    /// The history's picture as this frame's.
    func carryOverPicture(rows: Range<Int>, columns: Range<Int>) {
        copy(
            previousPicture, to: UnsafePointer(frame.pointee.picture),
            rowStride: frame.pointee.picture_row_stride, rows, columns)
    }

    private var previousPicture: k_plane {
        k_plane(
            top: frame.pointee.previous_picture, row_stride: size.width * 4,
            format: Int32(K_RGBA8.rawValue))
    }

    private var previousBase: k_plane {
        k_plane(
            top: frame.pointee.previous_base, row_stride: size.width * 4,
            format: Int32(K_RGBA8.rawValue))
    }

    /// The history as the next one.
    func carryOverHistory(rows: Range<Int>, columns: Range<Int>) {
        copy(
            previousPicture, to: UnsafePointer(frame.pointee.next_picture),
            rowStride: size.width * 4, rows, columns)
        copy(
            previousBase, to: UnsafePointer(frame.pointee.next_base), rowStride: size.width * 4,
            rows, columns)
        let depth = k_plane(
            top: UnsafeRawPointer(frame.pointee.previous_depth).assumingMemoryBound(
                to: UInt8.self), row_stride: size.width * 4, format: Int32(K_R32F.rawValue))
        copy(
            depth,
            to: UnsafeRawPointer(frame.pointee.next_depth).assumingMemoryBound(to: UInt8.self),
            rowStride: size.width * 4, rows, columns)
        let coverage = k_plane(
            top: frame.pointee.previous_coverage, row_stride: size.width,
            format: Int32(K_R8.rawValue))
        copy(
            coverage, to: UnsafePointer(frame.pointee.next_coverage), rowStride: size.width, rows,
            columns)
    }

    private func copy(
        _ from: k_plane, to: UnsafePointer<UInt8>?, rowStride: Int, _ rows: Range<Int>,
        _ columns: Range<Int>
    ) {
        var (from, to) = (from, k_plane(top: to, row_stride: rowStride, format: from.format))
        k_copy_plane(
            &to, &from, rows.lowerBound, rows.upperBound, columns.lowerBound, columns.upperBound)
    }
}
