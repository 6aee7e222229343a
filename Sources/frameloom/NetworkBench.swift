// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameScheduler
import FrameTypes
import NeuralDenoiser

/// Times the network alone, features in and head out, on a pool as it renders.
final class NetworkBench {
    struct Settings {
        var size: FrameSize
        var threads: Int
        var isProfiled: Bool
        /// 32-bit floats, `[channels, height, width]`; nil: random ones.
        var featureFile: String?
    }

    private let denoiser: Denoiser
    private let settings: Settings
    private let pass: NetworkPass
    private let pool: RenderPool
    private let steps: [RenderStep]
    private let clock: StepClock?
    private let meter: CeilingMeter?

    init(_ denoiser: Denoiser, settings: Settings) throws {
        self.denoiser = denoiser
        self.settings = settings
        guard let pass = NetworkPass(denoiser, size: settings.size) else {
            throw RunError.denoiser("--network-only takes a compact model")
        }
        self.pass = pass
        pool = try RenderPool(
            .init(threadCount: settings.threads, threadSetup: Denoiser.prepareRenderThread))
        clock = settings.isProfiled ? StepClock() : nil
        steps = clock?.timed(pass.steps) ?? pass.steps
        meter = denoiser.ceiling.map { [pool] in CeilingMeter($0, pool: pool) }
        pass.setFeatures(
            try settings.featureFile.map {
                try FloatFile.read($0, count: pass.featureCount)
            } ?? Self.noise(count: pass.featureCount))
    }

    func finish() { pool.stop() }

    func run(passCount: Int) throws -> BenchReport {
        _ = try time(3)
        clock?.reset()
        var ceilings = [try meter?.measure() ?? 0]
        let times = try time(passCount)
        ceilings.append(try meter?.measure() ?? 0)
        let work = denoiser.layerWork(for: settings.size)
        var report = BenchReport(
            model: denoiser.description, threads: settings.threads, size: settings.size,
            network: times, work: work)
        report.take(ceilings: ceilings)
        if let clock {
            let profile = BenchProfile(
                steps: pass.steps, work: work,
                bytesPerValue: denoiser.description.precision == "fp32" ? 4 : 2,
                ceiling: report.ceilingGflops.map { $0 * 1e9 })
            report.steps = profile.table(times: clock.times, frames: passCount)
        }
        return report
    }

    /// For programs that compare: reads a count of passes a line and answers with one line of JSON,
    /// until the input ends. "ceiling" measures the ceiling instead.
    func serve() throws {
        struct Answer: Encodable {
            var ms: [Double]?
            var ceilingGflops: Double?
        }
        while let line = readLine() {
            var answer = Answer()
            if line == "ceiling" {
                answer.ceilingGflops = try meter.map { try $0.measure() / 1e9 }
            } else {
                answer.ms = try time(min(max(Int(line) ?? 1, 1), 10_000)).all
            }
            write(ReportText.json(answer, isLine: true) + "\n", to: 1)
        }
    }

    /// What the last pass gave, `[channels, height, width]`.
    func writeHead(to path: String) throws { try FloatFile.write(pass.copiedHead(), to: path) }

    private func time(_ count: Int) throws -> Durations {
        var times = Durations()
        for _ in 0..<count {
            times.add(try pool.render(RenderSteps(steps)).times.job)
        }
        return times
    }

    /// Values as features have them, -1 to 1, the same every time.
    private static func noise(count: Int) -> [Float] {
        var state: UInt64 = 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
        }
    }
}

/// Plain 32-bit floats, lowest byte first.
enum FloatFile {
    static func read(_ path: String, count: Int) throws -> [Float] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RunError.denoiser("cannot read \(path)")
        }
        guard data.count == count * 4 else {
            throw RunError.denoiser(
                "\(path) holds \(data.count) bytes, but \(count) features of 4 bytes are expected")
        }
        let bytes = [UInt8](data)
        return (0..<count).map { index in
            let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[index * 4 + $1]) << (8 * $1) }
            return Float(bitPattern: word)
        }
    }

    static func write(_ values: [Float], to path: String) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 4)
        for value in values {
            for shift in [0, 8, 16, 24] {
                bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift)))
            }
        }
        guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else {
            throw RunError.denoiser("cannot write \(path)")
        }
    }
}
