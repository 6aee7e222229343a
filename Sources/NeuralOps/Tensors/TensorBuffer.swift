// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Numbers that outlive one run of a graph: its inputs, its results, constants.
///
/// `@unchecked Sendable`: the address and size never change; the owner writes only while no step
/// that reads it runs.
package final class TensorBuffer: @unchecked Sendable {
    package let shape: ActivationShape
    private let memory: MappedMemory
    let base: UnsafeMutablePointer<Float>

    /// Zeros.
    /// - Parameter isPlanned: only stands for a buffer of this shape while a graph is planned.
    package init(
        reserving shape: ActivationShape, isPlanned: Bool = false
    ) throws(MemoryRefusal) {
        precondition(shape.height > 0 && shape.width > 0 && shape.channels > 0, "an empty tensor")
        self.shape = shape
        let count = isPlanned ? 0 : shape.count
        memory = try MappedMemory(byteCount: max(count, 1) * 4)
        // Lives as long as `memory`; whole cache lines, so that vectors are aligned.
        base = memory.start.bindMemory(to: Float.self, capacity: max(count, 1))
    }

    /// A few numbers that a model is made of: ends the process where the system refuses them.
    package convenience init(_ shape: ActivationShape) {
        do {
            try self.init(reserving: shape)
        } catch {
            fatalError("\(error)")
        }
    }

    package var count: Int { shape.count }

    /// `[height, width, channels]`, in place.
    package func withValues<Result>(_ body: (inout MutableSpan<Float>) -> Result) -> Result {
        // The memory is ours and initialised; the span does not leave `body`.
        var span = MutableSpan(_unsafeStart: base, count: shape.count)
        return body(&span)
    }

    /// A copy, `[height, width, channels]`.
    package var values: [Float] {
        Array(UnsafeBufferPointer(start: base, count: shape.count))
    }

    package func fill(_ values: [Float]) {
        precondition(values.count == shape.count, "values for another shape")
        base.update(from: values, count: shape.count)
    }
}

extension ActivationShape {
    /// Pixels or tokens.
    package var rows: Int { height * width }
    package var count: Int { rows * channels }
}
