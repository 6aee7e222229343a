// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Places in memory for all values of a graph; nothing is allocated yet.
package struct LayerPlan: Sendable {
    let graph: LayerGraph
    package let byteCount: Int
    /// In floats, per node and form.
    private let nodeOffsets: [[Int?]]
    private let scratchOffsets: [Int]

    /// - Parameter keepsValues: every layer's values and all scratch memory stay until the next frame,
    ///   whose region may be smaller than what is read around it. Inputs are read where they are
    ///   written only.
    package init(_ graph: LayerGraph, keepsValues: Bool = false) {
        self.graph = graph
        let lifetime = 0...graph.now
        var regions: [ArenaPlan.Region] = []
        var slots: [[Int?]] = []
        for node in graph.nodes {
            slots.append(
                ValueForm.allCases.map { form in
                    guard let use = node.uses[form.rawValue] else { return nil }
                    regions.append(
                        ArenaPlan.Region(
                            floatCount: ActivationMemory.floatCount(
                                node.shape, form: form, border: use.border),
                            time: keepsValues && !node.isInput ? lifetime : use.time))
                    return regions.count - 1
                })
        }
        let firstScratch = regions.count
        regions += graph.scratches.map {
            ArenaPlan.Region(
                floatCount: $0.floatCount, time: keepsValues ? lifetime : $0.time)
        }
        let plan = ArenaPlan(regions)
        byteCount = plan.byteCount
        nodeOffsets = slots.map { $0.map { $0.map { plan.offsets[$0] } } }
        scratchOffsets = Array(plan.offsets[firstScratch...])
    }

    /// Values along a side of what a layer's kernel makes at once.
    package var blockSide: Int {
        let hasBlocks = graph.operations.contains {
            if case .convolution(let layer) = $0 { layer.convolution.isWinograd } else { false }
        }
        return hasBlocks ? BoundConvolution.side : 1
    }

    func memory(
        of value: LayerGraph.Value, form: ValueForm = .plain, in arena: Arena
    ) -> ActivationMemory? {
        let node = graph.nodes[value.index]
        guard let use = node.uses[form.rawValue],
            let offset = nodeOffsets[value.index][form.rawValue]
        else { return nil }
        return ActivationMemory(
            shape: node.shape, form: form, border: use.border, scale: node.scale,
            base: UnsafeMutableRawPointer(arena.base + offset))
    }

    /// Every form of a value that somebody reads.
    func memories(of value: LayerGraph.Value, in arena: Arena) -> [ActivationMemory] {
        ValueForm.allCases.compactMap { memory(of: value, form: $0, in: arena) }
    }

    func memory(of scratch: LayerGraph.Scratch, in arena: Arena) -> UnsafeMutablePointer<Float> {
        arena.base + scratchOffsets[scratch.index]
    }

    /// The layers as steps on `arena`, which is kept alive by them.
    /// - Parameter region: what they compute; nil: everything.
    package func steps(in arena: Arena, region: RenderRegion? = nil) -> [OpStep] {
        precondition(arena.byteCount >= byteCount, "the arena is too small for its plan")
        return graph.operations.flatMap { operation in
            switch operation {
            case .convolution(let layer):
                BoundConvolution(
                    layer, plan: self, arena: arena, region: region
                ).steps()
            case .conversion(let value, let form):
                BoundConversion(
                    value, to: form, plan: self, arena: arena, region: region
                ).steps()
            case .converting(let layer):
                ConvertingConvolution(
                    layer, plan: self, arena: arena, region: region
                ).steps()
            case .banded: [OpStep]()
            }
        }
    }

    /// Values of a graph's value, `[channels, height, width]`; nil if nobody reads it as it is.
    package func copy(of value: LayerGraph.Value, in arena: Arena) -> [Float]? {
        memory(of: value, in: arena)?.copied()
    }

    /// Writes an input of the graph from `[channels, height, width]`.
    package func fill(_ value: LayerGraph.Value, with values: [Float], in arena: Arena) {
        memory(of: value, in: arena)?.fill(values)
    }
}
