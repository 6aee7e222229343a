// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameClip
import FrameScheduler
import FrameTypes
import NeuralDenoiser
import Synchronization

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
    }

    let denoiser: Denoiser
    let pool: RenderPool
    let description: RendererDescription
    private let clip: Clip
    private let seed: UInt64
    private let scales: ConditioningScales
    private let isIncremental: Bool
    private let workspace: any FrameWorkspace
    private let workspaceKey: WorkspaceKey
    /// The workspace's, with the clock between them if there is one.
    private let timedSteps: [RenderStep]

    /// The G-buffer's memory, filled anew for every frame.
    private let planes: PixelStorage
    private let picture: PixelStorage
    /// Written in turn: the one holds the history while the other becomes the next.
    private var histories: (current: PixelStorage, next: PixelStorage)
    private var history: FrameHistory?
    private let usedHistory = UsedHistory()
    private var waiting: FrameToRender?

    init(clip: Clip, settings: Settings, clock: StepClock? = nil) throws {
        denoiser = try Denoiser.loaded(
            from: settings.modelFolder, kernelPath: settings.kernelPath,
            precision: settings.precision)
        do {
            try denoiser.check(clip.layout)
            try denoiser.check(settings.scales)
        } catch {
            throw RunError.denoiser("the model cannot render this clip: \(error)")
        }
        self.clip = clip
        seed = settings.seed
        scales = settings.scales
        isIncremental = settings.isIncremental
        let model = denoiser.description
        description = RendererDescription(
            model: model.name, modelVersion: model.version, precision: model.precision,
            kernelPath: model.kernelPath, threads: settings.threads)
        pool = try RenderPool(
            .init(threadCount: settings.threads, threadSetup: Denoiser.prepareRenderThread))
        workspace =
            isIncremental
            ? denoiser.makeIncrementalWorkspace(for: clip.layout)
            : denoiser.makeWorkspace(for: clip.size)
        workspaceKey = WorkspaceKey(model: model.name, size: clip.size)
        timedSteps = clock?.timed(workspace.steps) ?? workspace.steps
        planes = PixelStorage(byteCount: clip.layout.byteCount)
        picture = PixelStorage(byteCount: clip.size.pixelCount * 4)
        let historyBytes = FrameHistory.byteCount(of: clip.size)
        histories = (PixelStorage(byteCount: historyBytes), PixelStorage(byteCount: historyBytes))
    }

    func send(_ frame: FrameToRender) throws { waiting = frame }

    func receive(into pixels: inout [UInt8], waitingNanoseconds: UInt64) throws -> RenderReply? {
        guard let frame = waiting else { return nil }
        waiting = nil
        let arrival = now()
        planes.copy(clip.frames[frame.clipFrame].payload)
        if frame.isReset { history = nil }
        let camera = clip.frames[frame.clipFrame].camera
        let gbuffer = GBuffer(
            layout: clip.layout, storage: planes, frameID: frame.id, camera: camera,
            jitter: .zero, motionFrom: nil)
        let request = FrameRequest(
            gbuffer: gbuffer, history: history, seed: seed, scales: scales,
            allowsApproximate: isIncremental, picture: picture, nextHistory: histories.next)
        let result = render(request, id: frame.id)

        var reply = RenderReply(id: frame.id, outcome: .picture)
        reply.stages.read = (result.startedAt ?? arrival) - arrival
        reply.stages.convert = result.times.convert
        reply.stages.render = result.times.render
        reply.stages.encode = result.times.encode
        switch result.outcome {
        case .finished: break
        case .failed(let error):
            reply.outcome = .failed("\(error)")
            return reply
        case .cancelled:
            reply.outcome = .failed("the frame was cancelled")
            return reply
        }
        reply.historyFrame = usedHistory.frame.withLock { $0 }
        let work = workspace.work
        reply.isApproximate = work.isApproximate
        reply.computedShare = Double(work.computedShare)
        pixels = picture.copiedBytes()
        if !work.keepsHistory { histories = (current: histories.next, next: histories.current) }
        history = FrameHistory(
            size: clip.size, frameID: frame.id, seed: seed, camera: camera, jitter: .zero,
            storage: histories.current)
        return reply
    }

    func finish() { pool.stop() }

    /// Of every frame.
    var steps: [RenderStep] { workspace.steps }

    private func render(_ request: FrameRequest, id: UInt64) -> JobResult {
        let workspace = self.workspace
        let used = usedHistory
        return pool.render(
            RenderJob(
                session: 0, frameID: id, submittedAt: now(), workspace: workspaceKey,
                steps: timedSteps,
                begin: { try workspace.begin(request) },
                finish: {
                    used.frame.withLock { $0 = workspace.usedHistoryFrame }
                    workspace.finish()
                }))
    }
}

extension LocalRenderer {
    /// The folder of one model; without a name the only one there is.
    static func modelFolder(named name: String, in folder: String) throws -> String {
        let entries: [String]
        do {
            entries = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw RunError.modelFolder("cannot list the models in \(folder)")
        }
        let known = entries.filter {
            FileManager.default.fileExists(atPath: "\(folder)/\($0)/model.json")
        }.sorted()
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

/// Written by the render leader when a frame ends, read here after it.
private final class UsedHistory: Sendable {
    let frame = Mutex<UInt64?>(nil)
}
