// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

/// What a framediffuser frame keeps from one graph to the next.
struct DiffusionTensors: Sendable {
    /// `[h, w, …]`, h and w padded to what the networks can halve.
    let planes, previousPicture, decoded: TensorBuffer
    /// `[h/8, w/8, …]`: the previous picture's latent, and the planes as the ControlNet reads them.
    let previousLatent, condition: TensorBuffer
    /// One number each, set anew for every step and every frame.
    let timestep, controlScale, adapterScale: TensorBuffer

    /// - Parameter isPlanned: shapes only, no memory.
    init(size: FrameSize, model: FrameDiffuserModel, isPlanned: Bool) throws(MemoryRefusal) {
        let padded = size.padded(to: model.sizeMultiple)
        let (height, width) = (padded.height, padded.width)
        func picture(_ channels: Int) throws(MemoryRefusal) -> TensorBuffer {
            try TensorBuffer(
                reserving: ActivationShape(height: height, width: width, channels: channels),
                isPlanned: isPlanned)
        }
        func latent(_ channels: Int) throws(MemoryRefusal) -> TensorBuffer {
            try TensorBuffer(
                reserving: Self.latentShape(height, width, channels, model), isPlanned: isPlanned)
        }
        func number(_ value: Float) -> TensorBuffer {
            let buffer = TensorBuffer(ActivationShape(height: 1, width: 1, channels: 1))
            buffer.fill([value])
            return buffer
        }
        planes = try picture(DiffusionFrame.planeCount)
        previousPicture = try picture(3)
        decoded = try picture(3)
        previousLatent = try latent(model.latentChannels)
        condition = try latent(model.controlNet.config.channels[0])
        timestep = number(0)
        controlScale = number(0)
        adapterScale = number(0)
    }

    private static func latentShape(
        _ height: Int, _ width: Int, _ channels: Int, _ model: FrameDiffuserModel
    ) -> ActivationShape {
        ActivationShape(
            height: height / model.reduction, width: width / model.reduction, channels: channels)
    }

    var byteCount: Int {
        [planes, previousPicture, decoded, previousLatent, condition].reduce(0) {
            $0 + $1.count * 4
        }
    }
}

/// The three graphs of a framediffuser frame: what is done once before the sampler's steps, what each
/// step does, what is done once after them. They run one after the other in the same memory.
struct DiffusionGraphs: Sendable {
    let before, step, after: TensorPlan

    init(
        model: FrameDiffuserModel, tensors: DiffusionTensors, sample: TensorBuffer,
        prediction: TensorBuffer
    ) {
        var before = TensorGraph(kernelPath: model.kernelPath)
        before.part = "encode"
        if model.readsPrevious {
            let previous = before.external(tensors.previousPicture)
            before.copy(model.coder.encode(&before, previous), to: tensors.previousLatent)
        }
        before.part = "condition"
        let planes = before.external(tensors.planes)
        before.copy(
            model.controlNet.condition(&before, planes: planes), to: tensors.condition)
        self.before = TensorPlan(before)

        var step = TensorGraph(kernelPath: model.kernelPath)
        let latent = step.external(sample)
        let inputs = DiffusionInputs(
            timestep: step.external(tensors.timestep), text: step.external(model.prompt),
            adapterScale: model.hasAdapterScale ? step.external(tensors.adapterScale) : nil)
        step.part = "controlnet"
        let control = model.controlNet.forward(
            &step, latent: latent, condition: step.external(tensors.condition), inputs: inputs,
            scale: step.external(tensors.controlScale))
        let latents =
            model.readsPrevious ? [latent, step.external(tensors.previousLatent)] : [latent]
        step.part = "unet"
        let predicted = model.unet.forward(
            &step, latents: latents, inputs: inputs, control: control)
        step.copy(predicted, to: prediction)
        self.step = TensorPlan(step)

        var after = TensorGraph(kernelPath: model.kernelPath)
        after.part = "decode"
        let finished = after.external(sample)
        after.copy(model.coder.decode(&after, finished), to: tensors.decoded)
        self.after = TensorPlan(after)
    }

    /// Of the arena that all three use.
    var byteCount: Int { max(before.byteCount, step.byteCount, after.byteCount) }
}
