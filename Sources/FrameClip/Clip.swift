// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// A recorded clip, decoded: what a client would send frame by frame.
package struct Clip: Sendable {
    /// Name of the folder.
    package var name: String
    /// How the bytes of every frame's payload are to be read.
    package var layout: GBufferLayout
    package var frames: [Frame]
    /// As recorded; nil if the clip does not say.
    package var framesPerSecond: Double?
    /// Where an option won over what the files state, a sentence each.
    package var said: [String] = []

    package struct Frame: Sendable {
        /// As in the names of the files.
        package var number: Int
        /// `layout.byteCount` bytes, or more: see `withoutEmissive`.
        package var payload: [UInt8]
        package var camera: Camera?
        /// Pixels, right and down, of the camera's image when the G-buffer was drawn.
        package var jitter: SIMD2<Float>
        /// The finished picture, 8-bit RGB.
        package var reference: PNGImage?

        package init(
            number: Int, payload: [UInt8], camera: Camera? = nil, jitter: SIMD2<Float> = .zero,
            reference: PNGImage? = nil
        ) {
            self.number = number
            self.payload = payload
            self.camera = camera
            self.jitter = jitter
            self.reference = reference
        }
    }

    package init(
        name: String, layout: GBufferLayout, frames: [Frame], framesPerSecond: Double? = nil
    ) {
        self.name = name
        self.layout = layout
        self.frames = frames
        self.framesPerSecond = framesPerSecond
    }

    package var size: FrameSize { layout.size }
    package var hasCameras: Bool { frames.allSatisfy { $0.camera != nil } }
    package var hasReferences: Bool { frames.allSatisfy { $0.reference != nil } }

    /// The clip for a model that does not read the emissive plane. Frames keep its bytes, which come
    /// last in a clip's payload and are then no part of the layout.
    package var withoutEmissive: Clip {
        guard let plane = layout.plane(.emissive), plane == layout.planes.last else { return self }
        var clip = self
        clip.layout.planes.removeLast()
        clip.layout.byteCount = plane.offset
        return clip
    }

    /// One frame as the denoiser takes it.
    /// - Parameter frameID: the frame's number in the order of rendering.
    package func gbuffer(_ index: Int, frameID: UInt64) -> GBuffer {
        let frame = frames[index]
        let storage = PixelStorage(byteCount: layout.byteCount)
        storage.copy(frame.payload, first: layout.byteCount)
        return GBuffer(
            layout: layout, storage: storage, frameID: frameID, camera: frame.camera,
            jitter: frame.jitter, motionFrom: nil)
    }
}

/// What a clip's files do not say themselves. A stated option wins over `camera.json`.
package struct ClipOptions: Sendable {
    package var metresPerUnit: Float?
    package var depthKind: DepthKind?
    package var normalSpace: NormalSpace?
    /// Depth at or beyond it is sky, metres.
    package var far: Double?
    /// `.bottomLeft`: the first row of every file is the lowest one, as after a read-back from
    /// OpenGL. Pictures are then written in the same order.
    package var origin = RowOrigin.topLeft
    /// From one frame's number to the next.
    package var numberStep = 1
    /// Only the first so many frames.
    package var frameLimit: Int?
    package var byteLimit = Int.max

    package init() {}
}
