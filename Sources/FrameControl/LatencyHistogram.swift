// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Histogram

/// Latencies in nanoseconds with a known error: three significant digits from 1 µs to 10 minutes.
package struct LatencyHistogram: Sendable {
    private static let highest: UInt64 = 600_000_000_000

    private var histogram = Histogram<UInt64>(
        lowestDiscernibleValue: 1000, highestTrackableValue: highest,
        numberOfSignificantValueDigits: .three)
    /// Exact; percentiles are not.
    private var largest: UInt64 = 0
    /// Exact, but for an overflow after 584 years of latencies.
    private var sum: UInt64 = 0
    /// Upper ends of the buckets that monitoring gets, milliseconds: frame times of 240 to 20 a second, then
    /// what a person calls slow.
    private static let bounds: [UInt64] = [
        1, 2, 4, 8, 16, 25, 33, 50, 100, 250, 500, 1000, 2500, 10_000, 60_000,
    ]

    package init() {}

    package var count: UInt64 { histogram.totalCount }

    /// A time beyond ten minutes counts as ten minutes; only `maxNs` tells the difference.
    package mutating func record(ns: UInt64) {
        _ = histogram.record(min(ns, Self.highest))
        largest = max(largest, ns)
        sum &+= ns
    }

    package mutating func add(_ other: LatencyHistogram) {
        histogram.add(other.histogram)
        largest = max(largest, other.largest)
        sum &+= other.sum
    }

    /// - Parameter percentile: 0 ... 100.
    /// - Returns: 0 before anything was recorded.
    package func ns(atPercentile percentile: Double) -> UInt64 {
        count == 0 ? 0 : min(histogram.valueAtPercentile(percentile), largest)
    }

    package var report: LatencyReport {
        var report = LatencyReport()
        report.count = count
        report.p50Ns = ns(atPercentile: 50)
        report.p90Ns = ns(atPercentile: 90)
        report.p99Ns = ns(atPercentile: 99)
        report.maxNs = largest
        report.sumNs = sum
        return report
    }

    /// With buckets, which hold what ended within a thousandth of their bound.
    package var bucketedReport: LatencyReport {
        var report = self.report
        var below: UInt64 = 0
        var first: UInt64 = 0
        report.buckets = Self.bounds.map { milliseconds in
            let bound = milliseconds * 1_000_000
            if count > 0 { below += histogram.count(within: first...bound) }
            first = histogram.highestEquivalentForValue(bound) + 1
            return LatencyBucket(atMostNs: bound, count: below)
        }
        return report
    }
}
