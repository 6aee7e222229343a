// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc
import NeuralModel
import NeuralOps

/// One step from more noise to less, as sums of latents. Every sampler here is linear in what it
/// reads, so that all that differs between samplers and steps are these numbers.
struct SamplerStep: Sendable, Equatable {
    /// Training step that the network is told.
    var timestep: Int
    /// The clean latent as the network's prediction has it: factors of sample and prediction.
    var clean: (sample: Float, prediction: Float)
    /// Replaces the sample by what is known better now; nil: the sample stays.
    var correction: Correction?
    /// The next sample: factors of the sample, of this step's clean latent, of the one before, and of
    /// fresh noise.
    var next: (sample: Float, clean: Float, previous: Float, noise: Float)

    /// Factors of the last step's sample, and of the clean latents of this step, of the last one and
    /// of the one before that.
    struct Correction: Sendable, Equatable {
        var sample: Float
        var clean: Float
        var previous: Float
        var beforePrevious: Float
    }

    static func == (a: Self, b: Self) -> Bool {
        a.timestep == b.timestep && a.clean == b.clean && a.correction == b.correction
            && a.next == b.next
    }
}

/// Writes down a sampler's steps.
enum Sampler {
    static func steps(_ settings: SamplingSettings) -> [SamplerStep] {
        let schedule = NoiseSchedule(settings.noise)
        let count = settings.steps
        let all = schedule.stepCount
        let timesteps: [Int]
        switch settings.spacing {
        case .linspace: timesteps = TimestepSpacing.linspace(count, of: all)
        case .leading:
            // UniPC counts the end that it leaves out; DDIM does not.
            let visited = settings.sampler == .unipc ? count + 1 : count
            timesteps = Array(
                TimestepSpacing.leading(visited, of: all, offset: settings.noise.stepsOffset)
                    .prefix(count))
        case .trailing: timesteps = TimestepSpacing.trailing(count, of: all)
        case .distilled:
            timesteps = TimestepSpacing.distilled(count, of: all, from: settings.distilledSteps)
        }
        switch settings.sampler {
        case .unipc: return UniPC(schedule, timesteps, settings.prediction).steps()
        case .ddim: return ddim(schedule, timesteps, settings)
        case .lcm: return consistency(schedule, timesteps, settings)
        }
    }

    /// The clean latent from sample and prediction.
    static func clean(
        _ prediction: SamplingSettings.Prediction, signal: Double, noise: Double
    ) -> (sample: Double, prediction: Double) {
        switch prediction {
        case .noise: (1 / signal, -noise / signal)
        case .velocity: (signal, -noise)
        case .sample: (0, 1)
        }
    }

    /// arXiv 2010.02502, without noise: the clean latent, and the noise that is left of the sample
    /// once the clean latent is taken out of it, each as strong as at the next step.
    private static func ddim(
        _ schedule: NoiseSchedule, _ timesteps: [Int], _ settings: SamplingSettings
    ) -> [SamplerStep] {
        let stride = schedule.stepCount / timesteps.count
        return timesteps.map { step in
            let (signal, noise) = (schedule.signal(step), schedule.noise(step))
            let next = step - stride
            let final =
                settings.noise.endsClean ? (1.0, 0.0) : (schedule.signal(0), schedule.noise(0))
            let (nextSignal, nextNoise) =
                next >= 0 ? (schedule.signal(next), schedule.noise(next)) : final
            let clean = clean(settings.prediction, signal: signal, noise: noise)
            return SamplerStep(
                timestep: step, clean: (Float(clean.sample), Float(clean.prediction)),
                next: (
                    Float(nextNoise / noise), Float(nextSignal - nextNoise * signal / noise), 0, 0
                ))
        }
    }

    /// arXiv 2310.04378: the clean latent, mixed with the sample near the end of the schedule, then
    /// made noisy again for the next step. With one step it is what one-step models do.
    private static func consistency(
        _ schedule: NoiseSchedule, _ timesteps: [Int], _ settings: SamplingSettings
    ) -> [SamplerStep] {
        timesteps.enumerated().map { index, step in
            let scaled = Double(step) * 10
            let keep = 0.25 / (scaled * scaled + 0.25)
            let take = scaled / (scaled * scaled + 0.25).squareRoot()
            let isLast = index == timesteps.count - 1
            let (signal, noise) =
                isLast
                ? (1, 0)
                : (schedule.signal(timesteps[index + 1]), schedule.noise(timesteps[index + 1]))
            let clean = clean(
                settings.prediction, signal: schedule.signal(step), noise: schedule.noise(step))
            return SamplerStep(
                timestep: step, clean: (Float(clean.sample), Float(clean.prediction)),
                next: (Float(signal * keep), Float(signal * take), 0, Float(noise)))
        }
    }
}

/// UniPC (arXiv 2302.04867) of order 2, variant bh2, on clean latents, the last step of order 1: as
/// FrameDiffuser configures it.
///
/// In it time is lambda, the logarithm of signal over noise.
struct UniPC {
    private let timesteps: [Int]
    private let prediction: SamplingSettings.Prediction
    /// Per step and at the end, where no noise is left.
    private let signals: [Double]
    private let noises: [Double]
    private let lambdas: [Double]

    init(
        _ schedule: NoiseSchedule, _ timesteps: [Int], _ prediction: SamplingSettings.Prediction
    ) {
        self.timesteps = timesteps
        self.prediction = prediction
        signals = timesteps.map(schedule.signal) + [1]
        noises = timesteps.map(schedule.noise) + [0]
        lambdas = zip(signals, noises).map { $1 > 0 ? log($0 / $1) : .infinity }
    }

    func steps() -> [SamplerStep] {
        var order = 0
        return timesteps.indices.map { index in
            let clean = Sampler.clean(
                prediction, signal: signals[index], noise: noises[index])
            var step = SamplerStep(
                timestep: timesteps[index], clean: (Float(clean.sample), Float(clean.prediction)),
                next: (0, 0, 0, 0))
            if index > 0 { step.correction = correction(to: index, order: order) }
            // One clean latent is known at first; the last step trusts one only.
            order = min(2, timesteps.count - index, index + 1)
            step.next = predictor(from: index, order: order)
            return step
        }
    }

    /// exp(-h) - 1 for the step of lambda from one point to another.
    private func decay(_ from: Int, _ to: Int) -> Double {
        expm1(lambdas[from] - lambdas[to])
    }

    /// How far back the clean latent before lies, in units of the step.
    private func ratio(_ from: Int, _ to: Int) -> Double {
        (lambdas[from - 1] - lambdas[from]) / (lambdas[to] - lambdas[from])
    }

    private func predictor(
        from index: Int, order: Int
    ) -> (sample: Float, clean: Float, previous: Float, noise: Float) {
        let factor = -signals[index + 1] * decay(index, index + 1)
        let sample = noises[index + 1] / noises[index]
        guard order == 2 else { return (Float(sample), Float(factor), 0, 0) }
        // Half the slope between the two clean latents.
        let slope = 0.5 / ratio(index, index + 1)
        return (Float(sample), Float(factor * (1 - slope)), Float(factor * slope), 0)
    }

    private func correction(to index: Int, order: Int) -> SamplerStep.Correction {
        let from = index - 1
        let decay = decay(from, index)
        let factor = -signals[index] * decay
        let sample = noises[index] / noises[from]
        guard order == 2 else {
            return SamplerStep.Correction(
                sample: Float(sample), clean: Float(factor * 0.5), previous: Float(factor * 0.5),
                beforePrevious: 0)
        }
        // Weights of both slopes: they make the step exact for clean latents linear in lambda.
        let ratio = ratio(from, index)
        let h = lambdas[from] - lambdas[index]
        let first = decay / h - 1
        let second = first / h - 0.5
        let (b1, b2) = (first / decay, 2 * second / decay)
        let back = (b1 - b2) / (1 - ratio)
        let ahead = b1 - back
        return SamplerStep.Correction(
            sample: Float(sample), clean: Float(factor * ahead),
            previous: Float(factor * (1 - back / ratio - ahead)),
            beforePrevious: Float(factor * back / ratio))
    }
}
