// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes
import NeuralDenoiser

/// Renders the frames of a moving clip in this process, each on its own last picture, and then the
/// same frames in fp32, which the pictures are compared with.
final class BenchRun {
    struct Settings {
        var renderer: LocalRenderer.Settings
        var frameCount: Int
        /// Rendered before, to fill caches and settle clocks; then the history is dropped.
        var warmUpCount = 3
        var isProfiled: Bool
    }

    private let clip: Clip
    private let settings: Settings
    private let order: FrameOrder
    private var frameTimes = Durations()
    private var networkTimes = Durations()
    private var pictures: [[UInt8]] = []
    /// Sum over the frames.
    private var computedShares = 0.0

    init(clip: Clip, settings: Settings) {
        self.clip = clip
        self.settings = settings
        let later = max(clip.frames.count - 1, 1)
        let passes = 1 + max(0, settings.frameCount - clip.frames.count + later - 1) / later
        order = FrameOrder(frameCount: clip.frames.count, passCount: passes, isPingPong: true)
    }

    func run() throws -> BenchReport {
        let clock = settings.isProfiled ? StepClock() : nil
        let renderer = try LocalRenderer(clip: clip, settings: settings.renderer, clock: clock)
        defer { renderer.finish() }
        let meter = renderer.denoiser.ceiling.map { CeilingMeter($0, pool: renderer.pool) }
        try render(settings.warmUpCount, on: renderer) { _, _, _ in }
        clock?.reset()

        var ceilings = [try meter?.measure() ?? 0]
        let progress = Progress(label: "Rendering", total: settings.frameCount)
        try render(settings.frameCount, on: renderer) { index, reply, picture in
            let times = reply.stages
            computedShares += reply.computedShare
            networkTimes.add(times.render)
            frameTimes.add(times.job)
            pictures.append(picture)
            progress.update(index + 1)
        }
        progress.end()
        ceilings.append(try meter?.measure() ?? 0)

        let work = renderer.denoiser.layerWork(
            for: settings.renderer.quality.light(of: clip.size))
        var report = BenchReport(
            model: renderer.denoiser.description, threads: settings.renderer.threads,
            size: clip.size, network: networkTimes,
            work: work)
        report.clip = clip.name
        report.incremental = settings.renderer.isIncremental
        report.quality = settings.renderer.quality.name
        report.computedShare = computedShares / Double(settings.frameCount)
        report.take(frame: frameTimes)
        report.take(ceilings: ceilings)
        if let clock {
            let profile = BenchProfile(
                steps: renderer.steps, work: work,
                bytesPerValue: renderer.denoiser.description.precision == "fp32" ? 4 : 2,
                ceiling: report.ceilingGflops.map { $0 * 1e9 })
            report.steps = profile.table(times: clock.times, frames: settings.frameCount)
        }
        // A diffusion model is served at the precision of its files alone.
        if !work.isEmpty { try compare(into: &report) }
        return report
    }

    private func render(
        _ count: Int, on renderer: LocalRenderer,
        _ take: (_ index: Int, _ reply: RenderReply, _ picture: [UInt8]) -> Void
    ) throws {
        var picture: [UInt8] = []
        for index in 0..<count {
            let frame = order[index % order.stepCount].frame
            try renderer.send(
                FrameToRender(id: UInt64(index + 1), clipFrame: frame, isReset: index == 0))
            guard let reply = try renderer.receive(into: &picture, waitingNanoseconds: 0) else {
                continue
            }
            if case .failed(let text) = reply.outcome { throw RunError.denoiser(text) }
            take(index, reply, picture)
        }
    }

    private func compare(into report: inout BenchReport) throws {
        report.psnr = meanRatio(to: pictures)
        guard
            report.precision != Precision.fp32.rawValue || report.incremental == true
                || settings.renderer.quality != .full
        else {
            report.psnrToFp32 = .infinity
            report.fp32Psnr = report.psnr
            return
        }
        var judge = settings.renderer
        judge.precision = .exactly(.fp32)
        judge.isIncremental = false
        judge.quality = .full
        let renderer = try LocalRenderer(clip: clip, settings: judge)
        defer { renderer.finish() }
        var ratios: [Double] = []
        var judged: [[UInt8]] = []
        let progress = Progress(label: "Comparing", total: pictures.count)
        defer { progress.end() }
        try render(settings.frameCount, on: renderer) { index, _, picture in
            ratios.append(PictureMetrics.psnr(image(pictures[index]), image(picture)))
            judged.append(picture)
            progress.update(index + 1)
        }
        report.psnrToFp32 = ratios.reduce(0, +) / Double(max(ratios.count, 1))
        report.fp32Psnr = meanRatio(to: judged)
    }

    /// Of pictures in this run's order to the clip's references; nil without them.
    private func meanRatio(to pictures: [[UInt8]]) -> Double? {
        var sum = 0.0
        for (index, picture) in pictures.enumerated() {
            let frame = clip.frames[order[index % order.stepCount].frame]
            guard let reference = frame.reference else { return nil }
            sum += PictureMetrics.psnr(image(picture), reference)
        }
        return pictures.isEmpty ? nil : sum / Double(pictures.count)
    }

    private func image(_ bytes: [UInt8]) -> PNGImage {
        PNGImage(size: clip.size, channels: 4, bytes: bytes)
    }
}
