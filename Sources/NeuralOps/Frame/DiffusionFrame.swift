// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

/// How a model of the framediffuser family wants its planes.
package struct DiffusionInputSettings: Sendable, Equatable {
    package enum DepthCurve: String, Sendable, CaseIterable {
        /// z / white, white / z and log1p(z) / log1p(white), rounded to bytes.
        case linear, inverse, log1p
    }

    /// A direction of the world; "-z" is its opposite.
    package struct Axis: Sendable, Equatable {
        package var index: Int
        package var isNegative: Bool

        package init(index: Int, isNegative: Bool) {
            self.index = index
            self.isNegative = isNegative
        }
    }

    package var depthCurve: DepthCurve
    /// Metres.
    package var depthWhite: Float
    /// Metres; what lies at or beyond is sky, whatever a client states.
    package var farthestSurface: Float { 100 * depthWhite }
    /// Byte of the sky.
    package var depthSky: Int
    /// What the three channels of the normals plane hold.
    package var normalAxes: [Axis]
    /// Where base color and depth bytes are all below this, the known plane's sky is drawn in.
    package var skyBelow: Int
    /// Whether the known plane covers the picture's sky as well; if not, the network paints it.
    package var skyIsFinal: Bool

    package init(
        depthCurve: DepthCurve, depthWhite: Float, depthSky: Int, normalAxes: [Axis],
        skyBelow: Int, skyIsFinal: Bool
    ) {
        self.depthCurve = depthCurve
        self.depthWhite = depthWhite
        self.depthSky = depthSky
        self.normalAxes = normalAxes
        self.skyBelow = skyBelow
        self.skyIsFinal = skyIsFinal
    }
}

/// The kernels at both ends of a framediffuser frame, bound to one size and its tensors.
///
/// `@unchecked Sendable`: `bind` and `release` are called while no tile runs.
package final class DiffusionFrame: @unchecked Sendable {
    package static let planeCount = Int(K_DIFFUSION_PLANES)

    package let size: FrameSize
    let frame: UnsafeMutablePointer<k_frame>
    let diffusion: UnsafeMutablePointer<k_diffusion>
    /// Keeps the tensors and the bound storages alive.
    private let buffers: [TensorBuffer]
    private var request: FrameRequest?

    private static let rowsPerTile = 8
    private static let tilesPerStep = 8

    /// - Parameters:
    ///   - planes: `[h, w, 10]`; h and w are at least the frame's.
    ///   - previous: `[h, w, 3]`, out, as the planes.
    ///   - decoded: `[h, w, 3]`, what the network makes of them.
    package init(
        size: FrameSize, settings: DiffusionInputSettings, planes: TensorBuffer,
        previous: TensorBuffer, decoded: TensorBuffer
    ) {
        let shape = planes.shape
        precondition(
            shape.height >= size.height && shape.width >= size.width
                && shape.channels == Self.planeCount && previous.shape.rows == shape.rows
                && decoded.shape.rows == shape.rows && previous.shape.channels == 3
                && decoded.shape.channels == 3, "tensors of another shape")
        self.size = size
        buffers = [planes, previous, decoded]
        // Both are freed in `deinit`; their pointers lead into `buffers` and `request`.
        frame = .allocate(capacity: 1)
        frame.initialize(to: k_frame())
        frame.pointee.width = Int32(size.width)
        frame.pointee.height = Int32(size.height)
        diffusion = .allocate(capacity: 1)
        diffusion.initialize(to: k_diffusion(settings))
        diffusion.pointee.width = Int32(shape.width)
        diffusion.pointee.height = Int32(shape.height)
        diffusion.pointee.planes = planes.base
        diffusion.pointee.previous = previous.base
        diffusion.pointee.decoded = UnsafePointer(decoded.base)
    }

    deinit {
        frame.deallocate()
        diffusion.deallocate()
    }

    /// Takes a frame whose layout and storages have been checked; a history must be of its size.
    package func bind(_ request: FrameRequest, geometry: FrameGeometry) {
        let layout = request.gbuffer.layout
        precondition(
            layout.size == size && request.history.map { $0.size == size } ?? true,
            "a frame of another size")
        self.request = request
        frame.pointee.bindPlanes(layout, source: request.gbuffer.storage.bytes)
        frame.pointee.bindDepth(geometry.depth)
        frame.pointee.bindView(geometry.view)
        frame.pointee.bindHistory(request.history)
        frame.pointee.bindResults(request)
    }

    /// Lets go of the frame's storages.
    package func release() { request = nil }

    /// Planes and history to tensors.
    package func inputSteps() -> [OpStep] {
        OpStep.rows(
            "planes", count: Int(diffusion.pointee.height), perTile: Self.rowsPerTile,
            tilesPerStep: Self.tilesPerStep
        ) { k_diffusion_inputs(self.frame, self.diffusion, $0.lowerBound, $0.upperBound) }
    }

    /// The decoded picture to bytes.
    package func pictureSteps() -> [OpStep] {
        OpStep.rows(
            "picture", count: size.height, perTile: Self.rowsPerTile,
            tilesPerStep: Self.tilesPerStep
        ) { k_diffusion_picture(self.frame, self.diffusion, $0.lowerBound, $0.upperBound) }
    }
}

extension k_diffusion {
    fileprivate init(_ settings: DiffusionInputSettings) {
        precondition(settings.normalAxes.count == 3, "three axes for three channels")
        self.init()
        let curve =
            switch settings.depthCurve {
            case .linear: K_DEPTH_LINEAR
            case .inverse: K_DEPTH_INVERSE
            case .log1p: K_DEPTH_LOG
            }
        depth_curve = Int32(curve.rawValue)
        depth_white = settings.depthWhite
        depth_sky = Int32(settings.depthSky)
        let axes = settings.normalAxes
        normal_axis = (Int32(axes[0].index), Int32(axes[1].index), Int32(axes[2].index))
        let signs = axes.map { $0.isNegative ? -1 : 1 as Float }
        normal_sign = (signs[0], signs[1], signs[2])
        sky_below = Int32(settings.skyBelow)
        sky_is_final = settings.skyIsFinal ? 1 : 0
    }
}
