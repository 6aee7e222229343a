// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

/// The ops around the network of a frame whose light is computed at half or quarter size: planes to
/// those of the light, a history that has more pixels than it, and the light to every pixel of the
/// picture. One frame is bound at a time.
///
/// `@unchecked Sendable`: `bind` and `release` are called between frames only; tiles read the
/// description and write disjoint rows.
package final class LevelKernels: @unchecked Sendable {
    package let size: FrameSize
    package let quality: FrameQuality
    package var lightSize: FrameSize { quality.light(of: size) }
    /// Whether the bound frame's history is reduced first.
    package private(set) var reducesHistory = false

    private let model: PixelModel
    private let kernels: UnsafePointer<k_level_kernels>
    private let frame: UnsafeMutablePointer<k_frame>
    private let level: UnsafeMutablePointer<k_level>
    private let past: UnsafeMutablePointer<k_past>
    private let planes: PixelStorage
    private let maps: PixelStorage
    private let pastLight: PixelStorage
    /// Of the frames before: whose layout changes with the session.
    private var layouts: (full: GBufferLayout, reduced: GBufferLayout)?
    private var request: FrameRequest?

    private static let tilePixels = 16384
    private static let tilesPerStep = 16
    /// Of all planes that a frame can have, reduced.
    private static let planeBytes = 4 * 6 + 2

    /// - Parameter padded: pixels of the network's output.
    package static func byteCount(
        of size: FrameSize, at quality: FrameQuality, padded: FrameSize
    ) -> Int {
        let light = quality.light(of: size)
        return light.pixelCount * planeBytes + mapByteCount(padded)
            + FrameHistory.byteCount(of: light)
    }

    private static func mapRow(_ padded: FrameSize) -> Int {
        (padded.width + 15) / 16 * 16 + 2 * Int(K_MAP_MARGIN)
    }

    private static func mapByteCount(_ padded: FrameSize) -> Int {
        Int(K_MAP_COUNT.rawValue) * padded.height * mapRow(padded) * 4
    }

    package init(
        model: PixelModel, size: FrameSize, quality: FrameQuality, padded: FrameSize
    ) throws(MemoryRefusal) {
        precondition(quality != .full, "a frame of full quality has no other size of light")
        guard let table = k_level_kernels_of(model.kernelPath.code) else {
            preconditionFailure("the processor cannot run the model's kernel path")
        }
        self.model = model
        self.size = size
        self.quality = quality
        kernels = table
        let light = quality.light(of: size)
        planes = try PixelStorage(reserving: light.pixelCount * Self.planeBytes)
        maps = try PixelStorage(reserving: Self.mapByteCount(padded))
        pastLight = try PixelStorage(reserving: FrameHistory.byteCount(of: light))
        // All are freed in `deinit`; their pointers lead into the storages, `model` and `request`.
        frame = .allocate(capacity: 1)
        frame.initialize(to: k_frame())
        frame.pointee.model = UnsafePointer(model.description)
        frame.pointee.width = Int32(size.width)
        frame.pointee.height = Int32(size.height)
        level = .allocate(capacity: 1)
        level.initialize(to: k_level())
        level.pointee.full = UnsafePointer(frame)
        level.pointee.side = Int32(quality.side)
        level.pointee.width = Int32(light.width)
        level.pointee.height = Int32(light.height)
        level.pointee.maps = maps.bytes.baseAddress?.assumingMemoryBound(to: Float.self)
        level.pointee.map_row = Self.mapRow(padded)
        level.pointee.map_plane = Self.mapRow(padded) * padded.height
        past = .allocate(capacity: 1)
        past.initialize(to: k_past())
        past.pointee.model = UnsafePointer(model.description)
    }

    deinit {
        frame.deallocate()
        level.deallocate()
        past.deallocate()
    }

    // MARK: A frame

    /// Takes a frame whose layout and storages have been checked.
    /// - Parameter geometry: of the frame as it came.
    /// - Returns: the frame as the network sees it. Its picture goes where this one's will, before it.
    package func bind(_ request: FrameRequest, geometry: FrameGeometry) -> FrameRequest {
        let gbuffer = request.gbuffer
        precondition(gbuffer.layout.size == size, "a frame of another size")
        self.request = request
        let layout = reducedLayout(gbuffer.layout)
        frame.pointee.bindPlanes(gbuffer.layout, source: gbuffer.storage.bytes)
        frame.pointee.bindDepth(geometry.depth)
        frame.pointee.bindPicture(request)
        bindPlanes(layout)
        return FrameRequest(
            gbuffer: GBuffer(
                layout: layout, storage: planes, frameID: gbuffer.frameID,
                camera: quality.camera(gbuffer.camera), jitter: quality.jitter(gbuffer.jitter),
                motionFrom: gbuffer.motionFrom),
            history: bindHistory(request.history), seed: request.seed, scales: request.scales,
            allowsApproximate: request.allowsApproximate, picture: request.picture,
            nextHistory: request.nextHistory)
    }

    /// Lets go of the frame's storages.
    package func release() {
        request = nil
        reducesHistory = false
    }

    /// Allocates only where the layout is another than the frame's before.
    private func reducedLayout(_ full: GBufferLayout) -> GBufferLayout {
        if let layouts, layouts.full == full { return layouts.reduced }
        let reduced = Self.reduced(full, at: quality)
        layouts = (full, reduced)
        return reduced
    }

    /// The planes of the light: rows packed from the top, depth in metres.
    package static func reduced(
        _ layout: GBufferLayout, at quality: FrameQuality
    ) -> GBufferLayout {
        let planes = layout.planes.map { plane -> (kind: PlaneKind, format: PixelFormat) in
            switch plane.kind {
            case .baseColor, .known, .emissive: (plane.kind, .rgba8sRGB)
            case .normals: (plane.kind, plane.format)
            case .depth: (plane.kind, .r32Float)
            case .roughness, .metallic: (plane.kind, .r8)
            case .motion: (plane.kind, .rg16Float)
            }
        }
        // Its rows go downwards, whatever the client's do.
        let flips: Float = layout.origin == .bottomLeft ? -1 : 1
        let side = Float(quality.side)
        return GBufferLayout(
            packed: planes, size: quality.light(of: layout.size), normalSpace: layout.normalSpace,
            motion: layout.motion.map {
                MotionEncoding(
                    scaleX: $0.scaleX / side, scaleY: $0.scaleY / side * flips,
                    isJittered: $0.isJittered)
            })
    }

    private func bindPlanes(_ layout: GBufferLayout) {
        for kind in 0..<K_PLANE_COUNT.rawValue {
            k_set_reduced(level, k_plane_kind(rawValue: kind), nil)
        }
        let base = planes.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        precondition(layout.byteCount <= planes.byteCount, "reduced planes outside their storage")
        for plane in layout.planes {
            k_set_reduced(level, plane.kind.code, base.map { $0 + plane.offset })
        }
    }

    /// A history of a better level in the pixels of this one's light; any other as it is.
    private func bindHistory(_ history: FrameHistory?) -> FrameHistory? {
        reducesHistory = false
        let light = lightSize
        guard let history, history.size.pixelCount > light.pixelCount,
            let step = Self.step(from: history.size, to: light),
            let bytes = history.storage.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            let next = pastLight.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            history.storage.byteCount >= FrameHistory.byteCount(of: history.size)
        else { return history }
        reducesHistory = true
        let size = history.size
        past.pointee.side = Int32(step.side)
        past.pointee.width = Int32(size.width)
        past.pointee.height = Int32(size.height)
        past.pointee.picture = UnsafePointer(bytes)
        past.pointee.base = UnsafePointer(bytes + FrameHistory.baseColorOffset(of: size))
        past.pointee.depth = floats(bytes + FrameHistory.depthOffset(of: size))
        past.pointee.coverage = UnsafePointer(bytes + FrameHistory.coverageOffset(of: size))
        past.pointee.next_picture = next
        past.pointee.next_base = next + FrameHistory.baseColorOffset(of: light)
        past.pointee.next_depth = UnsafeMutablePointer(
            mutating: floats(next + FrameHistory.depthOffset(of: light)))
        past.pointee.next_coverage = next + FrameHistory.coverageOffset(of: light)
        return FrameHistory(
            size: size, at: step, frameID: history.frameID, seed: history.seed,
            camera: history.camera, jitter: history.jitter, storage: pastLight)
    }

    /// nil: no whole number of pixels becomes one.
    private static func step(from size: FrameSize, to light: FrameSize) -> FrameQuality? {
        if FrameQuality.half.light(of: size) == light { return .half }
        return FrameQuality.quarter.light(of: size) == light ? .quarter : nil
    }

    /// 8 bytes a pixel from an aligned start: aligned for Float.
    private func floats(_ bytes: UnsafeMutablePointer<UInt8>) -> UnsafePointer<Float> {
        UnsafeRawPointer(bytes).assumingMemoryBound(to: Float.self)
    }

    // MARK: Steps

    /// Before the network's own: idle where the history has the light's size, or another one that is
    /// no multiple of it.
    package func historySteps() -> [OpStep] {
        rows("reduce history", lightSize.height, width: size.width) {
            self.kernels.pointee.reduce_history(self.past, $0.lowerBound, $0.upperBound)
        }.map { step in
            var step = step
            step.isIdle = { !self.reducesHistory }
            return step
        }
    }

    /// Planes to those of the light.
    package func reduceSteps() -> [OpStep] {
        rows("reduce", lightSize.height, width: size.width * quality.side) {
            self.kernels.pointee.reduce(self.level, $0.lowerBound, $0.upperBound)
        }
    }

    /// Light to the picture, after the reduced frame's own picture.
    package func raiseSteps() -> [OpStep] {
        rows("raise", size.height, width: size.width) {
            self.kernels.pointee.raise(self.level, $0.lowerBound, $0.upperBound)
        }
    }

    private func rows(
        _ name: String, _ count: Int, width: Int, _ run: @escaping @Sendable (Range<Int>) -> Void
    ) -> [OpStep] {
        OpStep.rows(
            name, count: count, perTile: max(1, Self.tilePixels / width),
            tilesPerStep: Self.tilesPerStep, run: run)
    }

    /// Keeps the light of some cells of the reduced frame, from the head's row.
    func keep(
        _ frame: UnsafePointer<k_frame>, _ head: UnsafePointer<Float>, row: Int,
        columns: Range<Int>
    ) {
        kernels.pointee.lights(
            level, frame, head, row, columns.lowerBound, columns.upperBound)
    }
}
