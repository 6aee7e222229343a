// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Where the head's output comes from: from memory, or from the convolution itself, which makes each
/// row just before it becomes pixels.
struct HeadSource {
    private enum Place {
        case memory(ActivationMemory)
        case convolution(BoundConvolution)
    }

    let stepName: String
    let shape: ActivationShape
    private let place: Place

    /// - Parameter step: the name of what reads the head.
    init(
        _ head: LayerGraph.Value, for step: String, plan: LayerPlan, arena: Arena,
        region: RenderRegion?
    ) {
        shape = plan.graph.shape(of: head)
        if let layer = plan.graph.bandedLayer(at: head) {
            place = .convolution(
                BoundConvolution(layer, plan: plan, arena: arena, region: region))
            stepName = "\(layer.convolution.name)+\(step)"
            precondition(
                shape.width * shape.paddedChannels * 4 <= WorkerMemory.byteCount,
                "a row of the head is larger than a render thread's memory")
        } else {
            guard let memory = plan.memory(of: head, in: arena) else {
                preconditionFailure("the plan has no memory for the network's end")
            }
            place = .memory(memory)
            stepName = step
        }
    }

    /// Pixel 0 of a row of the head, of which `columns` hold values.
    func row(_ row: Int, columns: Range<Int>, _ memory: WorkerMemory) -> UnsafePointer<Float> {
        switch place {
        case .memory(let values):
            return UnsafePointer(values.floats + row * (values.rowBytes / 4))
        case .convolution(let convolution):
            let band = memory.floats
            convolution.run(
                toBand: UnsafeMutableRawPointer(band).assumingMemoryBound(to: UInt8.self),
                row: row, columns: columns)
            return UnsafePointer(band)
        }
    }
}
