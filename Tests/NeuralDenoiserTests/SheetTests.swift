// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

/// The sheet of what was understood of a frame: what it shows, and that it changes nothing.
@Suite struct SheetTests {
    /// Panels of 32x24; their labels are as high as nine rows.
    private static let size = FrameSize(width: 96, height: 72)

    private func shown(
        _ request: FrameRequest, in workspace: any FrameWorkspace,
        by runner: StepRunner = .forwards
    ) throws -> Sheet {
        let storage = PixelStorage(byteCount: request.gbuffer.layout.size.pixelCount * 4)
        let origin = request.gbuffer.layout.origin
        try workspace.show(request, on: storage, origin: origin)
        runner.run(workspace.sheetSteps)
        workspace.finish()
        return Sheet(
            size: request.gbuffer.layout.size, bytes: storage.copiedBytes(),
            isBottomUp: origin == .bottomLeft)
    }

    private struct Sheet: Equatable {
        var size: FrameSize
        var bytes: [UInt8]
        var isBottomUp: Bool

        /// RGB of a panel's pixel.
        func color(_ panel: Int, _ i: Int, _ j: Int) -> [UInt8] {
            let x = panel % 3 * (size.width / 3) + i
            let top = panel / 3 * (size.height / 3) + j
            let y = isBottomUp ? size.height - 1 - top : top
            return Array(bytes[(y * size.width + x) * 4..<(y * size.width + x) * 4 + 3])
        }
    }

    private func compact() throws -> Workspace {
        let model = try atrium(.best)
        return try Workspace(FramePlan(size: Self.size, model: model), model: model)
    }

    private static let encodings: [Scene.Encoding] = [
        Scene.Encoding(),
        Scene.Encoding(
            origin: .bottomLeft, base: .rgb8sRGB, normals: .rgb8UNorm, normalSpace: .view,
            depth: .r16, depthEncoding: .linear(metresPerUnit: 0.001, far: .infinity), slack: 12),
        Scene.Encoding(
            normalSpace: .view, depthEncoding: .deviceReversed(near: 0.1, far: .infinity),
            sendsMetallic: false),
    ]

    /// However the planes were sent, the sheet shows the scene.
    @Test(arguments: 0..<3) func panelsShowTheScene(encoding index: Int) throws {
        var random = SeededGenerator()
        let scene = Scene(Self.size, &random)
        let encoding = Self.encodings[index]
        let sheet = try shown(scene.request(encoding), in: compact())
        for j in 10..<24 {
            for i in 0..<32 {
                let at = (3 * j + 1) * Self.size.width + 3 * i + 1
                #expect(sheet.color(0, i, j) == Array(scene.base[at * 3..<at * 3 + 3]))
                for c in 0..<3 {
                    let expected = (scene.normals[at][c] * 0.5 + 0.5) * 255
                    #expect(abs(Float(sheet.color(1, i, j)[c]) - expected) < 1.6)
                }
                let z = scene.depth[at]
                let shade = z > 0 ? (nearest(scene) / z).squareRoot() * 255 : 0
                if z > 0 {
                    #expect(abs(Float(sheet.color(2, i, j)[0]) - shade) < 1.6)
                } else {
                    #expect(sheet.color(2, i, j) == [0, 26, 77])
                }
                #expect(sheet.color(3, i, j) == Array(repeating: scene.roughness[at], count: 3))
                let metallic = encoding.sendsMetallic ? scene.metallic[at] : 0
                #expect(sheet.color(4, i, j) == Array(repeating: metallic, count: 3))
                #expect(sheet.color(5, i, j) == [0, 0, 0])
                #expect(sheet.color(6, i, j) == [0, 0, 0])
            }
        }
    }

    /// Of the pixels that the panels show.
    private func nearest(_ scene: Scene) -> Float {
        (0..<24).flatMap { j in
            (0..<32).map { scene.depth[(3 * j + 1) * Self.size.width + 3 * $0 + 1] }
        }.filter { $0 > 0 }.min() ?? 0
    }

    @Test func historyThatStandsStillIsThePreviousPicture() throws {
        var random = SeededGenerator()
        let scene = Scene(Self.size, &random)
        let history = randomHistory(of: scene, camera: scene.camera, &random)
        let picture = history.storage.copiedBytes()
        let workspace = try compact()
        let sheet = try shown(scene.request(history: history), in: workspace)
        for j in 10..<24 {
            for i in 0..<32 {
                let at = ((3 * j + 1) * Self.size.width + 3 * i + 1) * 4
                #expect(sheet.color(5, i, j) == Array(picture[at..<at + 3]))
                #expect(sheet.color(6, i, j)[0] > 128)
            }
        }
        // The label's first row: white letters on black, "BASE" of 5x7.
        #expect(sheet.color(0, 0, 0) == [0, 0, 0] && sheet.color(0, 1, 1) == [255, 255, 255])
        for runner in StepRunner.allCases {
            #expect(
                try shown(scene.request(history: history), in: workspace, by: runner) == sheet)
        }
    }

    /// Painting a sheet before or between frames leaves every byte as it would be.
    @Test(arguments: [false, true]) func changesNoPicture(isIncremental: Bool) throws {
        var random = SeededGenerator()
        let scenes = [0, 1, 1, 2, 2, 2].map { _ in Scene.calm(Self.size, &random) }
        let stands = scenes.map { scene in
            var scene = scene
            scene.camera = scenes[0].camera
            return scene
        }
        let settings = isIncremental ? IncrementalSettings() : nil
        for sequence in [scenes, stands, Array(repeating: scenes[0], count: 6)] {
            let plain = try IncrementalLane(sequence[0], settings: settings)
            let watched = try IncrementalLane(sequence[0], settings: settings)
            for (index, scene) in sequence.enumerated() {
                let expected = try plain.render(scene)
                // A frame that is shown and not rendered, then one that is both.
                _ = try shown(watched.request(scene, allows: true), in: watched.workspace)
                let request = watched.request(scene, allows: true)
                let sheet = PixelStorage(byteCount: Self.size.pixelCount * 4)
                try watched.workspace.begin(request)
                try watched.workspace.show(request, on: sheet, origin: .topLeft)
                StepRunner.forwards.run(watched.workspace.sheetSteps + watched.workspace.steps)
                watched.workspace.finish()
                watched.take(request)
                #expect(request.picture.copiedBytes() == expected, "frame \(index)")
                #expect(
                    watched.history?.storage.copiedBytes() == plain.history?.storage.copiedBytes(),
                    "frame \(index)")
            }
        }
    }

    @Test func framediffuserShowsWhatItsNetworksRead() throws {
        let frames = try DiffusionFrames("64x64")
        let model = try FrameDiffuserModel(ModelSource(DiffusionFrames.model), kernelPath: .best)
        let workspace = try DiffusionWorkspace(size: frames.size, model: model)
        let request = try frames.request(0, history: nil)
        let sheet = try shown(request, in: workspace)
        let roughness = try frames.plane("planes.roughness", 0)
        let metallic = try frames.plane("planes.metallic", 0)
        for j in 10..<21 {
            for i in 0..<21 {
                let at = (2 * j + 1) * 64 / 42 * 64 + (2 * i + 1) * 64 / 42
                #expect(sheet.color(3, i, j) == Array(repeating: roughness[at], count: 3))
                #expect(sheet.color(4, i, j) == Array(repeating: metallic[at], count: 3))
                #expect(sheet.color(6, i, j) == [0, 0, 0])
            }
        }
    }

    @Test(arguments: [FrameSize(width: 32, height: 32), FrameSize(width: 33, height: 200)])
    func everySizeHasRoom(size: FrameSize) throws {
        var random = SeededGenerator()
        let model = try atrium(.best)
        let workspace = try Workspace(FramePlan(size: size, model: model), model: model)
        var scene = Scene(size, &random)
        scene.camera?.cx = -1e300
        _ = try shown(scene.request(), in: workspace)
        scene.camera = nil
        scene.depth = Array(repeating: 0, count: size.pixelCount)
        _ = try shown(scene.request(), in: workspace)
        let request = scene.request()
        #expect(throws: DenoiserError.self) {
            try workspace.show(request, on: PixelStorage(byteCount: 64), origin: .topLeft)
        }
    }
}
