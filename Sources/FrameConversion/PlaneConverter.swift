// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CPlaneKernels
import FrameTypes
import Synchronization

/// Turns a frame's planes from the formats and conventions of its client into those that models read,
/// on render threads, before anything else looks at them.
///
/// This is the one place where it happens; cameras are turned when they are read from the wire
/// (`WorldAxes`). What a history resumes with goes the same way.
package final class PlaneConverter: Sendable {
    /// A frame to convert. Its owner touches neither storage until the steps are done.
    private struct Frame: Sendable {
        var sent: PixelStorage
        var converted: PixelStorage
        var camera: Camera?
        var jitter: SIMD2<Float>
    }

    package let conversion: PlaneConversion
    private let operations: [PlaneOperation]
    private let frame = Mutex<Frame?>(nil)
    private let begun = Mutex<FrameRequest?>(nil)

    package init(_ conversion: PlaneConversion) {
        self.conversion = conversion
        operations = conversion.sent.planes.map { PlaneOperation($0, in: conversion.sent) }
    }

    /// Before the steps run.
    /// - Parameters:
    ///   - sent: `conversion.sent.byteCount` bytes.
    ///   - converted: out, `conversion.layout.byteCount` bytes.
    ///   - camera: in our axes.
    package func begin(
        sent: PixelStorage, converted: PixelStorage, camera: Camera?, jitter: SIMD2<Float>
    ) {
        precondition(
            sent.byteCount >= conversion.sent.byteCount
                && converted.byteCount >= conversion.layout.byteCount,
            "a frame smaller than its layout")
        frame.withLock {
            $0 = Frame(sent: sent, converted: converted, camera: camera, jitter: jitter)
        }
    }

    package func begin(_ request: FrameRequest) {
        let gbuffer = request.gbuffer
        begin(
            sent: request.sent, converted: gbuffer.storage, camera: gbuffer.camera,
            jitter: gbuffer.jitter)
        begun.withLock { $0 = request }
    }

    /// The one that it began with, until it is finished.
    package var request: FrameRequest? { begun.withLock { $0 } }

    /// After the steps, or instead of them: lets go of the storages.
    package func finish() {
        frame.withLock { $0 = nil }
        begun.withLock { $0 = nil }
    }

    /// All of the work, for a render job.
    package var steps: [RenderStep] {
        func steps(
            _ name: String, _ run: @escaping @Sendable (Frame, Range<Int>) -> Void
        ) -> [RenderStep] {
            RenderStep.rows(name, stage: .convert, of: conversion.sent.size) { rows in
                guard let frame = self.frame.withLock({ $0 }) else { return }
                run(frame, rows)
            }
        }
        let planes = steps("planes.convert") { self.convert($0, rows: $1) }
        guard let normals = index(of: .normals), case .fromDepth = operations[normals] else {
            return planes
        }
        return planes + steps("planes.normals") { self.computeNormals($0, rows: $1) }
    }

    private func index(of kind: PlaneKind) -> Int? {
        conversion.sent.planes.firstIndex { $0.kind == kind }
    }

    // MARK: Rows in memory

    private func convert(_ frame: Frame, rows: Range<Int>) {
        for (index, operation) in operations.enumerated() {
            for row in rows { convert(frame, plane: index, operation, row: row) }
        }
        if let normals = index(of: .normals), operations[normals].isOctahedral {
            blankSky(frame, rows: rows)
        }
    }

    private func convert(
        _ frame: Frame, plane index: Int, _ operation: PlaneOperation, row: Int
    ) {
        let width = conversion.sent.size.width
        let (sent, read) = (conversion.sent.planes[index], conversion.layout.planes[index])
        let out = start(of: read, row: row, in: frame.converted)
        if case .constant(let value) = operation {
            return out.update(repeating: value, count: width)
        }
        if case .fromDepth = operation { return }
        let pixelBytes = sent.format.bytesPerPixel
        let source = frame.sent.bytes
        let offset = sent.offset + row * sent.rowStride
        guard let base = source.baseAddress, offset >= 0,
            offset + width * pixelBytes <= source.count
        else { preconditionFailure("a plane outside its storage") }
        let input = UnsafePointer(base.assumingMemoryBound(to: UInt8.self)) + offset
        switch operation {
        case .copy: out.update(from: input, count: width * pixelBytes)
        case .swapRedAndBlue: p_swap_red_blue(out, input, width)
        case .linearColor: p_map_color(out, input, ColorTables.bytes.bytes, width)
        case .linearHalfColor: p_map_half_color(out, input, ColorTables.halves.bytes, width)
        case .turn8(let turn): p_turn_normals8(out, input, pixelBytes, turn, width)
        case .turn10(let format, let turn): p_turn_normals10(out, input, format, turn, width)
        case .floats(let format): putFloats(out, input, format, width)
        case .reversed(let scale): p_reverse_depth(out, input, scale, width)
        case .depth24(let shift, let isForward):
            p_depth24(out, input, shift, isForward ? 1 : 0, width)
        case .ray(let format):
            putFloats(out, input, format, width)
            turnRays(out, frame, row: row)
        case .scalar(let channel, let isSigned, let meaning):
            p_scalars(out, input, pixelBytes, channel, isSigned ? 1 : 0, meaning, width)
        case .motion(let scale): p_scale_motion(out, input, scale.x, scale.y, width)
        case .constant, .fromDepth: break
        }
    }

    private func putFloats(
        _ out: UnsafeMutablePointer<UInt8>, _ input: UnsafePointer<UInt8>, _ format: SentFormat,
        _ width: Int
    ) {
        switch format {
        case .r16Float: p_floats_of_halves(out, input, width)
        case .r16: p_floats_of_words(out, input, width)
        default: out.update(from: input, count: width * 4)
        }
    }

    private func turnRays(_ out: UnsafeMutablePointer<UInt8>, _ frame: Frame, row: Int) {
        // Frames without a camera are refused; here they would stay as they are.
        guard let camera = frame.camera,
            case .linear(let metresPerUnit, let far) = conversion.sent.depth.overruled(by: camera)
        else { return }
        let rays = Rays(camera, jitter: frame.jitter)
        p_planar_depth(
            out, Float(far / Double(metresPerUnit)), rays.u, rays.du, rays.v(pictureRow(row)),
            conversion.sent.size.width)
    }

    /// Of the row in memory with this number.
    private func pictureRow(_ row: Int) -> Int {
        conversion.sent.origin == .topLeft ? row : conversion.sent.size.height - 1 - row
    }

    private func start(
        of plane: PlaneLayout, row: Int, in storage: PixelStorage
    ) -> UnsafeMutablePointer<UInt8> {
        let bytes = storage.bytes
        let offset = plane.offset + row * plane.rowStride
        guard let base = bytes.baseAddress, offset >= 0, offset + plane.rowStride <= bytes.count
        else { preconditionFailure("a plane outside its storage") }
        return base.assumingMemoryBound(to: UInt8.self) + offset
    }

    // MARK: Normals and depth

    private func blankSky(_ frame: Frame, rows: Range<Int>) {
        guard let normals = conversion.layout.plane(.normals) else { return }
        withDepthRows(frame, count: 1) { depthRow, view in
            for row in rows {
                guard let depth = depthRow(row, 0) else { continue }
                p_blank_sky(
                    start(of: normals, row: row, in: frame.converted), depth, &view,
                    conversion.layout.size.width)
            }
        }
    }

    private func computeNormals(_ frame: Frame, rows: Range<Int>) {
        guard let camera = frame.camera, let normals = conversion.layout.plane(.normals) else {
            return
        }
        let size = conversion.layout.size
        let rays = Rays(camera, jitter: frame.jitter)
        withDepthRows(frame, count: 5) { depthRow, view in
            (view.u, view.du, view.dv) = (rays.u, rays.du, rays.dv)
            let rotation = camera.cameraToWorld
            view.rotation = (
                Float(rotation.x.x), Float(rotation.x.y), Float(rotation.x.z),
                Float(rotation.y.x), Float(rotation.y.y), Float(rotation.y.z),
                Float(rotation.z.x), Float(rotation.z.y), Float(rotation.z.z)
            )
            for row in rows {
                let y = pictureRow(row)
                view.v = rays.v(y)
                let near = (0..<5).map { slot -> UnsafePointer<UInt8>? in
                    let other = y + slot - 2
                    return (0..<size.height).contains(other)
                        ? depthRow(pictureRow(other), slot) : nil
                }
                p_normals_from_depth(
                    start(of: normals, row: row, in: frame.converted), near, &view, size.width)
            }
        }
    }

    /// Lends the converted depth's rows as R32F. R16 ones are converted into one of `count` slots.
    private func withDepthRows(
        _ frame: Frame, count: Int,
        _ body: (
            _ row: (_ row: Int, _ slot: Int) -> UnsafePointer<UInt8>?, _ view: inout p_depth_view
        ) -> Void
    ) {
        let layout = conversion.layout
        guard let depth = layout.plane(.depth) else { return }
        var view = p_depth_view(DepthConversion(layout.depth.overruled(by: frame.camera)))
        let isWords = depth.format == .r16
        let rowBytes = layout.size.width * 4
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: isWords ? count * rowBytes : 1) {
            scratch in
            body(
                { row, slot in
                    let source = UnsafePointer(start(of: depth, row: row, in: frame.converted))
                    guard isWords, let base = scratch.baseAddress else { return source }
                    let words = base + slot * rowBytes
                    p_floats_of_words(words, source, layout.size.width)
                    return UnsafePointer(words)
                }, &view)
        }
    }
}

/// The ray (u + x du, v, -1) of the pixel in column x of a picture's row.
private struct Rays {
    let u, du, dv: Float
    private let camera: Camera
    private let jitter: SIMD2<Float>

    init(_ camera: Camera, jitter: SIMD2<Float>) {
        self.camera = camera
        self.jitter = jitter
        u = Float((0.5 + Double(jitter.x) - camera.cx) / camera.fx)
        du = Float(1 / camera.fx)
        dv = Float(-1 / camera.fy)
    }

    func v(_ row: Int) -> Float {
        Float(-(Double(row) + 0.5 + Double(jitter.y) - camera.cy) / camera.fy)
    }
}

extension p_depth_view {
    fileprivate init(_ depth: DepthConversion) {
        self.init()
        is_reversed = depth.isReversed ? 1 : 0
        scale = depth.scale
        // 1/z = (offset + d range) / numerator
        slope = depth.isReversed ? depth.range / depth.numerator : 0
        offset = depth.isReversed ? depth.offset / depth.numerator : 0
        nearest = 1 / depth.far
    }
}
