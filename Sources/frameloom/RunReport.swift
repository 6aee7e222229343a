// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes

/// What came of a run, in numbers; the keys of `--json` are its names in snake case.
struct RunReport: Encodable {
    var clip: String
    var width: Int
    var height: Int
    /// Frames of the clip and passes over it.
    var frames: Int
    var passes: Int
    var sent: Int
    var rendered: Int
    var dropped: Int
    var failed: Int
    var late: Int
    /// Frames of which tiles were carried over, and the mean share of the tiles that were rendered.
    var approximateFrames: Int
    var computedShare: Double
    /// Frames whose light was computed at half and at a quarter of the size.
    var halfLightFrames: Int
    var quarterLightFrames: Int
    /// Rendered with the help of the frame before.
    var historyFrames: Int
    var hasCameras: Bool
    var resumes: Int

    var seconds: Double
    var fps: Double
    /// From handing a frame over to having its picture.
    var frameMsP50: Double
    var frameMsP90: Double
    var frameMsP99: Double
    var frameMsMax: Double
    /// From a frame's last byte at the daemon to its reply, less what the denoiser took; with more
    /// than one frame in flight it holds the wait for the frame before. nil without a daemon.
    var daemonMsP50: Double?
    var daemonMsP99: Double?
    /// CPU time of this process for each frame: of the client alone behind a socket.
    var cpuMsPerFrame: Double
    /// Mean milliseconds of each stage, as the renderer counted them.
    var stageMs: Stages

    /// Mean of the frames of the first pass against the clip's finished pictures.
    var psnr: Double?
    var ssim: Double?
    var psnrMin: Double?
    /// The same for the last of several passes: what many frames do to the pictures.
    var psnrLastPass: Double?
    var ssimLastPass: Double?

    var model: String
    var modelVersion: String
    var precision: String
    var kernelPath: String
    var threads: Int?
    var out: String?
    var contactSheet: String?
    var picturesWritten = 0
    /// What the doctor found wrong with the clip's planes and cameras, in one sentence.
    var doctor: String?
    /// What looks wrong and is legal, a sentence each.
    var doubts: [String] = []

    struct Stages: Encodable {
        var read, queue, convert, render, encode: Double
    }

    init(clip: Clip, order: FrameOrder, outcome: ClipRun.Outcome, renderer: RendererDescription) {
        self.clip = clip.name
        width = clip.size.width
        height = clip.size.height
        frames = clip.frames.count
        passes = order.passCount
        sent = outcome.sent
        rendered = outcome.rendered
        dropped = outcome.dropped
        failed = outcome.failed
        late = outcome.late
        approximateFrames = outcome.approximate
        computedShare = outcome.computedShares / Double(max(outcome.rendered, 1))
        halfLightFrames = outcome.qualities[.half] ?? 0
        quarterLightFrames = outcome.qualities[.quarter] ?? 0
        historyFrames = outcome.withHistory
        hasCameras = clip.hasCameras
        resumes = renderer.resumeCount
        seconds = Double(outcome.nanoseconds) / 1e9
        fps = seconds > 0 ? Double(outcome.rendered) / seconds : 0
        let latency = outcome.latency.report
        frameMsP50 = Double(latency.p50Ns) / 1e6
        frameMsP90 = Double(latency.p90Ns) / 1e6
        frameMsP99 = Double(latency.p99Ns) / 1e6
        frameMsMax = Double(latency.maxNs) / 1e6
        if outcome.daemonShare.count > 0 {
            let share = outcome.daemonShare.report
            daemonMsP50 = Double(share.p50Ns) / 1e6
            daemonMsP99 = Double(share.p99Ns) / 1e6
        }
        cpuMsPerFrame = Double(outcome.cpuNanoseconds) / 1e6 / Double(max(outcome.rendered, 1))
        let scale = 1e-6 / Double(max(outcome.rendered, 1))
        stageMs = Stages(
            read: Double(outcome.stages.read) * scale, queue: Double(outcome.stages.queue) * scale,
            convert: Double(outcome.stages.convert) * scale,
            render: Double(outcome.stages.render) * scale,
            encode: Double(outcome.stages.encode) * scale)
        model = renderer.model
        modelVersion = renderer.modelVersion
        precision = renderer.precision
        kernelPath = renderer.kernelPath
        threads = renderer.threads
    }

    var json: String { ReportText.json(self) }

    /// For people.
    var text: String {
        let threadText = threads.map { ", \($0) threads" } ?? ""
        var lines = [
            "Model      \(model) version \(modelVersion), \(precision), \(kernelPath)\(threadText)",
            "Frames     \(rendered) of \(sent) rendered"
                + counted(dropped, "dropped") + counted(failed, "failed") + counted(late, "late")
                + ", \(historyFrames) with history"
                + (approximateFrames > 0
                    ? ", \(approximateFrames) in part (\(decimal(computedShare * 100, 1)) % of "
                        + "all tiles)" : "")
                + counted(halfLightFrames, "with half light")
                + counted(quarterLightFrames, "with quarter light")
                + (resumes > 0 ? ", \(resumes) times resumed" : ""),
            "Speed      \(decimal(fps, 2)) fps over \(decimal(seconds, 2)) s",
            "Latency    p50 \(decimal(frameMsP50, 1)) ms, p99 \(decimal(frameMsP99, 1)) ms, max "
                + "\(decimal(frameMsMax, 1)) ms",
            "Stages     read \(decimal(stageMs.read, 1)), queue \(decimal(stageMs.queue, 1)), "
                + "convert \(decimal(stageMs.convert, 1)), render \(decimal(stageMs.render, 1)), "
                + "encode \(decimal(stageMs.encode, 1)) ms on average",
        ]
        let cpu = "\(decimal(cpuMsPerFrame, 2)) ms of this process a frame"
        if let daemonMsP50, let daemonMsP99 {
            lines.append(
                "Beside it  daemon p50 \(decimal(daemonMsP50, 2)) ms, p99 "
                    + "\(decimal(daemonMsP99, 2)) ms; CPU \(cpu)")
        } else {
            lines.append("CPU        \(cpu)")
        }
        if let psnr, let ssim {
            lines.append("Reference  PSNR \(decimal(psnr, 2)) dB, SSIM \(decimal(ssim, 4))")
        }
        if let psnrLastPass, let ssimLastPass {
            lines.append(
                "           last pass: PSNR \(decimal(psnrLastPass, 2)) dB, SSIM "
                    + decimal(ssimLastPass, 4))
        }
        if let doctor { lines.append("Doctor     \(doctor)") }
        for doubt in doubts { lines.append("Doubt      \(doubt)") }
        if let out { lines.append("Pictures   \(picturesWritten) in \(out)") }
        if let contactSheet { lines.append("           \(contactSheet)") }
        return lines.joined(separator: "\n")
    }

    private func counted(_ count: Int, _ word: String) -> String {
        count > 0 ? ", \(count) \(word)" : ""
    }
}
