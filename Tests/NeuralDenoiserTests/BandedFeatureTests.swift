// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

/// Features that go into the first layer band by band, against the same in memory as a whole.
@Suite struct BandedFeatureTests {
    /// Widths of a cell, of a band and a bit, of several bands.
    @Test(
        arguments: NeuralOps.Precision.allCases,
        [
            FrameSize(width: 33, height: 70), FrameSize(width: 530, height: 40),
            FrameSize(width: 1200, height: 33),
        ])
    func picturesAreTheSame(precision: NeuralOps.Precision, size: FrameSize) throws {
        var random = SeededGenerator()
        let scene = Scene(size, &random)
        let model = try CompactModel(
            folder: PackageFolder.defaultModel, kernelPath: .best, precision: precision)
        let pictures = try [false, true].map { keepsStages in
            let workspace = try Workspace(
                FramePlan(size: size, model: model, keepsStages: keepsStages), model: model)
            let names = Set(workspace.steps.map(\.name))
            #expect(names.contains("features+stem") == !keepsStages)
            #expect(names.contains("stem") == keepsStages)
            let request = scene.request()
            try workspace.begin(request)
            StepRunner.twoThreads.run(workspace.steps)
            workspace.finish()
            return request.picture.copiedBytes()
        }
        #expect(pictures[0] == pictures[1], "seed \(random.seed)")
    }
}
