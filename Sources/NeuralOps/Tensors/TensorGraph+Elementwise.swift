// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

extension TensorGraph {
    /// a + b.
    package mutating func add(_ a: Value, _ b: Value) -> Value {
        precondition(a.shape == b.shape, "a sum of different shapes")
        let output = result(a.shape)
        let kernels = kernels
        append(reading: [a, b]) { memory in
            Self.floatSteps("add", count: a.shape.count) {
                let start = $0.lowerBound
                kernels.table.pointee.add(
                    memory.pointer(to: output) + start, memory.pointer(to: a) + start,
                    memory.pointer(to: b) + start, $0.count)
            }
        }
        return output
    }

    /// x sigmoid(x).
    package mutating func silu(_ x: Value) -> Value {
        let output = result(x.shape)
        let kernels = kernels
        append(reading: [x]) { memory in
            Self.floatSteps("silu", count: x.shape.count) {
                kernels.table.pointee.silu(
                    memory.pointer(to: output) + $0.lowerBound,
                    memory.pointer(to: x) + $0.lowerBound, $0.count)
            }
        }
        return output
    }

    /// 3 tanh(x / 3).
    package mutating func softClamp(_ x: Value) -> Value {
        let output = result(x.shape)
        let kernels = kernels
        append(reading: [x]) { memory in
            Self.floatSteps("clamp", count: x.shape.count) {
                kernels.table.pointee.soft_clamp(
                    memory.pointer(to: output) + $0.lowerBound,
                    memory.pointer(to: x) + $0.lowerBound, $0.count)
            }
        }
        return output
    }

    /// factor x + offset.
    package mutating func affine(_ x: Value, factor: Float, offset: Float) -> Value {
        let output = result(x.shape)
        let kernels = kernels
        append(reading: [x]) { memory in
            Self.floatSteps("affine", count: x.shape.count) {
                kernels.table.pointee.affine(
                    memory.pointer(to: output) + $0.lowerBound,
                    memory.pointer(to: x) + $0.lowerBound, factor, offset, $0.count)
            }
        }
        return output
    }

    /// Cosines and sines of a timestep at falling rates, `[1, 1, channels]`.
    /// - Parameter timestep: `[1, 1, 1]`.
    package mutating func timestepEmbedding(
        _ timestep: Value, channels: Int, shift: Float, sinesFirst: Bool
    ) -> Value {
        precondition(channels % 2 == 0 && channels >= 4, "an odd timestep embedding")
        let output = result(ActivationShape(height: 1, width: 1, channels: channels))
        append(reading: [timestep]) { memory in
            [
                OpStep(name: "timestep", tileCount: 1) { _, _ in
                    k_timestep_embedding(
                        memory.pointer(to: output), memory.pointer(to: timestep).pointee,
                        channels / 2, shift, sinesFirst ? 1 : 0)
                }
            ]
        }
        return output
    }

    /// Tiles start at whole vectors, so that how they are cut never shows.
    private static func floatSteps(
        _ name: String, count: Int, run: @escaping @Sendable (_ floats: Range<Int>) -> Void
    ) -> [OpStep] {
        OpStep.rows(
            name, count: count, perTile: tileFloats, tilesPerStep: tilesPerStep, run: run)
    }
}
