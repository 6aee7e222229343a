// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps
import TestSupport
import Testing

@testable import NeuralDenoiser

/// One pixel of a plane holds an extreme value, as backgrounds and division by zero leave them: its
/// surroundings are drawn as without it.
@Suite struct ExtremeValueTests {
    private static let size = FrameSize(width: 128, height: 96)
    private static let pixel = 90 * size.width + 10

    /// Everything that is no surface, whoever writes it.
    static let noSurfaces: [Float] = [
        .greatestFiniteMagnitude, 1e30, 1e10, 65504, -1, -.greatestFiniteMagnitude,
        .infinity, -.infinity, .nan,
    ]

    private func scene() -> (Scene, FrameHistory) {
        var random = SeededGenerator(seed: 11)
        let scene = Scene(Self.size, &random)
        return (
            scene,
            randomHistory(of: scene, camera: Scene.camera(Self.size, &random), &random)
        )
    }

    @Test(arguments: noSurfaces)
    func depthThatIsNoSurfaceIsSky(value: Float) throws {
        var (scene, history) = scene()
        scene.depth[Self.pixel] = 0
        let expected = try render(scene.request(history: history), path: .best)
        scene.depth[Self.pixel] = value
        #expect(try render(scene.request(history: history), path: .best) == expected)
        // As the history of a client that resumes, and sends what it was sent.
        var stored = history.storage.copiedBytes()
        let at = FrameHistory.depthOffset(of: Self.size) + 4 * Self.pixel
        scene.depth[Self.pixel] = 0
        stored.replaceSubrange(at..<at + 4, with: [0, 0, 0, 0])
        history.storage.copy(stored)
        let resumed = try render(scene.request(history: history), path: .best)
        guard value > 0, value.isFinite else { return }  // the session has refused the others
        stored.replaceSubrange(
            at..<at + 4, with: withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init))
        history.storage.copy(stored)
        #expect(try render(scene.request(history: history), path: .best) == resumed)
    }

    /// Surfaces nearer than any lens sees, and as far as is allowed.
    @Test(arguments: [Float.leastNonzeroMagnitude, 1e-20, 1e-3, 1000])
    func aSurfaceSpoilsItsSurroundingsAlone(value: Float) throws {
        var (scene, history) = scene()
        let expected = try render(scene.request(history: history), path: .best)
        scene.depth[Self.pixel] = value
        let found = try render(scene.request(history: history), path: .best)
        #expect(worst(found.picture, expected.picture) <= 8, "\(value)")
    }

    @Test(arguments: [Float16.greatestFiniteMagnitude, -65504, .infinity, .nan, 1e-7])
    func motionSpoilsItsPixelAlone(value: Float16) throws {
        var (scene, history) = scene()
        let encoding = Scene.Encoding(sendsMotion: true)
        scene.motion[Self.pixel] = SIMD2(1000, 0)
        let expected = try render(scene.request(encoding, history: history), path: .best)
        scene.motion[Self.pixel] = SIMD2(Float(value), Float(value))
        let found = try render(scene.request(encoding, history: history), path: .best)
        #expect(worst(found.picture, expected.picture) <= 8, "\(value)")
    }

    /// The largest difference 64 columns and more away.
    private func worst(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var worst = 0
        for y in 0..<Self.size.height {
            for x in 74..<Self.size.width {
                for channel in 0..<3 {
                    let at = (y * Self.size.width + x) * 4 + channel
                    worst = max(worst, abs(Int(a[at]) - Int(b[at])))
                }
            }
        }
        return worst
    }

    @Test func diffusionTakesDepthThatIsNoSurfaceForSky() throws {
        let model = try FrameDiffuserModel(
            ModelSource(DiffusionFrames.model), kernelPath: .best)
        let frames = try DiffusionFrames("64x64")
        let workspace = try DiffusionWorkspace(size: frames.size, model: model)
        func picture(_ value: Float) throws -> [UInt8] {
            let request = try frames.request(0, history: frames.engineHistory())
            let depth = try #require(request.gbuffer.layout.plane(.depth))
            let at = depth.offset + 4 * (20 * frames.size.width + 30)
            request.gbuffer.storage.copy(
                withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init), at: at)
            try workspace.begin(request)
            StepRunner.forwards.run(workspace.steps)
            workspace.finish()
            return request.picture.copiedBytes()
        }
        let expected = try picture(0)
        for value in Self.noSurfaces where !(value > 0 && value < 10_000) {
            #expect(try picture(value) == expected, "\(value)")
        }
    }
}
