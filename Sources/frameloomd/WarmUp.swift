// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameScheduler
import FrameTypes
import NeuralDenoiser

/// One small frame before the daemon says that it is ready: it proves that the model renders and
/// brings weights and threads into memory.
enum WarmUp {
    static func render(with denoiser: Denoiser, on pool: RenderPool) throws {
        try pool.render(try steps(for: denoiser))
    }

    static func steps(for denoiser: Denoiser) throws(MemoryRefusal) -> RenderSteps {
        let size = FrameSize(width: 64, height: 64)
        let workspace = try denoiser.makeWorkspace(for: size)
        let request = FrameRequest(
            gbuffer: GBuffer(
                layout: layout(of: size),
                storage: PixelStorage(byteCount: layout(of: size).byteCount), frameID: 1,
                camera: nil, jitter: .zero, motionFrom: nil),
            history: nil, seed: 0, picture: PixelStorage(byteCount: size.pixelCount * 4),
            nextHistory: PixelStorage(byteCount: FrameHistory.byteCount(of: size)))
        return RenderSteps(
            workspace.steps, begin: { try workspace.begin(request) },
            finish: { workspace.finish() })
    }

    /// The planes that every model of the compact family reads.
    private static func layout(of size: FrameSize) -> GBufferLayout {
        GBufferLayout(
            packed: [
                (.baseColor, .rgba8sRGB), (.normals, .rgb8UNorm), (.depth, .r32Float),
                (.roughness, .r8), (.metallic, .r8),
            ], size: size)
    }
}
