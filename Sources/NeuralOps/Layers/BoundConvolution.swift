// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// A convolution with its memory: what a tile needs to run.
///
/// `@unchecked Sendable`: the description is written in `init`; tiles write disjoint rows and couts.
final class BoundConvolution: @unchecked Sendable {
    let convolution: Convolution
    private let arena: Arena
    /// Their numbers are read by tiles.
    private let scales: [ValueScale?]
    let description: UnsafeMutablePointer<k_conv>
    let shape: ActivationShape
    /// What is computed; nil: everything.
    private let region: RenderRegion?
    /// Of the output among the network's levels.
    private let level: Int

    init(
        _ layer: LayerGraph.Layer, plan: LayerPlan, arena: Arena, region: RenderRegion? = nil
    ) {
        convolution = layer.convolution
        self.arena = arena
        scales = [layer.output, layer.residual].map {
            $0.flatMap { plan.graph.nodes[$0.index].scale }
        }
        shape = plan.graph.shape(of: layer.output)
        self.region = region
        level = (plan.graph.finestWidth / shape.width).trailingZeroBitCount
        // Freed in `deinit`; its pointers lead into `arena` and `convolution`, which we keep.
        description = .allocate(capacity: 1)
        description.initialize(to: k_conv())
        let input = plan.graph.nodes[layer.input.index]
        if let memory = plan.memory(of: layer.input, form: layer.inputForm, in: arena) {
            bindInput(memory)
        } else {
            precondition(
                input.isBanded || input.isInput, "the plan has no memory for what a layer reads")
            // Each run says where its band lies.
            bindInput(
                ActivationMemory(
                    shape: input.shape, form: layer.inputForm, border: 0, scale: input.scale,
                    base: UnsafeMutableRawPointer(arena.base)))
        }
        description.pointee.in_relu = layer.readsReLU ? 1 : 0
        if let residual = layer.residual.flatMap({
            plan.memory(of: $0, form: plan.graph.residualForm, in: arena)
        }) {
            bindResidual(residual)
        }
        for output in plan.memories(of: layer.output, in: arena) { description.add(output) }
        if plan.graph.isBanded(layer.output) {
            description.add(
                ActivationMemory(
                    shape: shape, form: .plain, border: 0, scale: nil,
                    base: UnsafeMutableRawPointer(arena.base)))
        }
    }

    deinit { description.deallocate() }

    private func bindInput(_ input: ActivationMemory) {
        let numbers = convolution.arithmetic.numbersPerWord
        description.pointee.in = UnsafePointer(input.origin)
        description.pointee.in_row = input.rowBytes
        description.pointee.in_pixel = input.pixelBytes
        description.pointee.in_channels = convolution.inputChannels
        description.pointee.in_words = (convolution.inputChannels + numbers - 1) / numbers
        description.pointee.in_step = convolution.kernel.stride
        bindTaps(input)
        description.pointee.weights = UnsafePointer(convolution.weights)
        description.pointee.bias = UnsafePointer(convolution.bias)
        description.pointee.scale = UnsafePointer(convolution.scale)
        if convolution.kernelPath == .openblas { description.pointee.sgemm = OpenBLAS.shared.sgemm }
        description.pointee.out_vectors = shape.paddedChannels / Int(K_LANES)
        description.pointee.out_width = shape.width
        description.pointee.out_height = shape.height
    }

    private func bindTaps(_ input: ActivationMemory) {
        let side = convolution.kernel.rawValue
        // A 3x3 kernel is centered, a 2x2 kernel starts at its pixel.
        let first = side == 3 ? -1 : 0
        // Neighbouring pixels without padding between them: a row of taps is one longer tap, and
        // three loops of a few words become one.
        let isWhole = description.pointee.in_words * 4 == input.pixelBytes
        let columns = isWhole && !convolution.isWinograd ? 1 : side
        description.pointee.in_words *= side / columns
        description.pointee.tap_count = side * columns
        withUnsafeMutableBytes(of: &description.pointee.taps) { bytes in
            let taps = bytes.bindMemory(to: Int.self)
            for tap in 0..<side * columns {
                taps[tap] =
                    (first + tap / columns) * input.rowBytes
                    + (first + tap % columns) * input.pixelBytes
            }
        }
    }

    private func bindResidual(_ residual: ActivationMemory) {
        description.pointee.residual = UnsafePointer(residual.origin)
        description.pointee.residual_row = residual.rowBytes
        description.pointee.residual_pixel = residual.pixelBytes
        description.pointee.residual_shift = residual.shape.height == shape.height ? 0 : 1
        description.pointee.residual_form = Int32(residual.form.rawValue)
        description.pointee.residual_steps = residual.scale?.paddedSteps
    }

    /// Bands of rows that take about 4 ms on two cores, each cut into tiles of at most about half a
    /// millisecond.
    func steps() -> [OpStep] {
        var steps = convolution.winograd.map(winogradSteps) ?? plainSteps()
        guard let region else { return steps }
        let level = level
        for index in steps.indices { steps[index].isIdle = { region.isEmpty(level: level) } }
        return steps
    }

    private func plainSteps() -> [OpStep] {
        let unit = workPerMillisecond
        let workPerRow =
            shape.width * shape.paddedChannels
            * (convolution.inputChannels * convolution.kernel.tapCount + Self.workOfFinish)
        let stepWork = unit * 7
        let stepCount = min(
            shape.height, (shape.height * workPerRow + stepWork - 1) / stepWork)
        return (0..<stepCount).map { step in
            let rows =
                step * shape.height / stepCount..<(step + 1) * shape.height / stepCount
            return self.step(rows: rows, work: rows.count * workPerRow)
        }
    }

    private func step(rows: Range<Int>, work: Int) -> OpStep {
        let blockCount = k_block_count(
            description.pointee.out_vectors, convolution.loops.table.pointee.max_block)
        let tileWork = min(
            workPerMillisecond / 2,
            max(work / 8, workPerMillisecond / 100))
        var tileCount = max(1, work / tileWork)
        // As many for each of two or four threads.
        if tileCount < 8 { tileCount = 1 << (Int.bitWidth - 1 - tileCount.leadingZeroBitCount) }
        // Few rows: tiles of one block of couts each, so that there are enough of them.
        let blockTiles = rows.count < 4 * tileCount ? blockCount : 1
        let rowTiles = max(1, min(rows.count, (tileCount + blockTiles - 1) / blockTiles))
        return OpStep(name: convolution.name, tileCount: blockTiles * rowTiles) { tile, _ in
            let (block, row) = tile.quotientAndRemainder(dividingBy: rowTiles)
            self.run(
                blocks: (0..<blockCount).part(block, of: blockTiles),
                rows: self.part(row, of: rowTiles, of: rows, unit: 1))
        }
    }

    private func run(blocks: Range<Int>, rows: Range<Int>) {
        forEachPart(of: rows) { rows, columns in
            var tile = k_tile(
                b0: blocks.lowerBound, b1: blocks.upperBound, y0: rows.lowerBound,
                y1: rows.upperBound, x0: columns.lowerBound, x1: columns.upperBound)
            convolution.loops.table.pointee.run(description, &tile)
        }
    }

    /// Some pixels of one row, of all couts.
    /// - Parameter band: the input's pixels `columns`.
    func run(fromBand band: UnsafePointer<UInt8>, row: Int, columns: Range<Int>) {
        var description = description.pointee
        description.in = band
        description.in_row = 0
        description.in_x0 = columns.lowerBound
        run(&description, row: row, columns: columns)
    }

    /// - Parameter band: the output's row, as plain floats from pixel 0 on.
    func run(toBand band: UnsafeMutablePointer<UInt8>, row: Int, columns: Range<Int>) {
        var description = description.pointee
        description.outputs.0.at = band
        description.outputs.0.row = 0
        run(&description, row: row, columns: columns)
    }

    private func run(_ description: inout k_conv, row: Int, columns: Range<Int>) {
        let blocks = k_block_count(
            description.out_vectors, convolution.loops.table.pointee.max_block)
        var tile = k_tile(
            b0: 0, b1: blocks, y0: row, y1: row + 1, x0: columns.lowerBound,
            x1: columns.upperBound)
        convolution.loops.table.pointee.run(&description, &tile)
    }

    /// The parts of some rows of the output that are computed.
    func forEachPart(
        of rows: Range<Int>, _ body: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
    ) {
        guard let region else { return body(rows, 0..<shape.width) }
        region.forEachPart(
            of: rows, width: shape.width, level: level, tileSide: tileSide(region), body)
    }

    /// One of `count` parts of some rows of the output, with about as much to compute in each.
    func part(_ index: Int, of count: Int, of rows: Range<Int>, unit: Int) -> Range<Int> {
        guard let region else { return rows.part(index, of: count, unit: unit) }
        return region.part(
            index, of: count, of: rows, unit: unit, level: level, tileSide: tileSide(region))
    }

    /// Values of the output to compute in some rows; nil: all of them.
    func partialCount(in rows: Range<Int>) -> Int? {
        guard let region, !region.isFull else { return nil }
        return region.valueCount(in: rows, level: level, tileSide: tileSide(region))
    }

    private func tileSide(_ region: RenderRegion) -> Int { (region.grid.side / 4) >> level }

    /// What it takes to turn a sum into what is read of it, in products.
    private static let workOfFinish = 64

    /// Multiply-adds that one core does in about a millisecond.
    private var workPerMillisecond: Int {
        let unit = convolution.kernelPath.workPerMillisecond
        // Instructions for the arithmetic do as much more as a word holds numbers.
        let isSplit = convolution.loops.table.pointee.weight_words > 1
        return convolution.arithmetic.isInteger && !isSplit
            ? unit * convolution.arithmetic.numbersPerWord : unit
    }
}
