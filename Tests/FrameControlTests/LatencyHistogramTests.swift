// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameTypes
import Testing

@Suite struct LatencyHistogramTests {
    @Test func percentilesAreWithinAThousandth() {
        var histogram = LatencyHistogram()
        for milliseconds in 1...1000 { histogram.record(ns: UInt64(milliseconds) * 1_000_000) }
        let report = histogram.report
        #expect(report.count == 1000)
        #expect(abs(Double(report.p50Ns) - 500e6) <= 0.5e6)
        #expect(abs(Double(report.p90Ns) - 900e6) <= 0.9e6)
        #expect(abs(Double(report.p99Ns) - 990e6) <= 0.99e6)
        #expect(report.maxNs == 1_000_000_000)
    }

    @Test func keepsTimesBeyondItsRange() {
        var histogram = LatencyHistogram()
        histogram.record(ns: .max)
        histogram.record(ns: 0)
        #expect(histogram.report.count == 2)
        #expect(histogram.report.maxNs == .max)
    }

    @Test func isZeroBeforeAnythingWasRecorded() {
        #expect(LatencyHistogram().report == LatencyReport())
    }

    @Test func sumsAreThoseOfBothParts() {
        var left = LatencyHistogram()
        var right = LatencyHistogram()
        var both = LatencyHistogram()
        for value in stride(from: UInt64(2_000), to: 50_000_000, by: 77_777) {
            if value.isMultiple(of: 2) { left.record(ns: value) } else { right.record(ns: value) }
            both.record(ns: value)
        }
        left.add(right)
        #expect(left.report == both.report)
    }

    @Test func framesAreBalancedOnlyIfEachIsCountedOnce() {
        var counts = FrameCounts()
        counts.received = 5
        counts.rendered = 2
        counts.dropped = 1
        counts.failed = 1
        counts.waiting = 1
        #expect(counts.isBalanced)
        counts.rendering = 1
        #expect(!counts.isBalanced)
    }
}
