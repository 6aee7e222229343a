// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FoundationEssentials
import FrameClip
import FrameControl
import FrameScheduler
import FrameTypes
import NeuralDenoiser

struct StillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "still",
        abstract: "Measure what a frame costs whose camera stands still, and what is lost.",
        discussion: """
            Holds one frame of a clip, pastes squares of another one in that move, and renders every \
            frame twice: whole, and only what changed, in turns of ten frames. Both start from the \
            same settled picture and go on from their own.
            """)

    @Argument(help: "Folder of the clip.")
    var clipFolder: String

    @Option(help: "Which frame of the clip to hold.")
    var frame = 12

    @Option(help: "Share of the pixels that the squares cover.")
    var share = 0.05

    @Option(help: "Squares; 0: nothing changes.")
    var places = 1

    @Option(help: "Frames to measure.")
    var frames = 60

    @Option(help: "Frames rendered whole before, so that the picture has settled.")
    var warmUp = 24

    @Option(help: "Name of the model.")
    var model = ""

    @Option(help: "Folder of the models; by default ./Models, then the installed ones.")
    var models: String?

    @Option(help: "Render threads; by default the CPUs that this process may use.")
    var threads = AvailableProcessors.count

    @Option(help: "Precision of the network: auto, fp32, bf16 or int8.")
    var precision = PrecisionChoice.automatic

    @Option(help: "Folder for pictures of the frame with the largest difference.")
    var out: String?

    @Flag(help: "Also list how long each step takes, whole and in part.")
    var profile = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if !(0.0001...0.5).contains(share) { throw ValidationError("--share is 0.0001 to 0.5") }
        if !(0...1000).contains(places) { throw ValidationError("--places is 0 to 1000") }
        if frame < 0 { throw ValidationError("--frame is at least 0") }
        if !(1...100_000).contains(frames) { throw ValidationError("--frames is 1 to 100000") }
        if !(2...10_000).contains(warmUp) { throw ValidationError("--warm-up is 2 to 10000") }
        if !(1...1024).contains(threads) { throw ValidationError("--threads is 1 to 1024") }
    }

    func run() throws {
        guard let folder = models ?? DefaultPaths.modelFolder else {
            throw RunError.modelFolder("no folder of models was found; name one with --models")
        }
        if let out, FileManager.default.fileExists(atPath: out) { throw RunError.outputExists(out) }
        var clip = try ClipReader(folder: clipFolder, options: ClipOptions()).read { _ in }
        guard frame < clip.frames.count else {
            throw ValidationError(
                "--frame \(frame): the clip has \(clip.frames.count) frames, 0 to "
                    + "\(clip.frames.count - 1)")
        }
        let denoiser: Denoiser
        do {
            denoiser = try Denoiser(
                modelFolder: LocalRenderer.modelFolder(named: model, in: folder),
                kernelPath: nil, choosing: precision)
            clip = clip.readable(by: denoiser)
            try denoiser.check(clip.layout)
        } catch {
            throw RunError.denoiser("\(error)")
        }
        let pool = try RenderPool(
            .init(threadCount: threads, threadSetup: Denoiser.prepareRenderThread))
        defer { pool.stop() }
        let run = try StillRun(
            scenario: StillScenario(
                clip: clip, settings: .init(frame: frame, share: share, places: places)),
            layout: clip.layout, denoiser: denoiser, pool: pool, isProfiled: profile)
        try run.settle(frames: warmUp)
        try run.measure(frames: frames)
        if let out { try run.writeWorst(to: out) }
        let report = StillReport(run, denoiser: denoiser, threads: threads)
        try printResult(json ? report.json : report.text)
    }
}
