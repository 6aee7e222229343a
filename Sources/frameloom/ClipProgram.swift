// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameClip
import FrameControl
import FrameDoctor
import NeuralDenoiser

/// What `play` and `render` do around their renderer: read before, write while it renders, report last.
struct ClipProgram {
    var arguments: ClipArguments
    var maxInFlight: Int
    var stallSeconds: Int

    func run(_ makeRenderer: (Clip) throws -> any FrameRenderer) throws {
        let clip = try arguments.source.read()
        let order = arguments.order(for: clip)
        // Before the renderer, so that its threads hold the signals back too.
        let interruption = Interruption()
        let renderer = try makeRenderer(clip)
        // After the renderer: without one there is no empty folder left behind.
        let writesFiles = !arguments.noPictures && !arguments.isStreamed
        let output = writesFiles ? try RunOutput(folder: arguments.out, clip: clip) : nil
        let writer = output.map { _ in PictureWriter(size: clip.size) }
        let stream = arguments.isStreamed ? stream(of: clip) : nil
        let run = ClipRun(
            clip: clip, order: order, renderer: renderer,
            settings: .init(
                framesPerSecond: arguments.fps,
                maxInFlight: min(maxInFlight, renderer.description.maxFramesInFlight),
                stallSeconds: stallSeconds,
                keepsPictures: output != nil || clip.hasReferences,
                preview: preview(of: clip),
                onPicture: { rgba, step in
                    try stream?.write(rgba)
                    if step.pass == 0, let output {
                        try writer?.add(rgba, path: output.picturePath(step.frame))
                    }
                },
                isInterrupted: { interruption.isRequested }))

        // What was rendered before an error is worth as much as after none: it is written and
        // reported, and the error comes last.
        var firstError: (any Error)?
        do {
            try run.run(
                progress: Progress(
                    label: "Rendering", total: order.stepCount))
            try renderer.finish()
        } catch {
            firstError = error
            say("Error: \(error)")
        }
        let wasInterrupted = interruption.isRequested
        interruption.end()
        if wasInterrupted { say("Interrupted: writing what was rendered.") }
        var report = RunReport(
            clip: clip, order: order, outcome: run.outcome, renderer: renderer.description)
        if let failure = run.outcome.failure { say("A frame failed: \(failure)") }
        measure(run.outcome, of: clip, into: &report)
        let doctor = doctor(on: clip)
        report.doctor = doctor?.finding?.text
        report.doubts = ClipDoubts.sentences(
            about: clip, farthest: renderer.description.farthestSurface ?? farthestSurface,
            measures: doctor?.finding == nil ? doctor?.measures : nil)
        do {
            try write(run.outcome, to: output, by: writer, report: &report)
        } catch {
            say("Error: \(error); \(report.picturesWritten) pictures were written before.")
            firstError = firstError ?? error
        }
        let text = arguments.json ? report.json : report.text
        if arguments.isStreamed { say(text) } else { try printResult(text) }
        if wasInterrupted { throw ExitCode(130) }
        if firstError != nil || report.failed > 0 || report.rendered == 0 {
            throw ExitCode.failure
        }
    }

    private func preview(of clip: Clip) -> TerminalPreview? {
        arguments.preview
            ? TerminalPreview(origin: clip.layout.origin, graphics: arguments.previewAs) : nil
    }

    /// What is wrong with the planes and cameras that were sent.
    private func doctor(on clip: Clip) -> FrameDoctor? {
        let folder = DefaultPaths.modelFolder
        return try? ClipExamination.doctor(
            for: clip, model: arguments.model, in: folder, limit: 12)
    }

    /// Of the daemon's model, where it lies in the usual folder.
    private var farthestSurface: Float? {
        guard let folder = DefaultPaths.modelFolder,
            let path = try? LocalRenderer.modelFolder(named: arguments.model, in: folder)
        else { return nil }
        return try? Denoiser.farthestSurface(ofModelIn: path)
    }

    private func measure(_ outcome: ClipRun.Outcome, of clip: Clip, into report: inout RunReport) {
        if let quality = Quality(of: outcome.firstPass, against: clip) {
            report.psnr = quality.psnr
            report.ssim = quality.ssim
            report.psnrMin = quality.psnrMin
        }
        if let quality = Quality(of: outcome.lastPass, against: clip) {
            report.psnrLastPass = quality.psnr
            report.ssimLastPass = quality.ssim
        }
    }

    private func stream(of clip: Clip) -> PictureStream {
        PictureStream(
            size: clip.size, origin: clip.layout.origin,
            framesPerSecond: arguments.fps ?? clip.framesPerSecond ?? 30, format: arguments.format)
    }

    private func write(
        _ outcome: ClipRun.Outcome, to output: RunOutput?, by writer: PictureWriter?,
        report: inout RunReport
    ) throws {
        guard let output, let writer else { return }
        report.out = output.folder
        let (written, failure) = writer.finish()
        report.picturesWritten = written
        if let failure { throw failure }
        report.contactSheet = try output.writeContactSheet(outcome.firstPass)
        try output.writeSummary(report)
    }
}
