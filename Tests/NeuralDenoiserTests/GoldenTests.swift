// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

/// Two of the imported modules know it by this name.
typealias KernelPath = NeuralOps.KernelPath

let supportedPaths = KernelPath.allCases.filter(\.isSupported)

/// The default model, read once for each path.
func atrium(_ path: KernelPath) throws -> CompactModel {
    try atriumModels[path, default: .failure(.kernelPath(path.rawValue, reason: "not tried"))].get()
}

private let atriumModels: [KernelPath: Result<CompactModel, NeuralModel.ModelError>] =
    Dictionary(
        uniqueKeysWithValues: supportedPaths.map { path in
            (
                path,
                Result { () throws(NeuralModel.ModelError) in
                    try CompactModel(folder: PackageFolder.defaultModel, kernelPath: path)
                }
            )
        })

/// A golden's model: the default one, or the small one of random weights beside its goldens, which
/// reads the place grid and the emissive plane.
private func model(of golden: String, _ path: KernelPath) throws -> CompactModel {
    guard golden.hasPrefix("place/") else { return try atrium(path) }
    return try CompactModel(folder: "\(PackageFolder.goldens)/place/model", kernelPath: path)
}

/// Tolerances as the goldens' own description states them.
@Suite struct GoldenTests {
    @Test(arguments: supportedPaths, ["goldens_network", "place/goldens_network"])
    func everyStageOfTheNetworkIsThatOfTheReference(path: KernelPath, name: String) throws {
        let golden = try Golden(name)
        let model = try model(of: name, path)
        let size = FrameSize(width: 96, height: 64)
        let workspace = try Workspace(
            FramePlan(size: size, model: model, keepsStages: true), model: model)
        let inputs = try NetworkInputs(golden, size: size)
        for hasCamera in [true, false] {
            let picture = inputs.render(in: workspace, path: path, hasCamera: hasCamera)
            let expected = try golden.floats(
                hasCamera ? "out.picture" : "out.picture_without_camera")
            #expect(Difference(picture, expected).largest <= 1e-3)
            guard hasCamera else { continue }
            let stages = workspace.plan.stages
            var values: [(String, LayerGraph.Value)] = [
                ("features", workspace.plan.places.features), ("stem", stages.stem),
            ]
            for level in stages.encoder.indices {
                values.append(("encoder.\(level)", stages.encoder[level]))
            }
            for level in stages.down.indices {
                values.append(("down.\(level)", stages.down[level]))
                values.append(("decoder.\(level)", stages.decoder[level]))
            }
            for (name, value) in values {
                let found = try #require(workspace.plan.layers.copy(of: value, in: workspace.arena))
                let difference = Difference(found, try golden.floats("out.\(name)"))
                #expect(difference.relative <= 1e-4, "\(name): \(difference)")
            }
            let head = try #require(
                workspace.plan.layers.copy(of: stages.head, in: workspace.arena))
            let difference = Difference(
                shuffled(head, width: 24, height: 16), try golden.floats("out.head"))
            #expect(difference.relative <= 1e-4, "head: \(difference)")
        }
    }

    @Test(
        arguments: supportedPaths,
        ["goldens_geometry", "goldens_padding", "place/goldens_padding"])
    func geometryIsThatOfTheReference(path: KernelPath, name: String) throws {
        let frame = try GoldenFrame(name)
        let model = try model(of: name, path)
        let workspace = try Workspace(FramePlan(size: frame.size, model: model), model: model)
        try workspace.begin(frame.request)
        #expect(workspace.usedHistoryFrame == 9)
        let found = ChunkReader(workspace, kernelPath: path)
        let golden = frame.golden
        let inFront = try golden.bytes("out.in_front")
        let undecided = try golden.bytes("out.undecided")
        let count = frame.size.pixelCount
        func compare(
            _ ours: String, _ theirs: [Float], _ tolerance: Float, where isCompared: (Int) -> Bool
        ) throws {
            let values = try #require(found.pixels[ours])
            let chosen = values.indices.filter { isCompared($0 % count) }
            #expect(chosen.count > values.count / 2)
            let difference = Difference(chosen.map { values[$0] }, chosen.map { theirs[$0] })
            #expect(difference.largest <= tolerance, "\(ours): \(difference)")
        }
        try compare("previous", golden.floats("out.previous_pixel"), 0.01) { inFront[$0] == 1 }
        let z = try #require(found.pixels["previous_z"])
        #expect(z.indices.allSatisfy { (z[$0] > 1e-3) == (inFront[$0] == 1) })
        let isDecided: (Int) -> Bool = { undecided[$0] == 0 }
        try compare("valid", golden.bytes("out.valid").map(Float.init), 0, where: isDecided)
        try compare("sigma", golden.floats("out.sigma"), 1e-6, where: isDecided)
        // A position off by 0.01 pixels changes a sharp edge by that much of its contrast.
        try compare("source", golden.floats("out.x"), 2e-3, where: isDecided)
        try compare("light", golden.floats("out.light"), 5e-3, where: isDecided)

        if model.pixels.settings.accumulation > 0 {
            // Rounded to bytes from a source and a light that are off by as much as above.
            let share = try golden.bytes("out.kept_share").map(Float.init)
            try compare("kept share", share, 0, where: isDecided)
            try compare("kept", golden.bytes("out.kept").map(Float.init), 2, where: isDecided)
        }

        let surface = try golden.bytes("out.cell_has_surface")
        #expect(found.cells["surface"] == surface.map(Float.init))
        let position = try #require(found.cells["position"])
        let expected = try golden.floats("out.cell_position")
        for index in position.indices where surface[index % surface.count] == 1 {
            #expect(abs(position[index] - expected[index]) <= 1e-4)
        }
        let view = Difference(try #require(found.cells["view"]), try golden.floats("out.view"))
        #expect(view.largest <= 1e-5, "view: \(view)")
        if let grid = model.pixels.settings.placeGrid { try expectBlocks(found, golden, grid) }
    }

    private func expectBlocks(
        _ found: ChunkReader, _ golden: Golden, _ grid: PlaceGridSettings
    ) throws {
        let surface = try golden.bytes("out.block_has_surface")
        #expect(found.cells["block surfaces"] == surface.map(Float.init))
        let position = try #require(found.cells["blocks"])
        let expected = try golden.floats("out.block_position")
        var inside = 0
        for index in position.indices where surface[index % surface.count] == 1 {
            let axis = index / surface.count
            let (least, most) = (grid.boundsMin[axis], grid.boundsMax[axis])
            if expected[index] > least && expected[index] < most { inside += 1 }
            let kept = min(max(expected[index], least), most) - least
            // 90 m from the camera.
            #expect(abs(position[index] - kept) <= 1e-4)
        }
        #expect(inside > position.count / 4 && inside < position.count)
    }

    @Test(
        arguments: supportedPaths,
        ["goldens_geometry", "goldens_padding", "place/goldens_padding"])
    func framesAreThoseOfTheReference(path: KernelPath, name: String) throws {
        let frame = try GoldenFrame(name)
        let model = try model(of: name, path)
        let workspace = try Workspace(
            FramePlan(size: frame.size, model: model, keepsStages: true), model: model)
        try workspace.begin(frame.request)
        StepRunner.forwards.run(workspace.steps)
        let features = try #require(
            workspace.plan.layers.copy(
                of: workspace.plan.places.features, in: workspace.arena))
        let expected = try frame.golden.floats("out.features")
        let cells = try frame.golden.tensor("out.features").shape
        let skipped = try undecidedCells(frame, height: cells[1], width: cells[2])
        var worst: Float = 0
        for index in features.indices where !skipped[index % skipped.count] {
            worst = max(worst, abs(features[index] - expected[index]))
        }
        #expect(worst <= 1e-2)

        // Undecided pixels reach their neighbours through the network; the rest of the picture is
        // compared where nothing undecided is within two cells.
        let emissive =
            frame.golden.container.tensor(named: "in.emissive") == nil
            ? nil : try frame.golden.bytes("in.emissive")
        let picture = workspace.unroundedPicture(
            frame.request, kernelPath: path, emissive: emissive)
        let sent = frame.request.picture.copiedBytes()
        let reference = try frame.golden.floats("out.picture")
        let accumulates = model.pixels.settings.accumulation > 0
        let shown = try accumulates ? frame.golden.floats("out.shown") : reference
        // What is kept is rounded, and may be another number.
        let tolerance: Float = accumulates ? 1.4 : 0.755
        let (width, height) = (frame.size.width, frame.size.height)
        var compared = 0
        worst = 0
        for index in picture.indices {
            let (x, y) = (index % width / 4, index / width % height / 4)
            let isNear = (-2...2).contains { dy in
                (-2...2).contains { dx in
                    (0..<cells[1]).contains(y + dy) && (0..<cells[2]).contains(x + dx)
                        && skipped[(y + dy) * cells[2] + x + dx]
                }
            }
            if isNear { continue }
            compared += 1
            worst = max(worst, abs(picture[index] - reference[index]))
            let pixel = index % (width * height)
            let byte = Float(sent[pixel * 4 + index / (width * height)])
            #expect(abs(byte - shown[index] * 255) <= tolerance)
        }
        #expect(worst <= 1e-3)
        #expect(compared > picture.count / 8)
    }

    private func undecidedCells(_ frame: GoldenFrame, height: Int, width: Int) throws -> [Bool] {
        let undecided = try frame.golden.bytes("out.undecided")
        var cells = Array(repeating: false, count: width * height)
        for y in 0..<height * 4 {
            for x in 0..<width * 4 {
                let (px, py) = (min(x, frame.size.width - 1), min(y, frame.size.height - 1))
                if undecided[py * frame.size.width + px] == 1 {
                    cells[y / 4 * width + x / 4] = true
                }
            }
        }
        return cells
    }

    /// `[c * 16, h, w]` to `[c, 4 h, 4 w]`.
    private func shuffled(_ head: [Float], width: Int, height: Int) -> [Float] {
        let planes = head.count / (16 * width * height)
        return (0..<head.count).map { index in
            let (x, y) = (index % (width * 4), index / (width * 4) % (height * 4))
            let plane = index / (width * height * 16)
            precondition(plane < planes)
            let channel = plane * 16 + y % 4 * 4 + x % 4
            return head[(channel * height + y / 4) * width + x / 4]
        }
    }
}
