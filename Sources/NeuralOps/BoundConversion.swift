// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// Turns a graph's input from floats into what a layer reads.
///
/// `@unchecked Sendable`: the description is written in `init`; tiles write disjoint rows.
final class BoundConversion: @unchecked Sendable {
    private let name: String
    private let arena: Arena
    private let scale: ValueScale?
    private let description: UnsafeMutablePointer<k_conv>
    private let shape: ActivationShape
    private let kernels: Kernels

    private static let tileRows = 4

    init(_ value: LayerGraph.Value, to form: ValueForm, plan: LayerPlan, arena: Arena) {
        guard let input = plan.memory(of: value, in: arena),
            let output = plan.memory(of: value, form: form, in: arena)
        else { preconditionFailure("the plan has no memory for a conversion") }
        precondition(input.border == 0 && output.border == 0, "a conversion without borders")
        let node = plan.graph.nodes[value.index]
        name = node.name
        scale = node.scale
        self.arena = arena
        shape = node.shape
        // Every path stores the same integers.
        kernels = KernelPath.best.kernels
        // Freed in `deinit`; its pointers lead into `arena` and `scale`, which we keep.
        description = .allocate(capacity: 1)
        description.initialize(to: k_conv())
        description.pointee.in = UnsafePointer(input.origin)
        description.pointee.in_row = input.rowBytes
        description.pointee.in_pixel = input.pixelBytes
        description.pointee.in_channels = shape.channels
        description.pointee.out_vectors = shape.paddedChannels / Int(K_LANES)
        description.pointee.out_width = shape.width
        description.pointee.out_height = shape.height
        description.add(output)
    }

    deinit { description.deallocate() }

    func steps() -> [OpStep] {
        OpStep.rows(
            "\(name) in other numbers", count: shape.height, perTile: Self.tileRows,
            tilesPerStep: 64
        ) { rows in
            var tile = k_tile(
                b0: 0, b1: 1, y0: rows.lowerBound, y1: rows.upperBound, x0: 0,
                x1: self.shape.width)
            self.kernels.table.pointee.convert(self.description, &tile)
        }
    }
}

extension UnsafeMutablePointer where Pointee == k_conv {
    /// One more form in which the result is stored.
    func add(_ output: ActivationMemory) {
        let index = pointee.output_count
        precondition(index < Int(K_MAX_OUTPUTS), "a value in more forms than kernels store")
        let description = k_output(
            at: output.origin, row: output.rowBytes, pixel: output.pixelBytes,
            border: output.border, levels: output.scale?.levels(output.form),
            form: Int32(output.form.rawValue))
        precondition(
            description.levels != nil || (output.form != .plainS16 && output.form != .reluU8),
            "integers whose meaning is not known")
        withUnsafeMutableBytes(of: &pointee.outputs) {
            $0.bindMemory(to: k_output.self)[index] = description
        }
        pointee.output_count += 1
    }
}
