// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// A convolution with its memory: what a tile needs to run.
///
/// `@unchecked Sendable`: the description is written in `init`; tiles write disjoint rows and couts.
final class BoundConvolution: @unchecked Sendable {
    let convolution: Convolution
    private let arena: Arena
    let kernels: Kernels
    let description: UnsafeMutablePointer<k_conv>
    let shape: ActivationShape

    init(_ layer: LayerGraph.Layer, plan: LayerPlan, arena: Arena) {
        convolution = layer.convolution
        self.arena = arena
        kernels = layer.convolution.kernelPath.kernels
        shape = plan.graph.shape(of: layer.output)
        // Freed in `deinit`; its pointers lead into `arena` and `convolution`, which we keep.
        description = .allocate(capacity: 1)
        description.initialize(to: k_conv())
        guard let input = plan.memory(of: layer.input, form: layer.inputForm, in: arena) else {
            preconditionFailure("the plan has no memory for what a layer reads")
        }
        bindInput(input)
        if let residual = layer.residual.flatMap({ plan.memory(of: $0, in: arena) }) {
            description.pointee.residual = UnsafePointer(residual.origin)
            description.pointee.residual_row = residual.rowStride
            description.pointee.residual_pixel = residual.shape.paddedChannels
            description.pointee.residual_shift = residual.shape.height == shape.height ? 0 : 1
        }
        let plain = plan.memory(of: layer.output, form: .plain, in: arena)
        let relu = plan.memory(of: layer.output, form: .relu, in: arena)
        description.pointee.out = plain?.origin
        description.pointee.out_relu = relu?.origin
        if let output = plain ?? relu {
            description.pointee.out_row = output.rowStride
            description.pointee.out_pixel = shape.paddedChannels
            description.pointee.out_border = output.border
        }
    }

    deinit { description.deallocate() }

    private func bindInput(_ input: ActivationMemory) {
        let pixel = input.shape.paddedChannels
        description.pointee.in = UnsafePointer(input.origin)
        description.pointee.in_row = input.rowStride
        description.pointee.in_pixel = pixel
        description.pointee.in_channels = convolution.inputChannels
        description.pointee.in_step = convolution.kernel.stride
        description.pointee.tap_count = convolution.kernel.tapCount
        description.pointee.weights = UnsafePointer(convolution.weights)
        description.pointee.bias = UnsafePointer(convolution.bias)
        description.pointee.out_vectors = shape.paddedChannels / Int(K_LANES)
        description.pointee.out_width = shape.width
        description.pointee.out_height = shape.height
        let side = convolution.kernel.rawValue
        // A 3x3 kernel is centered, a 2x2 kernel starts at its pixel.
        let first = side == 3 ? -1 : 0
        withUnsafeMutableBytes(of: &description.pointee.taps) { bytes in
            let taps = bytes.bindMemory(to: Int.self)
            for tap in 0..<side * side {
                taps[tap] = (first + tap / side) * input.rowStride + (first + tap % side) * pixel
            }
        }
    }

    /// Bands of rows that take about 4 ms on two cores, each cut into tiles of at most about half a
    /// millisecond.
    func steps() -> [OpStep] {
        if convolution.isWinograd { return winogradSteps() }
        let unit = convolution.kernelPath.workPerMillisecond
        let workPerRow =
            shape.width * shape.paddedChannels * convolution.inputChannels
            * convolution.kernel.tapCount
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
            description.pointee.out_vectors, kernels.table.pointee.max_block)
        let tileWork = min(
            convolution.kernelPath.workPerMillisecond / 2,
            max(work / 8, convolution.kernelPath.workPerMillisecond / 20))
        let tileCount = max(1, work / tileWork)
        // Few rows: tiles of one block of couts each, so that there are enough of them.
        let blockTiles = rows.count < 4 * tileCount ? blockCount : 1
        let rowTiles = max(1, min(rows.count, (tileCount + blockTiles - 1) / blockTiles))
        return OpStep(name: convolution.name, tileCount: blockTiles * rowTiles) { tile, _ in
            let (block, row) = tile.quotientAndRemainder(dividingBy: rowTiles)
            self.run(
                blocks: block * blockCount / blockTiles..<(block + 1) * blockCount / blockTiles,
                rows: rows.lowerBound + row * rows.count / rowTiles..<rows.lowerBound
                    + (row + 1) * rows.count / rowTiles)
        }
    }

    private func run(blocks: Range<Int>, rows: Range<Int>) {
        kernels.table.pointee.conv(
            description, blocks.lowerBound, blocks.upperBound, rows.lowerBound, rows.upperBound)
    }
}
