// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameTypes
import Testing

@testable import frameloom

@Suite struct MetricsTextTests {
    private func text(sessions: [SessionReport] = [], asked: Bool = false) -> String {
        var work = WorkReport()
        var histogram = LatencyHistogram()
        for milliseconds in [3, 3, 40, 70_000] as [UInt64] {
            histogram.record(ns: milliseconds * 1_000_000)
        }
        work.latency = histogram.bucketedReport
        work.stages.render = StageSum(count: 4, ns: 1_500_000_000)
        let stats = StatsReport(
            daemon: DaemonReport(), total: work, models: [ModelWork(model: "atrium", work: work)],
            sessions: sessions)
        return MetricsText.text(
            stats, HealthReport(live: true, ready: true, model: "atrium"),
            [ModelReport(name: "atrium", state: .loaded)], sessions: asked)
    }

    @Test func bucketsCountWhatTookAtMostSoLong() {
        let lines = text().split(separator: "\n")
        for line in [
            "frameloom_frame_latency_seconds_bucket{le=\"0.002\"} 0",
            "frameloom_frame_latency_seconds_bucket{le=\"0.004\"} 2",
            "frameloom_frame_latency_seconds_bucket{le=\"0.05\"} 3",
            "frameloom_frame_latency_seconds_bucket{le=\"60.0\"} 3",
            "frameloom_frame_latency_seconds_bucket{le=\"+Inf\"} 4",
            "frameloom_frame_latency_seconds_sum 70.046",
            "frameloom_frame_latency_seconds_count 4",
            "frameloom_stage_duration_seconds_sum{stage=\"render\"} 1.5",
            "frameloom_model_stage_duration_seconds_count{model=\"atrium\",stage=\"render\"} 4",
        ] {
            #expect(lines.contains(Substring(line)), "\(line)")
        }
    }

    @Test func sessionsAreThereOnRequestOnlyAndTheirNamesAreEscaped() {
        var session = SessionReport(id: 9)
        session.clientName = "a \"b\\c\nd"
        #expect(!text(sessions: [session]).contains("frameloom_session_"))
        let asked = text(sessions: [session], asked: true)
        #expect(asked.contains(#"client="a \"b\\c.d","#), "\(asked)")
        #expect(asked.contains("# TYPE frameloom_session_frame_latency_seconds summary\n"))
    }

    /// Buckets of 1,000 random times against counting them.
    @Test func bucketsAreThoseOfTheTimesThemselves() {
        var histogram = LatencyHistogram()
        var generator = SystemRandomNumberGenerator()
        let times = (0..<1000).map { _ in
            UInt64.random(in: 1...20_000, using: &generator) * 100_000
        }
        for time in times { histogram.record(ns: time) }
        let report = histogram.bucketedReport
        #expect(report.sumNs == times.reduce(0, +))
        for bucket in report.buckets ?? [] {
            // Within a thousandth of the bound either side counts.
            let (low, high) = (bucket.atMostNs / 1000 * 998, bucket.atMostNs / 1000 * 1002)
            let least = times.count { $0 <= low }
            #expect(UInt64(least) <= bucket.count)
            #expect(bucket.count <= UInt64(times.count { $0 <= high }))
        }
        #expect(report.buckets?.last?.count == 1000)
    }
}
