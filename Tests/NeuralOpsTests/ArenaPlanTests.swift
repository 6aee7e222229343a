// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import TestSupport
import Testing

@testable import NeuralOps

@Suite struct ArenaPlanTests {
    @Test func regionsInUseAtTheSameTimeNeverOverlap() {
        var random = SeededGenerator()
        for _ in 0..<50 {
            let regions = (0..<30).map { _ in
                let start = Int.random(in: 0...20, using: &random)
                return ArenaPlan.Region(
                    floatCount: Int.random(in: 1...1000, using: &random),
                    time: start...start + Int.random(in: 0...8, using: &random))
            }
            let plan = ArenaPlan(regions)
            for a in regions.indices {
                #expect(plan.offsets[a] % 16 == 0, "seed \(random.seed)")
                #expect((plan.offsets[a] + regions[a].floatCount) * 4 <= plan.byteCount)
                for b in 0..<a where regions[a].time.overlaps(regions[b].time) {
                    let apart =
                        plan.offsets[a] + regions[a].floatCount <= plan.offsets[b]
                        || plan.offsets[b] + regions[b].floatCount <= plan.offsets[a]
                    #expect(apart, "seed \(random.seed): \(a), \(b)")
                }
            }
        }
    }

    @Test func regionsAtDifferentTimesShareMemory() {
        let plan = ArenaPlan((0..<10).map { ArenaPlan.Region(floatCount: 1600, time: $0...$0) })
        #expect(plan.byteCount == 6400)
    }
}
