// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameScheduler
import FrameTypes
import NeuralDenoiser

/// Renders in this process, with the very code that the daemon has below its socket.
final class LocalRenderer: FrameRenderer {
    struct Settings {
        /// Of one model.
        var modelFolder: String
        var seed: UInt64
        var scales = ConditioningScales()
        var threads: Int
        var kernelPath: KernelPath?
        var precision = PrecisionChoice.automatic
        /// Render only what changed.
        var isIncremental = false
        var quality = FrameQuality.full
    }

    let denoiser: Denoiser
    let pool: RenderPool
    let description: RendererDescription
    private let clip: Clip
    private let isIncremental: Bool
    private let lane: FrameLane
    private var waiting: FrameToRender?

    init(clip: Clip, settings: Settings, clock: StepClock? = nil) throws {
        denoiser = try Denoiser.loaded(
            from: settings.modelFolder, kernelPath: settings.kernelPath,
            precision: settings.precision)
        let clip = clip.readable(by: denoiser)
        do {
            try denoiser.check(clip.layout)
            try denoiser.check(settings.scales)
            try denoiser.check(settings.quality, for: clip.size)
        } catch {
            throw RunError.denoiser("the model cannot render this clip: \(error)")
        }
        self.clip = clip
        isIncremental = settings.isIncremental
        let model = denoiser.description
        description = RendererDescription(
            model: model.name, modelVersion: model.version, precision: model.precision,
            kernelPath: model.kernelPath, threads: settings.threads,
            farthestSurface: try? Denoiser.farthestSurface(ofModelIn: settings.modelFolder))
        pool = try RenderPool(
            .init(threadCount: settings.threads, threadSetup: Denoiser.prepareRenderThread))
        lane = try FrameLane(
            isIncremental
                ? try denoiser.makeIncrementalWorkspace(for: clip.layout, at: settings.quality)
                : try denoiser.makeWorkspace(for: clip.size, at: settings.quality),
            layout: clip.layout, seed: settings.seed, scales: settings.scales, clock: clock)
    }

    func send(_ frame: FrameToRender) throws { waiting = frame }

    func receive(into pixels: inout [UInt8], waitingNanoseconds: UInt64) throws -> RenderReply? {
        guard let frame = waiting else { return nil }
        waiting = nil
        let recorded = clip.frames[frame.clipFrame]
        var reply = RenderReply(id: frame.id, outcome: .picture)
        do {
            let result = try lane.render(
                .init(
                    id: frame.id, payload: recorded.payload, camera: recorded.camera,
                    jitter: recorded.jitter,
                    isReset: frame.isReset, allowsApproximate: isIncremental), on: pool)
            reply.stages = result.times
            reply.historyFrame = result.historyFrame
            reply.isApproximate = result.work.isApproximate
            reply.computedShare = Double(result.work.computedShare)
            reply.quality = lane.workspace.quality
            pixels = lane.picture.copiedBytes()
        } catch {
            reply.outcome = .failed("\(error)")
        }
        return reply
    }

    func finish() { pool.stop() }

    /// Of every frame.
    var steps: [RenderStep] { lane.workspace.steps }
}

extension Clip {
    /// With the planes that the model reads.
    func readable(by denoiser: Denoiser) -> Clip {
        denoiser.readsEmissive ? self : withoutEmissive
    }
}

extension LocalRenderer {
    /// The folder of one model; without a name the only one there is.
    static func modelFolder(named name: String, in folder: String) throws -> String {
        let known: [String]
        do {
            known = try ModelFolders.names(in: folder)
        } catch {
            throw RunError.modelFolder("cannot list the models in \(folder)")
        }
        if name.isEmpty, known.count == 1 { return folder + "/" + known[0] }
        guard known.contains(name) else {
            if name.isEmpty { throw RunError.modelChoice(folder: folder, known: known) }
            throw RunError.modelFolder(
                "there is no model \(name) in \(folder); there are: "
                    + (known.isEmpty ? "none" : known.joined(separator: ", ")))
        }
        return folder + "/" + name
    }
}
