// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// The noise that a diffusion model was trained with.
package struct NoiseSettings: Sendable, Equatable {
    package var betaStart = 0.00085
    package var betaEnd = 0.012
    package var trainSteps = 1000
    package var stepsOffset = 1
    /// Whether nothing is left of the noise after the last step of DDIM.
    package var endsClean = false

    /// Stable Diffusion 1.5's.
    package init() {}
}

/// How a frame is drawn out of noise.
package struct SamplingSettings: Sendable, Equatable {
    package enum Sampler: String, Sendable, CaseIterable {
        case unipc, ddim
        /// For consistency models and, with one step, for one-step models.
        case lcm
    }

    package enum Spacing: String, Sendable, CaseIterable {
        case linspace, leading, trailing, distilled
    }

    /// What the network predicts.
    package enum Prediction: String, Sendable, CaseIterable {
        case noise = "epsilon"
        case velocity = "v_prediction"
        case sample = "sample"
    }

    package var sampler = Sampler.unipc
    package var spacing = Spacing.linspace
    package var steps = 10
    package var prediction = Prediction.noise
    /// Steps that a consistency model was distilled from.
    package var distilledSteps = 50
    package var noise = NoiseSettings()

    /// FrameDiffuser's.
    package init() {}
}

extension SamplingSettings {
    init(_ reader: ManifestReader) throws(ModelError) {
        sampler = try reader.choice("sampling.sampler", Sampler.self)
        spacing = try reader.choice("sampling.spacing", Spacing.self)
        prediction = try reader.choice("sampling.prediction", Prediction.self)
        steps = try reader.count("sampling.steps", 1...100)
        guard (sampler == .lcm) == (spacing == .distilled) else {
            throw reader.refuse(
                "sampling.spacing", "distilled for lcm and only for lcm", spacing.rawValue)
        }
        noise.trainSteps = try reader.count("sampling.noise.trainSteps", 2...100_000)
        if sampler == .lcm {
            distilledSteps = try reader.count("sampling.distilledSteps", 1...noise.trainSteps)
            guard steps <= distilledSteps else {
                throw reader.refuse("sampling.steps", "1 to \(distilledSteps)", "\(steps)")
            }
        }
        guard steps < noise.trainSteps else {
            throw reader.refuse("sampling.steps", "fewer than the training had", "\(steps)")
        }
        try reader.require("sampling.noise.betaSchedule", ["scaled_linear"])
        noise.betaStart = Double(try reader.fraction("sampling.noise.betaStart"))
        noise.betaEnd = Double(try reader.fraction("sampling.noise.betaEnd"))
        guard noise.betaStart > 0, noise.betaEnd > noise.betaStart, noise.betaEnd < 1 else {
            throw reader.refuse(
                "sampling.noise.betaEnd", "more than betaStart and less than 1",
                "\(noise.betaEnd)")
        }
        noise.stepsOffset = try reader.count("sampling.noise.stepsOffset", 0...noise.trainSteps - 1)
        noise.endsClean = try reader.flag("sampling.noise.endsClean")
    }
}

extension ManifestReader {
    /// One of an enum's cases, by its raw value.
    func choice<Choice>(
        _ field: String, _ type: Choice.Type
    ) throws(ModelError) -> Choice
    where Choice: CaseIterable & RawRepresentable, Choice.RawValue == String {
        let text = try string(field)
        guard let choice = Choice(rawValue: text) else {
            throw refuse(
                field, type.allCases.map(\.rawValue).joined(separator: " or "),
                "\"\(text.prefix(64))\"")
        }
        return choice
    }
}
