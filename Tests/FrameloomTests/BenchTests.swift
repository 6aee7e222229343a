// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
@testable import NeuralDenoiser
import Testing

@testable import frameloom

@Suite struct BenchTests {
    private func durations(_ milliseconds: [UInt64]) -> Durations {
        var result = Durations()
        for value in milliseconds { result.add(value * 1_000_000) }
        return result
    }

    @Test func percentilesAreTimesThatOccurred() {
        let hundred = durations((1...100).reversed())
        #expect(hundred.milliseconds(atPercentile: 0) == 1)
        #expect(hundred.milliseconds(atPercentile: 50) == 50)
        #expect(hundred.milliseconds(atPercentile: 90) == 90)
        #expect(hundred.milliseconds(atPercentile: 99) == 99)
        #expect(durations([7]).milliseconds(atPercentile: 99) == 7)
        #expect(durations([3, 9]).milliseconds(atPercentile: 99) == 9)
        #expect(durations([]).milliseconds(atPercentile: 50) == 0)
    }

    private func report() -> BenchReport {
        BenchReport(
            model: ModelDescription(
                name: "hall", version: "2", family: "compact", licence: "", description: "",
                precision: "int8", kernelPath: "avx2-int8", weightBytes: 0),
            threads: 2, size: FrameSize(width: 64, height: 32), network: durations([4, 5, 6]),
            work: [
                LayerWork(
                    name: "a", multiplyAdds: 400_000_000, valueCount: 1, weightCount: 1),
                LayerWork(
                    name: "b", multiplyAdds: 100_000_000, multiplyAddsDone: 20_000_000,
                    valueCount: 1, weightCount: 1),
            ])
    }

    @Test func theShareIsOfTheBetterCeiling() throws {
        var report = report()
        // A thousand million operations in 5 ms.
        #expect(report.gflops == 200)
        report.take(ceilings: [250e9, 400e9])
        #expect(report.ceilingGflops == 400)
        #expect(report.ceilingShare == 0.5)
    }

    @Test func theSpeedIsOfTheWholeNetworkAndTheWorkDoneIsSaidBeside() {
        let report = report()
        #expect(report.gmac == 0.5 && report.gmacDone == 0.42)
        #expect(report.text.contains("0.50 GMAC a frame (0.42 of them done), 200 GFLOP/s"))
    }

    @Test func withoutACeilingThereIsNoShare() {
        var report = report()
        report.take(ceilings: [0, 0])
        #expect(report.ceilingGflops == nil && report.ceilingShare == nil)
        #expect(!report.text.contains("%"))
    }

    @Test func keysAreInSnakeCase() {
        var report = report()
        report.take(frame: durations([8]))
        report.psnrToFp32 = .infinity
        let json = report.json
        for key in [
            "frame_ms_p50", "frame_ms_p90", "frame_ms_p99", "frame_ms_min", "network_ms_p50",
            "network_ms_p90", "network_ms_p99", "network_ms_min", "gmac", "gflops",
            "gmac_done",
            "psnr_to_fp32", "precision", "kernel_path", "threads", "size", "frames", "model",
            "version",
        ] { #expect(json.contains("\"\(key)\""), "\(key)") }
        #expect(json.contains("\"inf\""))
    }

    private func step(_ name: String, _ run: @escaping @Sendable () -> Void = {}) -> RenderStep {
        RenderStep(name: name, stage: .render, tileCount: 1) { _, _ in run() }
    }

    @Test func theClockTimesEachStepBetweenItsNeighbours() {
        let clock = StepClock()
        let memory = WorkerMemory()
        let steps = clock.timed([
            step("short"), step("long") { sleep(nanoseconds: 5_000_000) },
        ])
        #expect(steps.count == 5)
        for _ in 0..<2 { for step in steps { step.runTile(0, memory) } }
        let times = clock.times
        #expect(times.count == 2)
        #expect(times[1].sum >= 10_000_000 && times[0].sum < times[1].sum)
        #expect(times[1].shortest >= 5_000_000)
        #expect(times[1].shortest + times[1].longest == times[1].sum)
        clock.reset()
        #expect(clock.times.allSatisfy { $0.sum == 0 && $0.longest == 0 })
        #expect(StepClock().timed([]).isEmpty)
    }

    @Test func aFusedStepHasTheWorkOfItsLayers() throws {
        let work = [
            LayerWork(name: "stem", multiplyAdds: 1_000_000, valueCount: 500, weightCount: 100),
            LayerWork(
                name: "encoder.0.0.conv1", multiplyAdds: 9_000_000,
                multiplyAddsDone: 3_000_000, valueCount: 1000, weightCount: 400),
        ]
        let profile = BenchProfile(
            steps: [
                step("features+stem"), step("encoder.0.0.conv1"), step("encoder.0.0.conv1"),
                step("picture"),
            ], work: work, bytesPerValue: 2, ceiling: 8e9)
        func time(_ frames: UInt64...) -> StepTime {
            frames.reduce(into: StepTime()) { $0.add($1) }
        }
        // Two frames; a step cut into two counts as one.
        let table = profile.table(
            times: [
                time(1_000_000, 1_000_000), time(750_000, 250_000), time(500_000, 2_500_000),
                time(2_000_000, 2_000_000),
            ], frames: 2)
        #expect(table.map(\.longestMs) == [1, 2.5, 2])
        #expect(table.map(\.longestAtBestMs) == [1, 0.5, 2])
        #expect(table.map(\.name) == ["features+stem", "encoder.0.0.conv1", "picture"])
        #expect(table.map(\.ms) == [1, 2, 2])
        #expect(table[0].gflops == 2 && table[0].ceilingShare == 0.25)
        #expect(table[1].gflops == 3)
        let traffic = try #require(table[1].gbPerSecond)
        #expect(abs(traffic - 2 * 1400 / 2e-3 / 1e9) < 1e-12)
        #expect(table[2].gflops == nil && table[2].ceilingShare == nil)
    }

    @Test func sizesAreReadAsTheyArePrinted() {
        #expect(FrameSize(argument: "1280x720") == FrameSize(width: 1280, height: 720))
        for text in ["1280", "x720", "1280x", "1280x720x3", "axb", ""] {
            #expect(FrameSize(argument: text) == nil, "\(text)")
        }
    }
}
