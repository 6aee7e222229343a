// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import TestSupport

@testable import NeuralDenoiser
@testable import NeuralOps

/// Frames of one session after each other, each from the history that the one before left.
final class IncrementalLane {
    let workspace: Workspace
    private(set) var history: FrameHistory?
    private(set) var last: FrameRequest?
    private var nextID: UInt64

    /// - Parameters:
    ///   - settings: nil: a workspace that keeps nothing.
    ///   - model: nil: the default one.
    init(
        _ scene: Scene, _ encoding: Scene.Encoding = Scene.Encoding(),
        settings: IncrementalSettings?, path: KernelPath = .best, model: CompactModel? = nil,
        firstID: UInt64 = 1
    ) throws {
        let model = try model ?? atrium(path)
        let layout = scene.request(encoding).gbuffer.layout
        workspace = try Workspace(
            FramePlan(size: scene.size, model: model, isIncremental: settings != nil),
            model: model, incremental: settings.map { (layout, $0) })
        // What memory held before must not matter.
        workspace.arena.base.update(repeating: .nan, count: workspace.arena.byteCount / 4)
        nextID = firstID
    }

    func request(
        _ scene: Scene, _ encoding: Scene.Encoding = Scene.Encoding(), allows: Bool
    ) -> FrameRequest {
        var request = scene.request(encoding, history: history)
        request.gbuffer.frameID = nextID
        request.allowsApproximate = allows
        return request
    }

    /// - Returns: the picture.
    @discardableResult
    func render(
        _ scene: Scene, _ encoding: Scene.Encoding = Scene.Encoding(), allows: Bool = true,
        by runner: StepRunner = .forwards
    ) throws -> [UInt8] {
        let request = request(scene, encoding, allows: allows)
        try workspace.begin(request)
        runner.run(workspace.steps)
        workspace.finish()
        take(request)
        return request.picture.copiedBytes()
    }

    func take(_ request: FrameRequest) {
        let kept = workspace.work.keepsHistory ? history?.storage : nil
        history = FrameHistory(
            size: request.gbuffer.layout.size, frameID: request.gbuffer.frameID,
            seed: request.seed, camera: request.gbuffer.camera, jitter: request.gbuffer.jitter,
            storage: kept ?? request.nextHistory)
        last = request
        nextID += 1
    }
}

extension Scene {
    /// A calm scene whose pictures settle: smooth planes, no noise.
    static func calm(_ size: FrameSize, _ random: inout SeededGenerator) -> Scene {
        var scene = Scene(size, &random)
        for index in 0..<size.pixelCount {
            let (x, y) = (index % size.width, index / size.width)
            scene.base[index * 3] = UInt8(90 + x % 32)
            scene.base[index * 3 + 1] = 100
            scene.base[index * 3 + 2] = UInt8(80 + y % 16)
            scene.normals[index] = SIMD3(0, 0, 1)
            scene.roughness[index] = 128
            scene.metallic[index] = 0
            scene.motion[index] = SIMD2()
            scene.known[index * 4 + 3] = 0
        }
        return scene
    }

    /// With a square of another color and depth.
    func withSquare(x: Int, y: Int, side: Int, tone: UInt8 = 220) -> Scene {
        var scene = self
        for row in y..<min(y + side, size.height) {
            for column in x..<min(x + side, size.width) {
                let index = row * size.width + column
                scene.base.replaceSubrange(index * 3..<index * 3 + 3, with: [tone, 40, 60])
                scene.depth[index] = 1.5
                scene.normals[index] = SIMD3(0, 0.6, 0.8)
            }
        }
        return scene
    }
}
