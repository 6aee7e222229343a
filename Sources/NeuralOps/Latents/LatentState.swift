// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes

/// A latent on its way from noise to picture, and what a sampler remembers of its last steps.
///
/// `@unchecked Sendable`: the buffers are written by one step at a time.
package final class LatentState: @unchecked Sendable {
    /// One step's factors: the clean latent of sample and prediction; the corrected sample, if there
    /// is a correction, of the last sample and of three clean latents; the next sample of the sample,
    /// of two clean latents and of noise.
    package struct Factors: Sendable {
        package var clean: (sample: Float, prediction: Float)
        package var correction:
            (sample: Float, clean: Float, previous: Float, beforePrevious: Float)?
        package var next: (sample: Float, clean: Float, previous: Float, noise: Float)

        package init(
            clean: (sample: Float, prediction: Float),
            correction: (sample: Float, clean: Float, previous: Float, beforePrevious: Float)?,
            next: (sample: Float, clean: Float, previous: Float, noise: Float)
        ) {
            self.clean = clean
            self.correction = correction
            self.next = next
        }
    }

    /// `[h, w, channels]`.
    package let sample: TensorBuffer
    /// What the network says about the sample.
    package let prediction: TensorBuffer
    private let lastSample: TensorBuffer
    private let clean: TensorBuffer
    private let previousClean: TensorBuffer
    /// Fresh noise of the step, for those that add some.
    package let noise: TensorBuffer

    package init(_ shape: ActivationShape) throws(MemoryRefusal) {
        sample = try TensorBuffer(reserving: shape)
        prediction = try TensorBuffer(reserving: shape)
        lastSample = try TensorBuffer(reserving: shape)
        clean = try TensorBuffer(reserving: shape)
        previousClean = try TensorBuffer(reserving: shape)
        noise = try TensorBuffer(reserving: shape)
    }

    package static func byteCount(_ shape: ActivationShape) -> Int { shape.count * 4 * 6 }

    /// Starts from the noise of a seed and frame.
    package func start(seed: UInt64, frame: UInt64) {
        k_normal_noise(sample.base, sample.count, seed, frame, 0)
        forget()
    }

    /// Starts from given noise, `[channels, h, w]`.
    package func start(noise values: [Float]) {
        let shape = sample.shape
        precondition(values.count == sample.count, "noise of another shape")
        for channel in 0..<shape.channels {
            for row in 0..<shape.rows {
                sample.base[row * shape.channels + channel] = values[channel * shape.rows + row]
            }
        }
        forget()
    }

    /// Nothing of the last frame, not even its NaNs, may reach this one.
    private func forget() {
        // One by one: a list of them would be an allocation.
        lastSample.base.update(repeating: 0, count: lastSample.count)
        clean.base.update(repeating: 0, count: clean.count)
        previousClean.base.update(repeating: 0, count: previousClean.count)
    }

    /// Fresh noise for a step that needs it.
    package func drawNoise(seed: UInt64, frame: UInt64, stream: UInt32) {
        k_normal_noise(noise.base, noise.count, seed, frame, stream)
    }

    package func advance(_ factors: Factors) {
        var step = k_sampler_step()
        (step.clean_sample, step.clean_prediction) = factors.clean
        if let correction = factors.correction {
            step.corrects = 1
            step.corrected_sample = correction.sample
            step.corrected_clean = correction.clean
            step.corrected_previous = correction.previous
            step.corrected_before_previous = correction.beforePrevious
        }
        (step.next_sample, step.next_clean, step.next_previous, step.next_noise) = factors.next
        var state = k_sampler_state(
            sample: sample.base, last_sample: lastSample.base, clean: clean.base,
            previous_clean: previousClean.base, prediction: UnsafePointer(prediction.base),
            noise: UnsafePointer(noise.base))
        k_sample(&state, &step, sample.count)
    }
}
