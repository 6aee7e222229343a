// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps
import TestSupport

@testable import NeuralDenoiser

/// Frames of a small clip and what the reference's loop makes of them.
struct DiffusionFrames {
    static let model = PackageFolder.goldens + "/framediffuser/model"
    static let count = 4

    let golden: Golden
    let size: FrameSize

    init(_ name: String) throws {
        golden = try Golden("framediffuser/frames_\(name)")
        let shape = try golden.tensor("pictures").shape
        size = FrameSize(width: shape[2], height: shape[1])
    }

    /// Bytes of one frame of a plane.
    func plane(_ name: String, _ frame: Int) throws -> [UInt8] {
        let all = try golden.bytes(name)
        let count = all.count / Self.count
        return Array(all[frame * count..<(frame + 1) * count])
    }

    func floats(_ name: String, _ frame: Int) throws -> [Float] {
        let all = try golden.floats(name)
        let count = all.count / Self.count
        return Array(all[frame * count..<(frame + 1) * count])
    }

    /// A depth byte is a metre; the sky's pixels are sent as known, nothing else is.
    func request(_ frame: Int, history: FrameHistory?) throws -> FrameRequest {
        let base = try plane("planes.base_color", frame)
        let depth = try plane("planes.depth", frame)
        let picture = try plane("planes.picture", frame)
        let metres = depth.map(Float.init).withUnsafeBytes(Array.init)
        let known = (0..<size.pixelCount).flatMap { i -> [UInt8] in
            let isSky = depth[i] < 10 && base[i * 3..<i * 3 + 3].allSatisfy { $0 < 10 }
            return picture[i * 3..<i * 3 + 3] + [isSky ? 255 : 0]
        }
        return FrameRequest.of(
            size: size,
            planes: [
                (.baseColor, .rgb8sRGB, base),
                (.normals, .rgb8UNorm, try plane("planes.normals", frame)),
                (.depth, .r32Float, metres),
                (.roughness, .r8, try plane("planes.roughness", frame)),
                (.metallic, .r8, try plane("planes.metallic", frame)), (.known, .rgba8sRGB, known),
            ], camera: nil, history: history, frameID: UInt64(frame + 1))
    }

    /// The engine's own picture of the first frame, as a client resumes with it.
    func engineHistory() throws -> FrameHistory {
        let history = FrameHistory(
            size: size, frameID: 0, seed: 0, camera: nil, jitter: SIMD2(),
            storage: PixelStorage(byteCount: FrameHistory.byteCount(of: size)))
        func rgba(_ bytes: [UInt8]) -> [UInt8] {
            (0..<size.pixelCount).flatMap { bytes[$0 * 3..<$0 * 3 + 3] + [255] }
        }
        history.storage.copy(
            rgba(try plane("planes.picture", 0)), at: FrameHistory.pictureOffset)
        history.storage.copy(
            rgba(try plane("planes.base_color", 0)), at: FrameHistory.baseColorOffset(of: size))
        history.storage.copy(
            try plane("planes.depth", 0).map(Float.init).withUnsafeBytes(Array.init),
            at: FrameHistory.depthOffset(of: size))
        return history
    }
}

extension FrameRequest {
    /// The history that this frame leaves.
    var left: FrameHistory {
        FrameHistory(
            size: gbuffer.layout.size, frameID: gbuffer.frameID, seed: seed,
            camera: gbuffer.camera, jitter: gbuffer.jitter, storage: nextHistory)
    }
}
