// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// What is done with a product's sums beside its own bias and activation.
package struct ProductExtras: Sendable {
    /// `[1, 1, channels]`, added to every row.
    package var shift: TensorGraph.Value?
    /// `[1, 1, 1]`, multiplies everything so far.
    package var scale: TensorGraph.Value?
    /// Of the result's shape, added last.
    package var residual: TensorGraph.Value?
    /// The convolution reads every pixel of its input twice in both directions.
    package var isUpsampled = false

    package init(
        shift: TensorGraph.Value? = nil, scale: TensorGraph.Value? = nil,
        residual: TensorGraph.Value? = nil, isUpsampled: Bool = false
    ) {
        self.shift = shift
        self.scale = scale
        self.residual = residual
        self.isUpsampled = isUpsampled
    }
}

extension TensorGraph {
    /// A linear layer or a convolution.
    package mutating func product(
        _ weights: ProductWeights, _ input: Value, _ extras: ProductExtras = ProductExtras()
    ) -> Value {
        product(weights, [input], extras)
    }

    /// The same on up to three inputs, whose channels follow each other.
    package mutating func product(
        _ weights: ProductWeights, _ inputs: [Value], _ extras: ProductExtras = ProductExtras()
    ) -> Value {
        let shape = weights.shape
        precondition(
            inputs.reduce(0) { $0 + $1.shape.channels } == shape.inputChannels
                && (1...3).contains(inputs.count), "\(weights.name): other channels")
        precondition(
            weights.precision == .fp32 || inputs.allSatisfy { $0.shape.channels % 2 == 0 },
            "\(weights.name): bf16 needs even channels")
        let factor = extras.isUpsampled ? 2 : 1
        let (height, width) = (inputs[0].shape.height * factor, inputs[0].shape.width * factor)
        precondition(
            height % shape.stride == 0 && width % shape.stride == 0,
            "\(weights.name): an odd size cannot be halved")
        let output = result(
            ActivationShape(
                height: height / shape.stride, width: width / shape.stride,
                channels: shape.outputChannels))
        precondition(extras.residual.map { $0.shape == output.shape } ?? true)
        let kernels = kernels
        let kernelPath = kernelPath
        let winograd = WinogradTiles(weights, inputs: inputs, output: output.shape)
        let values = winograd.map { scratch($0.valueCount) }
        append(reading: inputs + [extras.shift, extras.scale, extras.residual].compactMap(\.self)) {
            memory in
            var description = Self.description(weights, inputs, extras, output, memory)
            if let winograd, let values {
                description.values = memory.pointer(to: values)
                description.chunk_tiles = winograd.chunkTiles
                return winograd.steps(
                    name: weights.name, kernelPath: kernelPath,
                    OpDescription(description, memory: memory, weights: [weights]), kernels)
            }
            let kernel = OpDescription(description, memory: memory, weights: [weights])
            return ProductTiles(weights, inputs: inputs, rows: output.shape.rows)
                .steps(
                    name: weights.name, kernelPath: kernelPath,
                    speed: kernels.speed(of: weights.precision)
                ) { panel, rows in
                    kernels.table.pointee.product(
                        kernel.pointer, panel, panel + 1, rows.lowerBound, rows.upperBound)
                }
        }
        return output
    }

    private static func description(
        _ weights: ProductWeights, _ inputs: [Value], _ extras: ProductExtras, _ output: Value,
        _ memory: TensorMemory
    ) -> k_product {
        var kernel = k_product()
        kernel.sources.0 = memory.source(inputs[0])
        if inputs.count > 1 { kernel.sources.1 = memory.source(inputs[1]) }
        if inputs.count > 2 { kernel.sources.2 = memory.source(inputs[2]) }
        kernel.source_count = inputs.count
        kernel.in_width = inputs[0].shape.width
        kernel.in_height = inputs[0].shape.height
        kernel.in_shift = extras.isUpsampled ? 1 : 0
        kernel.side = weights.shape.side
        kernel.stride = weights.shape.stride
        kernel.pad = weights.shape.pad
        kernel.out_width = output.shape.width
        kernel.out_height = output.shape.height
        kernel.weights = UnsafeRawPointer(weights.packed)
        kernel.weights_are_bf16 = weights.precision == .bf16 ? 1 : 0
        kernel.couts = weights.shape.couts
        kernel.bias = UnsafePointer(weights.bias)
        kernel.shift = extras.shift.map { UnsafePointer(memory.pointer(to: $0)) }
        kernel.scale = extras.scale.map { UnsafePointer(memory.pointer(to: $0)) }
        kernel.residual = extras.residual.map { UnsafePointer(memory.pointer(to: $0)) }
        kernel.activation = weights.shape.code
        kernel.activates_last = weights.shape.activation == .reluLast ? 1 : 0
        kernel.out = memory.pointer(to: output)
        return kernel
    }
}

/// A product cut into tiles of up to 192 rows by 64 couts, in the order that reads the larger of
/// weights and activations once.
struct ProductTiles {
    private let panelCount: Int
    private let rowTiles: Int
    private let rows: Int
    private let depth: Int
    private let taps: Int
    /// Couts of the widest panel.
    private let width: Int
    private let panelsFirst: Bool

    init(_ weights: ProductWeights, inputs: [TensorGraph.Value], rows: Int) {
        self.rows = rows
        depth = weights.shape.depth
        taps = weights.shape.side * weights.shape.side
        width = min(weights.paddedCouts, Int(K_PANEL))
        panelCount = (weights.paddedCouts + Int(K_PANEL) - 1) / Int(K_PANEL)
        rowTiles = (rows + Int(K_TILE_ROWS) - 1) / Int(K_TILE_ROWS)
        panelsFirst = weights.byteCount < inputs.reduce(0) { $0 + $1.shape.count * 4 }
    }

    /// Whole blocks of 6 rows but for the last tile.
    private func rows(_ tile: Int) -> Range<Int> {
        let blocks = (rows + 5) / 6
        return min(
            rows, tile * blocks / rowTiles * 6)..<min(
                rows, (tile + 1) * blocks / rowTiles * 6)
    }

    func steps(
        name: String, kernelPath: KernelPath, speed: Int,
        run: @escaping @Sendable (_ panel: Int, _ rows: Range<Int>) -> Void
    ) -> [OpStep] {
        let tiles = self
        // What follows the sums costs as much as some 64 channels, finding a row under a tap and
        // rounding it as much as some 256 products.
        let rowWork = width * (depth / speed + 64) + taps * 256
        return OpStep.rows(
            name, count: panelCount * rowTiles, perTile: 1,
            tilesPerStep: OpStep.tilesPerStep(
                tileWork: (rows + rowTiles - 1) / rowTiles * rowWork, kernelPath)
        ) { range in
            for tile in range {
                let (panel, row) =
                    tiles.panelsFirst
                    ? (tile % tiles.panelCount, tile / tiles.panelCount)
                    : (tile / tiles.rowTiles, tile % tiles.rowTiles)
                run(panel, tiles.rows(row))
            }
        }
    }
}
