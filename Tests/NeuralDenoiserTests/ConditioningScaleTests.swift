// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps
import TestSupport
import Testing

@testable import NeuralDenoiser

/// Scales that sessions ask for, against models that state them.
@Suite struct ConditioningScaleTests {
    private func workspace(_ changes: [(old: String, new: String)]) throws -> DiffusionWorkspace {
        let changed = try ChangedModel(changes)
        let model = try FrameDiffuserModel(ModelSource(changed.path), kernelPath: .best)
        return try DiffusionWorkspace(size: try DiffusionFrames("64x64").size, model: model)
    }

    /// Two frames, the second with the first as history.
    private func pictures(
        _ workspace: DiffusionWorkspace, _ scales: ConditioningScales = ConditioningScales()
    ) throws -> [[UInt8]] {
        var sequence = try Sequence(scales)
        return [try sequence.next(in: workspace), try sequence.next(in: workspace)]
    }

    /// A session's frames.
    private struct Sequence {
        let scales: ConditioningScales
        let frames: DiffusionFrames
        var history: FrameHistory?
        var index = 0

        init(_ scales: ConditioningScales) throws {
            self.scales = scales
            frames = try DiffusionFrames("64x64")
            history = try frames.engineHistory()
        }

        mutating func next(in workspace: DiffusionWorkspace) throws -> [UInt8] {
            var request = try frames.request(index, history: history)
            request.scales = scales
            try workspace.begin(request)
            StepRunner.twoThreads.run(workspace.steps)
            workspace.finish()
            history = request.left
            index += 1
            return request.picture.copiedBytes()
        }
    }

    @Test(arguments: [1, 500, 1200, 4000] as [UInt16])
    func sessionsControlScaleEqualsTheModels(thousandths: UInt16) throws {
        let asked = try pictures(
            workspace([]), ConditioningScales(controlThousandths: thousandths))
        let stated = try pictures(
            workspace(
                ChangedModel.scales(control: "\(Double(thousandths) / 1000)", adapter: "1.0")))
        #expect(asked == stated)
        #expect(try asked != pictures(workspace([])))
    }

    @Test(arguments: [1, 250, 1500, 4000] as [UInt16])
    func sessionsAdapterScaleEqualsTheModels(thousandths: UInt16) throws {
        let apart = try workspace([ChangedModel.keepsApart])
        let asked = try pictures(apart, ConditioningScales(adapterThousandths: thousandths))
        let stated = try pictures(
            workspace(
                ChangedModel.scales(control: "1.0", adapter: "\(Double(thousandths) / 1000)")))
        #expect(asked == stated)
        #expect(try asked != pictures(apart))
    }

    @Test func askingForTheModelsOwnScalesChangesNothing() throws {
        let apart = try workspace([ChangedModel.keepsApart])
        let own = try pictures(apart)
        let ones = ConditioningScales(controlThousandths: 1000, adapterThousandths: 1000)
        #expect(try pictures(apart, ones) == own)
        // Merged weights are rounded once more than factors beside them: other sums, same picture.
        let merged = try pictures(workspace([]))[0]
        let apartFromMerged = zip(own[0], merged).map { abs(Int($0) - Int($1)) }
        #expect(apartFromMerged.allSatisfy { $0 <= 2 }, "\(apartFromMerged.max() ?? 0)")
    }

    @Test func sessionsInOneWorkspaceDoNotDisturbEachOther() throws {
        let apart = try workspace([ChangedModel.keepsApart])
        let wishes = [
            ConditioningScales(controlThousandths: 400),
            ConditioningScales(controlThousandths: 1700, adapterThousandths: 300),
            ConditioningScales(),
        ]
        let alone = try wishes.map { try pictures(apart, $0) }
        #expect(Set(alone).count == wishes.count)
        var sequences = try wishes.map { try Sequence($0) }
        var together: [[[UInt8]]] = Array(repeating: [], count: wishes.count)
        for _ in 0..<2 {
            for index in wishes.indices {
                together[index].append(try sequences[index].next(in: apart))
            }
        }
        #expect(together == alone)
    }

    @Test func refusesWhatNothingWouldBeMultipliedWith() throws {
        func refusal(_ folder: String, _ scales: ConditioningScales) throws -> DenoiserError? {
            let denoiser = try Denoiser(modelFolder: folder)
            do throws(DenoiserError) {
                try denoiser.check(scales)
                return nil
            } catch {
                return error
            }
        }
        let control = ConditioningScales(controlThousandths: 700)
        let adapter = ConditioningScales(adapterThousandths: 900)
        let compact = PackageFolder.defaultModel
        #expect(try refusal(compact, ConditioningScales()) == nil)
        let noControl = try #require(try refusal(compact, control))
        #expect(noControl == .noScale(field: "control_scale", found: 700, family: "compact"))
        #expect(noControl.field == "control_scale" && noControl.found == 700)
        #expect(try refusal(compact, adapter)?.field == "adapter_scale")

        #expect(try refusal(ChangedModel.source, control) == nil)
        let merged = try #require(try refusal(ChangedModel.source, adapter))
        #expect(merged == .mergedAdapter(found: 900) && merged.field == "adapter_scale")
        #expect("\(merged)".contains("scales.loraPerSession"))
        let without = try ChangedModel([("\"lora\": \"controllora.safetensors\",", "")])
        #expect(try refusal(without.path, adapter) == .noAdapter(found: 900))
        // Apart because of a scale other than 1.
        let scaled = try ChangedModel(ChangedModel.scales(control: "1.0", adapter: "0.5"))
        #expect(try refusal(scaled.path, adapter) == nil)
        // Whoever did not ask before gets no picture that ignores the wish.
        #expect(throws: DenoiserError.mergedAdapter(found: 900)) {
            try pictures(workspace([]), adapter)
        }
    }
}
