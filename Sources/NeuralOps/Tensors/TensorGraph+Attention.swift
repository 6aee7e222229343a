// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

extension TensorGraph {
    /// softmax(q k / sqrt(size)) v for each of `heads` heads, whose channels follow each other.
    /// - Parameters:
    ///   - query: `[rows, heads * size]`.
    ///   - key, value: `[keys, heads * size]`.
    ///   - precision: bf16 lets a processor with instructions for it round what is multiplied.
    package mutating func attention(
        _ name: String, query: Value, key: Value, value: Value, heads: Int,
        precision: WeightPrecision = .fp32
    ) -> Value {
        let channels = query.shape.channels
        let (rows, keys, size) = (query.shape.rows, key.shape.rows, channels / heads)
        precondition(
            channels % heads == 0 && key.shape == value.shape && key.shape.channels == channels
                && size <= K_MAX_HEAD, "\(name): other channels")
        let output = result(query.shape)
        let packedKeys = scratch(k_packed_keys_count(keys, heads, size))
        let packedValues = scratch(k_packed_values_count(keys, heads, size))
        let kernels = kernels
        let kernelPath = kernelPath
        append(reading: [query, key, value]) { memory in
            var kernel = k_attention()
            kernel.query = UnsafePointer(memory.pointer(to: query))
            kernel.key = UnsafePointer(memory.pointer(to: key))
            kernel.value = UnsafePointer(memory.pointer(to: value))
            kernel.rows = rows
            kernel.keys = keys
            kernel.heads = heads
            kernel.size = size
            kernel.scale = 1 / Float(size).squareRoot()
            kernel.uses_bf16 = precision == .bf16 ? 1 : 0
            kernel.packed_keys = memory.pointer(to: packedKeys)
            kernel.packed_values = memory.pointer(to: packedValues)
            kernel.out = memory.pointer(to: output)
            let attention = OpDescription(kernel, memory: memory)
            return Self.packSteps(name, attention, kernels)
                + Self.rowSteps(
                    name, attention, kernels, kernelPath: kernelPath)
        }
        return output
    }

    private static func packSteps(
        _ name: String, _ attention: OpDescription<k_attention>, _ kernels: TensorKernels
    ) -> [OpStep] {
        let (keys, size) = (attention.pointer.pointee.keys, attention.pointer.pointee.size)
        let blocks = (keys + Int(K_PANEL) - 1) / Int(K_PANEL)
        return OpStep.rows(
            "\(name) packing", count: attention.pointer.pointee.heads * blocks,
            perTile: max(1, tileFloats / (4 * size * Int(K_PANEL))), tilesPerStep: tilesPerStep
        ) {
            for index in $0 {
                let (head, block) = index.quotientAndRemainder(dividingBy: blocks)
                kernels.table.pointee.attention_pack(attention.pointer, head, block, block + 1)
            }
        }
    }

    private static func rowSteps(
        _ name: String, _ attention: OpDescription<k_attention>, _ kernels: TensorKernels,
        kernelPath: KernelPath
    ) -> [OpStep] {
        let (rows, keys) = (attention.pointer.pointee.rows, attention.pointer.pointee.keys)
        let precision: WeightPrecision = attention.pointer.pointee.uses_bf16 != 0 ? .bf16 : .fp32
        // Two products and an exponential, which costs as much as some 40 channels.
        let size = attention.pointer.pointee.size
        let workPerRow = keys * (2 * size / kernels.speed(of: precision) + 40)
        // As many rows as the kernel works on together, for few rows several heads.
        let perTile = min(rows, k_attention_rows_together(size))
        let tileCount = (rows + perTile - 1) / perTile
        return OpStep.rows(
            name, count: attention.pointer.pointee.heads * tileCount, perTile: 1,
            tilesPerStep: OpStep.tilesPerStep(tileWork: perTile * workPerRow, kernelPath)
        ) {
            for index in $0 {
                let (head, tile) = index.quotientAndRemainder(dividingBy: tileCount)
                kernels.table.pointee.attention_rows(
                    attention.pointer, head, tile * perTile, min(rows, (tile + 1) * perTile))
            }
        }
    }
}
