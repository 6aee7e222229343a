// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What a motion plane may mean in place of what was stated: components swapped, then multiplied.
struct MotionReading: Hashable, Sendable {
    var isSwapped = false
    var factors: SIMD2<Double>
    var name: Finding.Name
    /// What the values are then.
    var words: String

    /// - Parameter size: of the client's picture.
    static func all(_ width: Double, _ height: Double) -> [MotionReading] {
        let half = SIMD2(width, height) / 2
        let flip = SIMD2(1.0, -1)
        var all: [MotionReading] = [
            .init(factors: SIMD2(-1, -1), name: .motionSign, words: "negated"),
            .init(factors: flip, name: .motionFlipped, words: "negated in y"),
            .init(factors: -flip, name: .motionFlipped, words: "negated in x"),
            .init(
                isSwapped: true, factors: SIMD2(1, 1), name: .motionSwapped, words: "y before x"),
            .init(
                isSwapped: true, factors: SIMD2(-1, -1), name: .motionSwapped,
                words: "y before x, negated"),
        ]
        let units: [(SIMD2<Double>, String)] = [
            (half * flip, "in normalized device coordinates"), (half, "in halves of the picture"),
            (half * 2, "in shares of the picture"), (1 / half * flip, "in pixels"),
            (1 / half, "in pixels"), (1 / (half * 2), "in pixels"),
            (SIMD2(2, 2), "half of what they should be"),
            (SIMD2(0.5, 0.5), "twice what they should be"),
            (flip * 2, "half of what they should be, negated in y"),
            (flip / 2, "twice what they should be, negated in y"),
        ]
        for (factors, words) in units {
            all.append(.init(factors: factors, name: .motionUnit, words: words))
            all.append(
                .init(factors: -factors, name: .motionUnit, words: words + " and negated"))
        }
        return all
    }

    func motion(_ stated: SIMD2<Double>) -> SIMD2<Double> {
        (isSwapped ? SIMD2(stated.y, stated.x) : stated) * factors
    }
}

/// How well a frame is found again where its motion plane says it was.
struct MotionComparison {
    /// As `Comparison.cost`, without a look at depth: motion planes are for what moves by itself.
    var cost: Double
    /// Median, pixels of the client's picture.
    var movement: Double

    /// - Parameter reading: nil: as stated.
    /// - Returns: nil without a motion plane, or if it points to another frame.
    init?(_ frame: DoctorFrame, _ earlier: DoctorFrame, as reading: MotionReading? = nil) {
        guard let plane = frame.motion, frame.size == earlier.size,
            plane.from ?? earlier.id == earlier.id
        else { return nil }
        let (width, height) = (Double(frame.size.width), Double(frame.size.height))
        let shift = plane.isJittered ? .zero : frame.jitter - earlier.jitter
        var sum = 0.0
        var movements: [Double] = []
        movements.reserveCapacity(frame.samples.count)
        for (sample, stated) in zip(frame.samples, plane.values) {
            let motion = reading?.motion(SIMD2<Double>(stated)) ?? SIMD2<Double>(stated)
            guard motion.x.isFinite, motion.y.isFinite else { continue }
            let u = Double(sample.x) + 0.5 + shift.x + motion.x
            let v = Double(sample.y) + 0.5 + shift.y + motion.y
            guard u > 0.5, v > 0.5, u < width - 0.5, v < height - 0.5 else { continue }
            movements.append((motion * motion).sum().squareRoot())
            let error = earlier.difference(
                at: SIMD2(Float(u), Float(v)),
                from: frame.baseColor[sample.y * frame.size.width + sample.x])
            sum += Double(min(error, Comparison.limit) / Comparison.limit)
        }
        let isEnough =
            Double(movements.count) >= Comparison.leastInside * Double(frame.samples.count)
        cost = isEnough ? sum / Double(movements.count) : 1
        movements.sort()
        movement = movements.isEmpty ? 0 : movements[movements.count / 2] * Double(frame.step)
    }
}
