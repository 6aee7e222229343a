// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameControl
import FrameScheduler
import NeuralDenoiser

struct RenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Render a recorded clip in this process, without a daemon.")

    @OptionGroup var clip: ClipArguments

    @Option(help: "Folder of the models; by default ./Models, then the installed ones.")
    var models: String?

    @Option(help: "Render threads; by default the CPUs that this process may use.")
    var threads = AvailableProcessors.count

    @Option(
        help: """
            Compiled form of the kernels: avx512, avx2, openblas or portable; by default the fastest.
            """)
    var kernelPath: KernelPath?

    @Option(help: "auto (the fastest that the model allows), fp32, bf16 or int8.")
    var precision = PrecisionChoice.automatic

    func validate() throws {
        if !(1...1024).contains(threads) { throw ValidationError("--threads is 1 to 1024") }
        if let kernelPath, !kernelPath.isSupported {
            throw ValidationError("this processor cannot run the \(kernelPath.rawValue) kernels")
        }
    }

    func run() throws {
        guard let folder = models ?? DefaultPaths.modelFolder else {
            throw RunError.modelFolder("no folder of models was found; name one with --models")
        }
        let program = ClipProgram(arguments: clip, maxInFlight: 1, stallSeconds: 86_400)
        try program.run { recorded in
            try LocalRenderer(
                clip: recorded,
                settings: .init(
                    modelFolder: LocalRenderer.modelFolder(named: clip.model, in: folder),
                    seed: clip.seed, scales: clip.scales, threads: threads,
                    kernelPath: kernelPath,
                    precision: precision, isIncremental: clip.incremental == .on,
                    quality: clip.quality ?? .full))
        }
    }
}

extension KernelPath: ExpressibleByArgument {}
