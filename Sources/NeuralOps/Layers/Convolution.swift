// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// Weights of one convolution, packed for one kernel path. 3x3 with zero padding, 2x2 with stride 2,
/// or 1x1.
///
/// 3x3 sums of floats are taken Winograd's way where there are channels enough to pay for transforming
/// inputs and outputs: two to three times as fast, with four times the weights. Rounding errors of
/// fp32 become about twice as large, those of bf16 five times (0.4 % of a layer's output instead of
/// 0.07 %), of which 0.26 % instead of 0.15 % are left in the head of the shipped model.
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
    package let arithmetic: Arithmetic
    /// What the input's integers mean, and what those of the output will.
    package let inputScale: ValueScale?
    package let outputScale: ValueScale?
    /// Memory that the packed weights and biases take.
    package let byteCount: Int
    let loops: ConvolutionLoops
    /// What the weights are packed for instead, if not nil.
    let winograd: WinogradLoops?
    let weights: UnsafeMutablePointer<UInt32>
    let bias: UnsafeMutablePointer<Float>
    /// What one of an integer sum means.
    let scale: UnsafeMutablePointer<Float>

    /// - Parameters:
    ///   - weight: `[outputChannels, inputChannels, k, k]`.
    ///   - bias: `[outputChannels]`; nil: 0.
    ///   - inputScale: needed by integer arithmetic.
    ///   - outputScale: needed if the output is read as integers.
    ///   - isWinograd: only for a 3x3 kernel of floats; nil: where it is faster.
    ///   - choice: among the loops that this processor can run, the fastest first.
    package init(
        name: String, weight: [Float], bias: [Float]?, inputChannels: Int, outputChannels: Int,
        kernel: Kernel, kernelPath: KernelPath, arithmetic: Arithmetic = .fp32,
        inputScale: ValueScale? = nil, outputScale: ValueScale? = nil,
        isWinograd: Bool? = nil, choice: Int = 0
    ) {
        precondition(
            weight.count == outputChannels * inputChannels * kernel.tapCount
                && bias.map { $0.count == outputChannels } ?? true, "weights of another shape")
        guard let loops = kernelPath.convolutionLoops(arithmetic, choice: choice) else {
            preconditionFailure("the processor has no such convolution")
        }
        self.name = name
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.kernelPath = kernelPath
        self.arithmetic = arithmetic
        self.inputScale = inputScale
        self.outputScale = outputScale
        self.loops = loops
        let padded = ActivationShape.padded(outputChannels)
        winograd =
            isWinograd
                ?? Self.prefersWinograd(kernel, inputs: inputChannels, outputs: outputChannels)
            ? kernelPath.winogradLoops(arithmetic, choice: choice) : nil
        precondition(
            winograd != nil || isWinograd != true, "\(name): integers are not summed Winograd's way"
        )
        let wordCount =
            winograd.map { k_winograd_words($0.table, outputChannels, inputChannels) }
            ?? k_packed_words(
                loops.table, arithmetic.code, outputChannels, inputChannels, kernel.tapCount)
        byteCount = (wordCount + 2 * padded) * 4
        // One allocation, freed in `deinit`: the weights, the biases, the scales.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        weights = memory.bindMemory(to: UInt32.self, capacity: wordCount)
        self.bias = (memory + wordCount * 4).bindMemory(to: Float.self, capacity: 2 * padded)
        scale = self.bias + padded
        self.bias.initialize(repeating: 0, count: 2 * padded)
        if let bias { self.bias.update(from: bias, count: outputChannels) }
        if let winograd {
            precondition(kernel == .three && inputChannels <= Int(K_WINOGRAD_MAX_CIN))
            k_pack_winograd(weights, weight, winograd.table, outputChannels, inputChannels)
        } else if arithmetic.isInteger {
            packIntegers(weight)
        } else {
            k_pack_conv(
                weights, weight, loops.table, arithmetic.code, outputChannels, inputChannels,
                kernel.tapCount)
        }
    }

    private func packIntegers(_ weight: [Float]) {
        guard let inputScale, inputScale.plainSteps.count == inputChannels else {
            preconditionFailure("\(name): integers whose meaning is not known")
        }
        let steps = arithmetic == .int8 ? inputScale.reluSteps : inputScale.plainSteps
        // Scratch of the call.
        withUnsafeTemporaryAllocation(of: Int16.self, capacity: weight.count) { quantised in
            k_pack_quantised(
                weights, scale, quantised.baseAddress, weight, steps, loops.table,
                arithmetic.code, outputChannels, inputChannels, kernel.tapCount)
        }
    }

    deinit { weights.deallocate() }

    package var isWinograd: Bool { winograd != nil }

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
    var form: ValueForm
    var border: Int
    var scale: ValueScale?
    /// Of the border's first pixel.
    var base: UnsafeMutableRawPointer

    var pixelBytes: Int { shape.paddedChannels * form.byteCount }
    var rowBytes: Int { (shape.width + 2 * border) * pixelBytes }
    /// Pixel (0, 0).
    var origin: UnsafeMutablePointer<UInt8> {
        (base + border * (rowBytes + pixelBytes)).assumingMemoryBound(to: UInt8.self)
    }
    /// The same, of a form that holds floats.
    var floats: UnsafeMutablePointer<Float> {
        precondition(form.byteCount == 4)
        return UnsafeMutableRawPointer(origin).assumingMemoryBound(to: Float.self)
    }

    static func floatCount(_ shape: ActivationShape, form: ValueForm, border: Int) -> Int {
        let pixels = (shape.height + 2 * border) * (shape.width + 2 * border)
        return (pixels * shape.paddedChannels * form.byteCount + 3) / 4
    }

    /// `[channels, height, width]`, for tests.
    func copied() -> [Float] {
        var values: [Float] = []
        for channel in 0..<shape.channels {
            for y in 0..<shape.height {
                for x in 0..<shape.width {
                    let pixel = UnsafeRawPointer(origin) + y * rowBytes + x * pixelBytes
                    values.append(number(pixel + channel * form.byteCount, channel))
                }
            }
        }
        return values
    }

    private func number(_ place: UnsafeRawPointer, _ channel: Int) -> Float {
        switch form {
        case .plain, .relu: place.load(as: Float.self)
        case .plainBF16, .reluBF16:
            Float(bitPattern: UInt32(place.load(as: UInt16.self)) << 16)
        case .plainS16: Float(place.load(as: Int16.self)) * (scale?.plainSteps[channel] ?? .nan)
        case .reluU8: Float(place.load(as: UInt8.self)) * (scale?.reluSteps[channel] ?? .nan)
        }
    }

    /// From `[channels, height, width]`, for tests.
    func fill(_ values: [Float]) {
        precondition(values.count == shape.channels * shape.height * shape.width)
        base.assumingMemoryBound(to: Float.self).update(
            repeating: 0, count: Self.floatCount(shape, form: form, border: border))
        for (index, value) in values.enumerated() {
            let (channel, pixel) = index.quotientAndRemainder(
                dividingBy: shape.height * shape.width)
            let (y, x) = pixel.quotientAndRemainder(dividingBy: shape.width)
            floats[(y * rowBytes + x * pixelBytes) / 4 + channel] = value
        }
    }
}
