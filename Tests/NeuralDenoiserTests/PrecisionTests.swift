// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CAllocationCount
import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

/// The same frames at every precision: how far from fp32, and the same whoever renders them.
@Suite struct PrecisionTests {
    private func model(
        _ precision: NeuralOps.Precision, _ path: KernelPath = .best
    ) throws -> CompactModel {
        try CompactModel(
            folder: PackageFolder.defaultModel, kernelPath: path, precision: precision)
    }

    /// An rms error of 0.004 is 48 dB, 0.002 is 54 dB.
    @Test(arguments: [(NeuralOps.Precision.int8, Float(0.004)), (.bf16, 0.002)])
    func picturesStayNearTheReference(precision: NeuralOps.Precision, limit: Float) throws {
        let golden = try Golden("goldens_network")
        let size = FrameSize(width: 96, height: 64)
        let model = try model(precision)
        let workspace = try Workspace(FramePlan(size: size, model: model), model: model)
        let inputs = try NetworkInputs(golden, size: size)
        for hasCamera in [true, false] {
            let picture = inputs.render(in: workspace, path: .best, hasCamera: hasCamera)
            let expected = try golden.floats(
                hasCamera ? "out.picture" : "out.picture_without_camera")
            let squares = zip(picture, expected).reduce(Float(0)) {
                $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
            }
            let rms = (squares / Float(picture.count)).squareRoot()
            #expect(rms <= limit && rms > 0, "\(precision): \(rms)")
        }
    }

    /// The network's integers are the same everywhere. What its features are made from differs in
    /// the last bits between paths and is shared here.
    @Test func integersAreTheSameOnEveryPath() throws {
        let golden = try Golden("goldens_network")
        let size = FrameSize(width: 96, height: 64)
        let features = try golden.floats("out.features")
        var heads: [[Float]] = []
        for path in supportedPaths {
            let model = try model(.int8, path)
            let workspace = try Workspace(
                FramePlan(size: size, model: model, keepsStages: true), model: model)
            let plan = workspace.plan
            workspace.arena.base.update(repeating: .nan, count: workspace.arena.byteCount / 4)
            plan.layers.fill(plan.places.features, with: features, in: workspace.arena)
            StepRunner.forwards.run(plan.layers.steps(in: workspace.arena))
            heads.append(
                try #require(plan.layers.copy(of: plan.stages.head, in: workspace.arena)))
        }
        #expect(heads.allSatisfy { $0 == heads[0] && !$0.isEmpty })
    }

    /// Of the picture and of the next history, for a frame that has one.
    @Test(arguments: supportedPaths, [NeuralOps.Precision.int8, .bf16, .fp32])
    func threadsAndOrderOfTilesDoNotChangeAByte(
        path: KernelPath, precision: NeuralOps.Precision
    ) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 161, height: 130)
        let scene = Scene(size, &random)
        let before = Scene(size, &random)
        let history = randomHistory(of: scene, camera: before.camera, &random)
        let model = try model(precision, path)
        let workspace = try Workspace(FramePlan(size: size, model: model), model: model)
        var results: [[UInt8]] = []
        for runner in StepRunner.allCases {
            // What memory held before must not matter.
            workspace.arena.base.update(repeating: .nan, count: workspace.arena.byteCount / 4)
            let request = scene.request(history: history)
            try workspace.begin(request)
            #expect(workspace.usedHistoryFrame == 7)
            runner.run(workspace.steps)
            workspace.finish()
            results.append(request.picture.copiedBytes() + request.nextHistory.copiedBytes())
        }
        #expect(results.allSatisfy { $0 == results[0] }, "seed \(random.seed)")
    }

    @Test(arguments: [NeuralOps.Precision.int8, .bf16])
    func renderingAllocatesNothing(precision: NeuralOps.Precision) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 64, height: 64)
        let request = Scene(size, &random).request()
        let model = try model(precision)
        let workspace = try Workspace(FramePlan(size: size, model: model), model: model)
        let memory = WorkerMemory()
        RenderThread.prepare()
        try workspace.render(request, memory)
        let before = allocation_count()
        try workspace.render(request, memory)
        try workspace.render(request, memory)
        #expect(allocation_count() - before == 0)
    }

    @Test func theDescriptionSaysWhatServes() throws {
        let denoiser = try Denoiser(
            modelFolder: PackageFolder.defaultModel, kernelPath: .portable, precision: .int8)
        #expect(denoiser.description.precision == "int8")
        #expect(denoiser.description.kernelPath == "portable-int8")
    }
}
