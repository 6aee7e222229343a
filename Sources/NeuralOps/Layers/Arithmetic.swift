// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// What one convolution multiplies. Sums are fp32, or exact integers of 32 bits.
package enum Arithmetic: CaseIterable, Sendable {
    case fp32, bf16
    /// 16-bit activations and weights: nearly as exact as fp32.
    case int16
    /// 8-bit activations, not negative, and 8-bit weights.
    case int8

    var code: k_arithmetic {
        switch self {
        case .fp32: K_FP32
        case .bf16: K_BF16
        case .int16: K_INT16
        case .int8: K_INT8
        }
    }

    var isInteger: Bool { self == .int16 || self == .int8 }

    /// Numbers in a word of 32 bits.
    var numbersPerWord: Int {
        switch self {
        case .fp32: 1
        case .bf16, .int16: 2
        case .int8: 4
        }
    }

    /// How it reads a value, or nil if it cannot.
    func form(relu: Bool) -> ValueForm? {
        switch self {
        case .fp32: relu ? .relu : .plain
        case .bf16: relu ? .reluBF16 : .plainBF16
        case .int16: relu ? nil : .plainS16
        case .int8: relu ? .reluU8 : nil
        }
    }
}

/// How a value is kept for its readers; raw values are those of `k_form`.
enum ValueForm: Int, CaseIterable, Sendable {
    case plain, plainBF16, plainS16, relu, reluBF16, reluU8

    var byteCount: Int {
        switch self {
        case .plain, .relu: 4
        case .plainBF16, .plainS16, .reluBF16: 2
        case .reluU8: 1
        }
    }
}

/// What the numbers of a value mean where they are kept as integers, channel by channel.
///
/// `@unchecked Sendable`: written in `init`, read only afterwards.
package final class ValueScale: @unchecked Sendable {
    /// One level of the signed 16-bit form, and of the ReLU's unsigned 8-bit form.
    package let plainSteps: [Float]
    package let reluSteps: [Float]
    private let memory: UnsafeMutablePointer<Float>
    private let padded: Int

    /// Steps are positive; values beyond the last level saturate.
    package init(plainSteps: [Float], reluSteps: [Float]) {
        precondition(plainSteps.count == reluSteps.count, "steps of other channels")
        precondition((plainSteps + reluSteps).allSatisfy { $0 > 0 }, "a step that is not positive")
        self.plainSteps = plainSteps
        self.reluSteps = reluSteps
        padded = ActivationShape.padded(plainSteps.count)
        // Freed in `deinit`: levels of both forms, then the plain steps; padding channels are 0.
        memory = UnsafeMutableRawPointer.allocate(byteCount: 3 * padded * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: 3 * padded)
        memory.initialize(repeating: 0, count: 3 * padded)
        for (channel, step) in plainSteps.enumerated() {
            memory[channel] = 1 / step
            memory[padded + channel] = 1 / reluSteps[channel]
            memory[2 * padded + channel] = step
        }
    }

    deinit { memory.deallocate() }

    /// Levels per unit, padded.
    func levels(_ form: ValueForm) -> UnsafePointer<Float>? {
        switch form {
        case .plainS16: UnsafePointer(memory)
        case .reluU8: UnsafePointer(memory + padded)
        case .plain, .plainBF16, .relu, .reluBF16: nil
        }
    }

    /// Units per level of the plain form, padded.
    var paddedSteps: UnsafePointer<Float> { UnsafePointer(memory + 2 * padded) }
}
