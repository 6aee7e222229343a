// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralModel
import NeuralOps

/// How much noise a latent holds at each training step: step t keeps `signal(t)` of the clean latent
/// and adds `noise(t)` of noise. The squares of the two add up to 1.
struct NoiseSchedule: Sendable {
    /// Product of 1 - beta up to each step; falls from almost 1 to almost 0.
    private let products: [Double]

    /// Betas whose square roots are equally spaced, as Stable Diffusion was trained with.
    init(_ settings: NoiseSettings) {
        let (first, last) = (settings.betaStart.squareRoot(), settings.betaEnd.squareRoot())
        let steps = settings.trainSteps
        var product = 1.0
        products = (0..<steps).map { step in
            let root = first + (last - first) * Double(step) / Double(max(steps - 1, 1))
            product *= 1 - root * root
            return product
        }
    }

    var stepCount: Int { products.count }
    func product(_ step: Int) -> Double { products[step] }
    func signal(_ step: Int) -> Double { products[step].squareRoot() }
    func noise(_ step: Int) -> Double { (1 - products[step]).squareRoot() }
}

/// Which training steps a sampler visits, from noise to picture.
enum TimestepSpacing {
    /// Equal steps from the last training step towards the first, which is left out.
    static func linspace(_ count: Int, of steps: Int) -> [Int] {
        (1...count).reversed().map { index in
            let exact = Double(steps - 1) * Double(index) / Double(count)
            return Int(exact.rounded(.toNearestOrEven))
        }
    }

    /// Whole steps up from the first one, plus an offset.
    static func leading(_ count: Int, of steps: Int, offset: Int) -> [Int] {
        (0..<count).reversed().map { min($0 * (steps / count) + offset, steps - 1) }
    }

    /// Equal steps down from the last training step.
    static func trailing(_ count: Int, of steps: Int) -> [Int] {
        (0..<count).map { index in
            let exact = Double(steps) - Double(index) * Double(steps) / Double(count)
            return Int(exact.rounded(.toNearestOrEven)) - 1
        }
    }

    /// The steps that a consistency model was distilled for, thinned out.
    static func distilled(_ count: Int, of steps: Int, from original: Int) -> [Int] {
        let stride = steps / original
        return (0..<count).map { (original - $0 * original / count) * stride - 1 }
    }
}
