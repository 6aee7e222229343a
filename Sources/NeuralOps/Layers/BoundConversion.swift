// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// Turns a graph's input from floats into what a layer reads, in memory or a band at a time.
///
/// `@unchecked Sendable`: the description is written in `init`; tiles write disjoint rows.
final class BoundConversion: @unchecked Sendable {
    private let name: String
    private let arena: Arena
    private let scale: ValueScale?
    private let description: UnsafeMutablePointer<k_conv>
    private let shape: ActivationShape
    private let kernels: Kernels
    /// What is converted; nil: everything. Inputs have the finest level's values.
    private let region: RenderRegion?

    private static let tileRows = 4

    init(
        _ value: LayerGraph.Value, to form: ValueForm, plan: LayerPlan, arena: Arena,
        region: RenderRegion? = nil
    ) {
        self.region = region
        let node = plan.graph.nodes[value.index]
        guard let input = plan.memory(of: value, in: arena) else {
            preconditionFailure("the plan has no memory for a conversion")
        }
        // Without memory each run says where its band lies.
        let output =
            plan.memory(of: value, form: form, in: arena)
            ?? ActivationMemory(
                shape: node.shape, form: form, border: 0, scale: node.scale,
                base: UnsafeMutableRawPointer(arena.base))
        precondition(input.border == 0 && output.border == 0, "a conversion without borders")
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
            self.forEachPart(of: rows) { self.run(self.description, $0, $1) }
        }
    }

    /// The parts of some rows that are converted.
    func forEachPart(
        of rows: Range<Int>, _ body: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
    ) {
        guard let region else { return body(rows, 0..<shape.width) }
        region.forEachPart(
            of: rows, width: shape.width, level: 0, tileSide: region.grid.side / 4, body)
    }

    /// - Parameter band: takes the row's pixels `columns`, each where it lies in a whole row.
    func run(toBand band: UnsafeMutablePointer<UInt8>, row: Int, columns: Range<Int>) {
        var description = description.pointee
        description.outputs.0.at = band
        description.outputs.0.row = 0
        run(&description, row..<row + 1, columns)
    }

    private func run(
        _ description: UnsafePointer<k_conv>, _ rows: Range<Int>, _ columns: Range<Int>
    ) {
        var tile = k_tile(
            b0: 0, b1: 1, y0: rows.lowerBound, y1: rows.upperBound, x0: columns.lowerBound,
            x1: columns.upperBound)
        kernels.table.pointee.convert(description, &tile)
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
