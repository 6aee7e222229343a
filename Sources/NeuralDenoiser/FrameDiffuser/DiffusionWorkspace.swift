// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

/// FrameDiffuser's loop for frames of one size: planes, irradiance and the previous picture's latent
/// condition a latent that a sampler draws out of noise.
///
/// Its history is the session's: the previous picture and base color, used in their old pixel
/// positions. Without one (first frame, reset, another size) the base color stands for the previous
/// picture, and the frame counts as one without history.
///
/// `@unchecked Sendable`: `begin` and `finish` are called by the job's owner while no tile runs; the
/// scheduler orders them with the render threads.
package final class DiffusionWorkspace: FrameWorkspace, @unchecked Sendable {
    package private(set) var steps: [RenderStep] = []
    package let sheetSteps: [RenderStep]
    package let size: FrameSize
    package private(set) var usedHistoryFrame: UInt64?
    package var work: FrameWork { .full }
    /// Noise to start from instead of our own, `[channels, h, w]`: for comparisons.
    package var givenNoise: [Float]?

    let tensors: DiffusionTensors
    let latent: LatentState
    private let conditioning: ConditioningUse
    /// Metres; what lies at or beyond is sky.
    private let farthest: Float
    private let frame: DiffusionFrame
    private let arena: Arena
    private let sheet: LabelledSheet
    private var seed: UInt64 = 0
    private var frameID: UInt64 = 0

    init(size: FrameSize, model: FrameDiffuserModel) throws(MemoryRefusal) {
        self.size = size
        tensors = try DiffusionTensors(size: size, model: model, isPlanned: false)
        latent = try LatentState(Self.latentShape(tensors))
        conditioning = ConditioningUse(model)
        farthest = model.manifest.input.farthestSurface
        frame = DiffusionFrame(
            size: size, settings: model.manifest.input, planes: tensors.planes,
            previous: tensors.previousPicture, decoded: tensors.decoded)
        sheet = LabelledSheet(size: size)
        sheetSteps = sheet.steps(frame.sheetSteps(sheet.panels))
        let graphs = DiffusionGraphs(
            model: model, tensors: tensors, sample: latent.sample, prediction: latent.prediction)
        arena = try Arena(reserving: graphs.byteCount)
        steps = makeSteps(graphs, Sampler.steps(model.manifest.sampling))
    }

    /// Memory of such a workspace, without making it.
    static func byteCount(size: FrameSize, model: FrameDiffuserModel) -> Int {
        // Shapes only. Where the system refuses even those, nothing can be made.
        guard let tensors = try? DiffusionTensors(size: size, model: model, isPlanned: true),
            let latent = try? TensorBuffer(reserving: latentShape(tensors), isPlanned: true)
        else { return 1 << 50 }
        let shape = latent.shape
        let graphs = DiffusionGraphs(
            model: model, tensors: tensors, sample: latent, prediction: latent)
        return graphs.byteCount + tensors.byteCount + LatentState.byteCount(shape)
    }

    var byteCount: Int {
        arena.byteCount + tensors.byteCount + LatentState.byteCount(Self.latentShape(tensors))
    }

    private static func latentShape(_ tensors: DiffusionTensors) -> ActivationShape {
        tensors.previousLatent.shape
    }

    package func begin(_ request: FrameRequest) throws(DenoiserError) {
        try conditioning.check(request.scales)
        try bind(request)
        tensors.controlScale.set(request.scales.control ?? conditioning.controlScale)
        tensors.adapterScale.set(request.scales.adapter ?? conditioning.adapterScale)
        seed = request.seed
        frameID = request.gbuffer.frameID
    }

    private func bind(_ request: FrameRequest) throws(DenoiserError) {
        try request.check(size: size)
        let geometry = try FrameGeometry(request, farthest: farthest)
        var request = request
        if request.history?.size != size { request.history = nil }
        usedHistoryFrame = request.history?.frameID
        frame.bind(request, geometry: geometry)
    }

    package func show(
        _ request: FrameRequest, on sheet: PixelStorage, origin: RowOrigin
    ) throws(DenoiserError) {
        try bind(request)
        try self.sheet.bind(request, historyFrame: usedHistoryFrame, to: sheet, origin: origin)
    }

    package func finish() {
        frame.release()
        sheet.release()
        usedHistoryFrame = nil
    }

    private func makeSteps(_ graphs: DiffusionGraphs, _ sampler: [SamplerStep]) -> [RenderStep] {
        let before = graphs.before.steps(in: arena)
        let step = graphs.step.steps(in: arena).map { RenderStep($0, stage: .render) }
        let after = graphs.after.steps(in: arena)
        var steps = frame.inputSteps().map { RenderStep($0, stage: .convert) }
        steps.append(small("noise") { $0.drawStart() })
        steps += before.map { RenderStep($0, stage: .render) }
        for (index, part) in sampler.enumerated() {
            let timestep = Float(part.timestep)
            steps.append(small("timestep") { $0.tensors.timestep.set(timestep) })
            steps += step
            let factors = LatentState.Factors(part)
            steps.append(small("sample") { $0.advance(factors, index: index) })
        }
        steps += after.map { RenderStep($0, stage: .render) }
        return steps + frame.pictureSteps().map { RenderStep($0, stage: .encode) }
    }

    /// A step that is too small to be shared. It is one of our own steps: it must not keep us alive.
    private func small(
        _ name: String, run: @escaping @Sendable (DiffusionWorkspace) -> Void
    ) -> RenderStep {
        RenderStep(name: name, stage: .render, tileCount: 1) { [unowned self] _, _ in run(self) }
    }

    private func drawStart() {
        if let givenNoise {
            latent.start(noise: givenNoise)
        } else {
            latent.start(seed: seed, frame: frameID)
        }
    }

    private func advance(_ factors: LatentState.Factors, index: Int) {
        if factors.next.noise != 0 {
            latent.drawNoise(seed: seed, frame: frameID, stream: UInt32(index + 1))
        }
        latent.advance(factors)
    }
}

extension LatentState.Factors {
    init(_ step: SamplerStep) {
        self.init(
            clean: step.clean,
            correction: step.correction.map {
                ($0.sample, $0.clean, $0.previous, $0.beforePrevious)
            }, next: step.next)
    }
}

extension TensorBuffer {
    /// Of one number.
    fileprivate func set(_ value: Float) { withValues { $0[0] = value } }
}
