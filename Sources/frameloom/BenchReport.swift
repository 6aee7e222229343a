// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralDenoiser

/// What `bench` found; the keys of `--json` are its names in snake case.
struct BenchReport: Encodable {
    var model: String
    var version: String
    var precision: String
    var kernelPath: String
    var threads: Int
    /// WIDTHxHEIGHT.
    var size: String
    var frames: Int
    var clip: String?

    /// From the first step of a frame to the last, planes to picture; nil if only the network ran.
    var frameMsP50: Double?
    var frameMsP90: Double?
    var frameMsP99: Double?
    var frameMsMin: Double?
    /// Of these the network's steps.
    var networkMsP50: Double
    var networkMsP90: Double
    var networkMsP99: Double
    var networkMsMin: Double

    /// Of one frame of the network by the plain algorithm, and what that makes a second.
    var gmac: Double
    var gflops: Double
    /// How much of `gmac` was really done: without the channels that were left out.
    var gmacDone: Double
    /// What the processor could do on registers alone, on the same threads, the better of before and
    /// after; nil where it has no instruction for such products.
    var ceilingGflops: Double?
    var ceilingShare: Double?

    /// Means over all frames, each rendered on the run's own last picture.
    var psnrToFp32: Double?
    var psnr: Double?
    /// That of fp32 in the same run.
    var fp32Psnr: Double?

    /// Whether only what changed was rendered, and the mean share of tiles that were.
    var incremental: Bool?
    /// The size at which light was computed; nil of the network alone.
    var quality: String?
    var computedShare: Double?

    var steps: [BenchStep]?

    init(
        model: ModelDescription, threads: Int, size: FrameSize, network: Durations,
        work: [LayerWork]
    ) {
        self.model = model.name
        version = model.version
        precision = model.precision
        kernelPath = model.kernelPath
        self.threads = threads
        self.size = size.description
        frames = network.count
        gmac = work.reduce(0) { $0 + Double($1.multiplyAdds) } / 1e9
        gmacDone = work.reduce(0) { $0 + Double($1.multiplyAddsDone) } / 1e9
        networkMsP50 = network.milliseconds(atPercentile: 50)
        networkMsP90 = network.milliseconds(atPercentile: 90)
        networkMsP99 = network.milliseconds(atPercentile: 99)
        networkMsMin = network.milliseconds(atPercentile: 0)
        gflops = networkMsP50 > 0 ? 2 * gmac * 1e3 / networkMsP50 : 0
    }

    mutating func take(frame: Durations) {
        frameMsP50 = frame.milliseconds(atPercentile: 50)
        frameMsP90 = frame.milliseconds(atPercentile: 90)
        frameMsP99 = frame.milliseconds(atPercentile: 99)
        frameMsMin = frame.milliseconds(atPercentile: 0)
    }

    /// - Parameter speeds: operations a second.
    mutating func take(ceilings speeds: [Double]) {
        guard let best = speeds.max(), best > 0 else { return }
        ceilingGflops = best / 1e9
        ceilingShare = gflops * 1e9 / best
    }

    var json: String { ReportText.json(self) }

    /// For people.
    var text: String {
        var lines = [
            "Model     \(model) version \(version), \(precision), \(kernelPath), \(threads) "
                + (threads == 1 ? "thread" : "threads"),
            "Frames    \(frames) of \(size)" + (clip.map { ", \($0)" } ?? ", network alone")
                + (quality.map { $0 == "full" ? "" : ", light at \($0) size" } ?? ""),
        ]
        if let frameMsP50, let frameMsP90, let frameMsP99, let frameMsMin {
            lines.append(
                "Frame     p50 \(decimal(frameMsP50, 2)) ms, p90 \(decimal(frameMsP90, 2)), p99 "
                    + "\(decimal(frameMsP99, 2)), min \(decimal(frameMsMin, 2))")
        }
        lines.append(
            "Network   p50 \(decimal(networkMsP50, 2)) ms, p90 \(decimal(networkMsP90, 2)), p99 "
                + "\(decimal(networkMsP99, 2)), min \(decimal(networkMsMin, 2))")
        let done = gmacDone < gmac ? " (\(decimal(gmacDone, 2)) of them done)" : ""
        var speed =
            "Speed     \(decimal(gmac, 2)) GMAC a frame\(done), \(decimal(gflops, 0)) GFLOP/s"
        if let ceilingGflops, let ceilingShare {
            speed +=
                ", \(decimal(ceilingShare * 100, 0)) % of this processor's "
                + decimal(ceilingGflops, 0)
        }
        lines.append(speed)
        if incremental == true, let computedShare {
            lines.append("Tiles     \(decimal(computedShare * 100, 1)) % rendered")
        }
        if let psnrToFp32, psnrToFp32.isFinite {
            lines.append("To fp32   PSNR \(decimal(psnrToFp32, 2)) dB")
        }
        if let psnr {
            let other = precision == "fp32" ? nil : fp32Psnr
            lines.append(
                "Reference PSNR \(decimal(psnr, 2)) dB"
                    + (other.map { ", fp32 \(decimal($0, 2)) dB" } ?? ""))
        }
        if let steps { lines += ["", BenchStep.table(steps)] }
        return lines.joined(separator: "\n")
    }
}

/// A step of the frame in the profile; those of one name together.
struct BenchStep: Encodable {
    var name: String
    /// Mean of a frame.
    var ms: Double
    /// Into so many parts that several threads may compute at once, in so many steps that follow each other.
    var tiles = 0
    var steps = 0
    /// The longest stretch without a yield point that was seen.
    var longestMs: Double
    /// The same of each stretch's fastest frame: what other programs took from it is left out.
    var longestAtBestMs: Double
    /// Of what was done, by the plain algorithm; nil where the step is no layer of the network.
    var gflops: Double?
    /// What the layer reads and writes at least, numbers and weights once each.
    var gbPerSecond: Double?
    var ceilingShare: Double?

    static func table(_ steps: [BenchStep]) -> String {
        var table = Table([
            "STEP", "MS", "TILES", "LONGEST", "AT BEST", "GFLOP/S", "GB/S", "CEILING %",
        ])
        for step in steps {
            table.add([
                step.name, decimal(step.ms, 3), "\(step.tiles)", decimal(step.longestMs, 3),
                decimal(step.longestAtBestMs, 3),
                step.gflops.map { decimal($0, 0) } ?? "-",
                step.gbPerSecond.map { decimal($0, 1) } ?? "-",
                step.ceilingShare.map { decimal($0 * 100, 0) } ?? "-",
            ])
        }
        return table.text
    }
}
