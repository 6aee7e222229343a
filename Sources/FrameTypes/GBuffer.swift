// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// One frame's inputs as the client sent them.
package struct GBuffer: Sendable {
    package var layout: GBufferLayout
    /// `layout.byteCount` bytes.
    package var storage: PixelStorage
    package var frameID: UInt64
    package var camera: Camera?
    /// Pixels, right and down, added to the pixel center when the G-buffer was drawn.
    package var jitter: SIMD2<Float>
    /// Id of the frame that the motion plane points to; nil: the frame before.
    package var motionFrom: UInt64?

    package init(
        layout: GBufferLayout, storage: PixelStorage, frameID: UInt64, camera: Camera?,
        jitter: SIMD2<Float>, motionFrom: UInt64?
    ) {
        self.layout = layout
        self.storage = storage
        self.frameID = frameID
        self.camera = camera
        self.jitter = jitter
        self.motionFrom = motionFrom
    }
}

/// What the next frame needs from this one: exactly what a client can send to resume.
///
/// Rows from the top, packed, whatever the client's origin:
/// `picture` RGBA8, `baseColor` RGBA8 (alpha: 256 - the frames that it is the mean of, 255 from a
/// client that resumes; a model that keeps no mean leaves it alone), `depth` Float32 metres (0: sky),
/// `coverage` R8 (alpha of the `known` plane; 0 without one).
package struct FrameHistory: Sendable {
    package var size: FrameSize
    package var frameID: UInt64
    package var seed: UInt64
    package var camera: Camera?
    package var jitter: SIMD2<Float>
    package var storage: PixelStorage

    package init(
        size: FrameSize, frameID: UInt64, seed: UInt64, camera: Camera?, jitter: SIMD2<Float>,
        storage: PixelStorage
    ) {
        self.size = size
        self.frameID = frameID
        self.seed = seed
        self.camera = camera
        self.jitter = jitter
        self.storage = storage
    }

    package static func byteCount(of size: FrameSize) -> Int { size.pixelCount * 13 }
    /// As a frame's warp reads it: 8 floats a pixel.
    package static func expandedByteCount(of size: FrameSize) -> Int { size.pixelCount * 32 }
    package static let pictureOffset = 0
    package static func baseColorOffset(of size: FrameSize) -> Int { size.pixelCount * 4 }
    package static func depthOffset(of size: FrameSize) -> Int { size.pixelCount * 8 }
    package static func coverageOffset(of size: FrameSize) -> Int { size.pixelCount * 12 }
}

/// One frame for the denoiser: what to read and where to write. All storages are owned by the job
/// until it is finished.
package struct FrameRequest: Sendable {
    package var gbuffer: GBuffer
    /// What a `PlaneConverter` fills `gbuffer.storage` from; that itself where nothing is converted.
    package var sent: PixelStorage
    /// Previous frame, nil after a reset or at the start. Its size may differ from the G-buffer's.
    package var history: FrameHistory?
    package var seed: UInt64
    /// Of a diffusion model's conditioning.
    package var scales: ConditioningScales
    /// Whether unchanged tiles may be carried over where rendering them could give other bytes.
    package var allowsApproximate: Bool
    /// Out: RGBA8 sRGB, `size.pixelCount * 4` bytes, rows packed, in the client's origin.
    package var picture: PixelStorage
    /// Out: the next frame's history, `FrameHistory.byteCount(of:)` bytes.
    package var nextHistory: PixelStorage

    package init(
        gbuffer: GBuffer, history: FrameHistory?, seed: UInt64,
        scales: ConditioningScales = ConditioningScales(), allowsApproximate: Bool = false,
        sent: PixelStorage? = nil, picture: PixelStorage, nextHistory: PixelStorage
    ) {
        self.gbuffer = gbuffer
        self.sent = sent ?? gbuffer.storage
        self.history = history
        self.seed = seed
        self.scales = scales
        self.allowsApproximate = allowsApproximate
        self.picture = picture
        self.nextHistory = nextHistory
    }
}
