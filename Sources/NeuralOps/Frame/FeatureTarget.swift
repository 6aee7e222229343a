// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

/// Where features go: into memory as a whole, or a band at a time straight into the convolution that
/// reads them, before they leave the cache.
struct FeatureTarget {
    private enum Place {
        case memory(ActivationMemory)
        case convolution(BoundConvolution)
    }

    /// Cells of a band: few enough to stay in a core's own cache until they are read.
    private static let bandCells = 128

    let stepName: String
    private let place: Place
    private let form: ValueForm
    private let pixelBytes: Int
    private let scale: ValueScale?

    init(_ features: LayerGraph.Value, plan: LayerPlan, arena: Arena, region: RenderRegion?) {
        let node = plan.graph.nodes[features.index]
        scale = node.scale
        if let layer = plan.graph.bandedLayer(at: features) {
            form = layer.inputForm
            place = .convolution(
                BoundConvolution(layer, plan: plan, arena: arena, region: region))
            stepName = "\(node.name)+\(layer.convolution.name)"
        } else {
            guard let memory = plan.memory(of: features, in: arena), memory.border == 0 else {
                preconditionFailure("the plan has no memory for the features")
            }
            form = .plain
            place = .memory(memory)
            stepName = node.name
        }
        pixelBytes = node.shape.paddedChannels * form.byteCount
    }

    /// How kernels write features from `at` on.
    func output(at: UnsafeMutablePointer<UInt8>) -> k_output {
        k_output(
            at: at, row: 0, pixel: pixelBytes, border: 0, levels: scale?.levels(form),
            form: Int32(form.rawValue))
    }

    /// Cells `columns` of one row, in bands.
    /// - Parameter write: writes the features of some cells.
    func run(
        row: Int, columns: Range<Int>, _ memory: WorkerMemory,
        write: (_ features: UnsafePointer<k_output>, _ columns: Range<Int>) -> Void
    ) {
        switch place {
        case .memory(let values):
            var output = output(
                at: values.origin + row * values.rowBytes
                    + columns.lowerBound * pixelBytes)
            write(&output, columns)
        case .convolution(let convolution):
            let band = UnsafeMutableRawPointer(memory.floats)
                .assumingMemoryBound(to: UInt8.self)
            let most = min(Self.bandCells, WorkerMemory.byteCount / pixelBytes)
            var output = output(at: band)
            for start in stride(from: columns.lowerBound, to: columns.upperBound, by: most) {
                let part = start..<min(start + most, columns.upperBound)
                write(&output, part)
                convolution.run(fromBand: band, row: row, columns: part)
            }
        }
    }
}
