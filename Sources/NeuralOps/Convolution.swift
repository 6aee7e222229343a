// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// Weights of one convolution, packed for one kernel path. 3x3 with zero padding, 2x2 with stride 2,
/// or 1x1.
///
/// 3x3 sums are taken Winograd's way where there are channels enough to pay for turning inputs and
/// outputs: two to three times as fast, with four times the weights and about twice the rounding
/// error.
///
/// `@unchecked Sendable`: written in `init`, read only afterwards.
package final class Convolution: @unchecked Sendable {
    package enum Kernel: Int, Sendable {
        case one = 1
        case two = 2
        case three = 3

        var tapCount: Int { rawValue * rawValue }
        package var stride: Int { self == .two ? 2 : 1 }
    }

    package let name: String
    package let inputChannels: Int
    package let outputChannels: Int
    package let kernel: Kernel
    package let kernelPath: KernelPath
    /// Memory that the packed weights and biases take.
    package let byteCount: Int
    /// Which kernel the weights are packed for: Winograd's or the plain one.
    let isWinograd: Bool
    let weights: UnsafeMutablePointer<Float>
    let bias: UnsafeMutablePointer<Float>

    /// - Parameters:
    ///   - weight: `[outputChannels, inputChannels, k, k]`.
    ///   - bias: `[outputChannels]`; nil: 0.
    ///   - isWinograd: only for a 3x3 kernel; nil: where it is faster.
    package init(
        name: String, weight: [Float], bias: [Float]?, inputChannels: Int, outputChannels: Int,
        kernel: Kernel, kernelPath: KernelPath, isWinograd: Bool? = nil
    ) {
        precondition(
            weight.count == outputChannels * inputChannels * kernel.tapCount
                && bias.map { $0.count == outputChannels } ?? true, "weights of another shape")
        self.name = name
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.kernelPath = kernelPath
        let padded = ActivationShape.padded(outputChannels)
        self.isWinograd =
            isWinograd
            ?? Self.prefersWinograd(kernel, inputs: inputChannels, outputs: outputChannels)
        let weightCount =
            padded * inputChannels * (self.isWinograd ? Int(K_WINOGRAD_PLACES) : kernel.tapCount)
        byteCount = (weightCount + padded) * 4
        // One allocation, freed in `deinit`: the weights, then the biases.
        weights = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
            .bindMemory(to: Float.self, capacity: weightCount + padded)
        self.bias = weights + weightCount
        if self.isWinograd {
            precondition(kernel == .three && inputChannels <= Int(K_WINOGRAD_MAX_CIN))
            k_pack_winograd(weights, weight, outputChannels, inputChannels)
        } else {
            k_pack_conv(
                weights, weight, outputChannels, inputChannels, kernel.tapCount,
                kernelPath.kernels.table.pointee.max_block)
        }
        self.bias.initialize(repeating: 0, count: padded)
        if let bias { self.bias.update(from: bias, count: outputChannels) }
    }

    deinit { weights.deallocate() }

    private static func prefersWinograd(_ kernel: Kernel, inputs: Int, outputs: Int) -> Bool {
        kernel == .three && (16...Int(K_WINOGRAD_MAX_CIN)).contains(inputs) && outputs >= 16
    }
}

/// Height, width and channels of an activation.
package struct ActivationShape: Sendable, Hashable {
    package var height: Int
    package var width: Int
    package var channels: Int

    package init(height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
    }

    /// Channels in memory: whole vectors of 16.
    package static func padded(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }
    package var paddedChannels: Int { Self.padded(channels) }
}

/// `[height, width, paddedChannels]` in an arena, with a border of `border` pixels of zeros.
struct ActivationMemory {
    var shape: ActivationShape
    var border: Int
    /// Of the border's first pixel.
    var base: UnsafeMutablePointer<Float>

    var rowStride: Int { (shape.width + 2 * border) * shape.paddedChannels }
    /// Pixel (0, 0).
    var origin: UnsafeMutablePointer<Float> {
        base + border * (rowStride + shape.paddedChannels)
    }

    static func floatCount(_ shape: ActivationShape, border: Int) -> Int {
        (shape.height + 2 * border) * (shape.width + 2 * border) * shape.paddedChannels
    }

    /// `[channels, height, width]`, for tests.
    func copied() -> [Float] {
        var values: [Float] = []
        for channel in 0..<shape.channels {
            for y in 0..<shape.height {
                for x in 0..<shape.width {
                    values.append(origin[y * rowStride + x * shape.paddedChannels + channel])
                }
            }
        }
        return values
    }

    /// From `[channels, height, width]`, for tests.
    func fill(_ values: [Float]) {
        precondition(values.count == shape.channels * shape.height * shape.width)
        base.update(
            repeating: 0, count: Self.floatCount(shape, border: border))
        for (index, value) in values.enumerated() {
            let (channel, pixel) = index.quotientAndRemainder(
                dividingBy: shape.height * shape.width)
            let (y, x) = pixel.quotientAndRemainder(dividingBy: shape.width)
            origin[y * rowStride + x * shape.paddedChannels + channel] = value
        }
    }
}
