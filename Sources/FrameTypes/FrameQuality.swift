// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// At which size light is computed. Base color, emissive light and what the engine drew stay as they
/// are sent at every level. Raw values are for counting and files; the wire has bits of its own.
package enum FrameQuality: Int, Sendable, Hashable, CaseIterable, Comparable {
    case full = 1
    case half = 2
    case quarter = 4

    /// Pixels of the frame along a pixel of its light.
    package var side: Int { rawValue }

    package var name: String { "\(self)" }

    package init?(name: String) {
        guard let quality = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = quality
    }

    /// A lower level is less.
    package static func < (left: FrameQuality, right: FrameQuality) -> Bool {
        left.rawValue > right.rawValue
    }

    /// The next lower one; nil: there is none.
    package var lower: FrameQuality? {
        switch self {
        case .full: .half
        case .half: .quarter
        case .quarter: nil
        }
    }

    /// The next better one; nil: there is none.
    package var better: FrameQuality? {
        switch self {
        case .full: nil
        case .half: .full
        case .quarter: .half
        }
    }

    /// This level and all lower ones that frames of a size can have.
    package func downwards(for size: FrameSize) -> [FrameQuality] {
        Self.allCases.filter { $0 <= self && $0.fits(size) }
    }

    /// The light's size: the frame's, rounded up.
    package func light(of size: FrameSize) -> FrameSize {
        FrameSize(
            width: (size.width + side - 1) / side, height: (size.height + side - 1) / side)
    }

    /// Whether the light is not too small for a network.
    package func fits(_ size: FrameSize) -> Bool {
        self == .full || light(of: size).isSupported
    }

    /// A camera as the light's pixels see it; near and far planes are the frame's own, and done with.
    package func camera(_ camera: Camera?) -> Camera? {
        guard self != .full, var camera else { return camera }
        camera.fx /= Double(side)
        camera.fy /= Double(side)
        camera.cx /= Double(side)
        camera.cy /= Double(side)
        camera.near = 0
        camera.far = 0
        return camera
    }

    package func jitter(_ jitter: SIMD2<Float>) -> SIMD2<Float> { jitter / Float(side) }
}

extension FrameHistory {
    /// What a frame rendered at a level leaves behind: its light's pixels.
    package init(
        size: FrameSize, at quality: FrameQuality, frameID: UInt64, seed: UInt64, camera: Camera?,
        jitter: SIMD2<Float>, storage: PixelStorage
    ) {
        self.init(
            size: quality.light(of: size), frameID: frameID, seed: seed,
            camera: quality.camera(camera), jitter: quality.jitter(jitter), storage: storage)
    }
}
