// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// A 3x3 convolution taken Winograd's way, cut into tiles: chunks of the picture whose transformed inputs
/// stay in the last cache; in each chunk first the inputs are transformed, then
/// summed.
struct WinogradTiles: Sendable {
    /// Floats of transformed inputs: 12 MB.
    private static let chunkFloats = 3 << 20
    /// Fewer tiles of 4x4 outputs do not repay the transform of the weights.
    private static let leastTiles = 16

    private let channels: Int
    private let blockCount: Int
    private let tileCount: Int
    let chunkTiles: Int

    /// Nil where the plain sum is the better or the only way.
    init?(_ weights: ProductWeights, inputs: [TensorGraph.Value], output: ActivationShape) {
        let shape = weights.shape
        tileCount = (output.height + 3) / 4 * ((output.width + 3) / 4)
        guard shape.side == 3, shape.stride == 1, shape.pad == 1, inputs.count == 1,
            shape.inputChannels % Int(K_LANES) == 0, shape.couts % Int(K_LANES) == 0,
            shape.activation != .geglu, tileCount >= Self.leastTiles
        else { return nil }
        channels = shape.inputChannels
        blockCount = (shape.couts + Int(K_WINOGRAD_COLUMNS) - 1) / Int(K_WINOGRAD_COLUMNS)
        let most = Int(K_WINOGRAD_TILES)
        let fitting = Self.chunkFloats / (Int(K_WINOGRAD_PLACES) * channels) / most * most
        chunkTiles = min(tileCount, max(most, fitting))
    }

    /// Of the transformed inputs of a chunk.
    var valueCount: Int { Int(K_WINOGRAD_PLACES) * (chunkTiles * channels + Int(K_LANES)) }

    func steps(
        name: String, kernelPath: KernelPath, _ product: OpDescription<k_product>,
        _ kernels: TensorKernels
    ) -> [OpStep] {
        (0..<(tileCount + chunkTiles - 1) / chunkTiles).flatMap { chunk in
            let count = min(chunkTiles, tileCount - chunk * chunkTiles)
            return OpStep.rows(
                "\(name) values", count: count,
                perTile: max(1, TensorGraph.tileFloats * 2 / (Int(K_WINOGRAD_PLACES) * channels)),
                tilesPerStep: TensorGraph.tilesPerStep
            ) {
                kernels.table.pointee.winograd_values(
                    product.pointer, chunk, $0.lowerBound, $0.upperBound)
            } + sumSteps(name, chunk, count, kernelPath, product, kernels)
        }
    }

    /// All blocks of couts of some tiles follow each other: they read the same inputs.
    private func sumSteps(
        _ name: String, _ chunk: Int, _ count: Int, _ kernelPath: KernelPath,
        _ product: OpDescription<k_product>, _ kernels: TensorKernels
    ) -> [OpStep] {
        let most = tilesPerTask(count, kernelPath)
        let (blockCount, taskCount) = (blockCount, (count + most - 1) / most * blockCount)
        let work = taskWork(min(count, most))
        let tasksPerStep = OpStep.tilesPerStep(tileWork: work, kernelPath)
        return stride(from: 0, to: taskCount, by: tasksPerStep).map { first in
            OpStep(name: name, tileCount: min(tasksPerStep, taskCount - first)) { tile, memory in
                let (group, block) = (first + tile).quotientAndRemainder(dividingBy: blockCount)
                kernels.table.pointee.winograd_sums(
                    product.pointer, chunk, group * most, min(count, (group + 1) * most), block,
                    memory.floats)
            }
        }
    }

    /// Fewer where a task with many channels would take more than 2 ms.
    private func tilesPerTask(_ count: Int, _ kernelPath: KernelPath) -> Int {
        var most = Int(K_WINOGRAD_TILES)
        while most > Self.leastTiles, taskWork(min(count, most)) > kernelPath.workPerMillisecond * 2
        {
            most /= 2
        }
        return most
    }

    /// Transforming weights costs as much as 4 tiles, what follows the sums as 80 channels.
    private func taskWork(_ tiles: Int) -> Int {
        Int(K_WINOGRAD_PLACES) * (tiles + 4) * Int(K_WINOGRAD_COLUMNS) * (channels + 80)
    }
}
