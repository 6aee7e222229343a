// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FoundationEssentials
import FrameClip
import FrameControl
import FrameScheduler
import FrameTypes
import Glibc
import NeuralDenoiser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the denoiser in this process on a moving clip.",
        discussion: """
            Every frame is rendered on the run's own last picture, then the same frames in fp32 for \
            comparison. What the processor could do on registers alone is measured on the same \
            threads before and after.
            """)

    @Option(help: "Name of the model, or its folder.")
    var model = ""

    @Option(help: "Folder of the models; by default ./Models, then the installed ones.")
    var models: String?

    @Option(help: "Folder of the clip; by default Clips/atrium-flight.")
    var clip: String?

    @Option(help: "WIDTHxHEIGHT to render; by default the clip's.")
    var size: FrameSize?

    @Option(help: "Frames to render; the clip is walked forth and back.")
    var frames = 100

    @Option(help: "Render threads; by default the CPUs that this process may use.")
    var threads = AvailableProcessors.count

    @Option(help: "auto (the fastest that the model allows), fp32, bf16 or int8.")
    var precision = PrecisionChoice.automatic

    @Option(
        help: """
            Compiled form of the kernels: avx512, avx2, openblas or portable; by default the fastest.
            """)
    var kernelPath: KernelPath?

    @Option(help: "Render only what changed while the camera stands still: on or off.")
    var incremental = ClipArguments.Switch.off

    @Option(help: "Size at which light is computed: full (the default), half or quarter.")
    var quality: FrameQuality?

    @Flag(help: "Also list how long each step of a frame takes.")
    var profile = false

    @Flag(help: "Only the network, features in and head out: what other runtimes can be asked too.")
    var networkOnly = false

    @Option(
        help: ArgumentHelp(
            "With --network-only: file of features, 32-bit floats [channels, height, width].",
            valueName: "file"))
    var features: String?

    @Option(
        help: ArgumentHelp(
            "With --network-only: file for the head's output, as --features.", valueName: "file"))
    var head: String?

    @Flag(
        help: "With --network-only: read counts of passes from standard input, answer with times.")
    var serve = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if !(1...100_000).contains(frames) { throw ValidationError("--frames is 1 to 100000") }
        if !(1...1024).contains(threads) { throw ValidationError("--threads is 1 to 1024") }
        if let size, !size.isSupported {
            throw ValidationError("--size is 32x32 to 4096x4096")
        }
        if let kernelPath, !kernelPath.isSupported {
            throw ValidationError("this processor cannot run the \(kernelPath.rawValue) kernels")
        }
        if !networkOnly && (features != nil || head != nil || serve) {
            throw ValidationError("--features, --head and --serve go with --network-only")
        }
    }

    func run() throws {
        networkOnly ? try runNetwork() : try runFrames()
    }

    private func runFrames() throws {
        let clip = try readClip()
        // Every picture is kept, for the comparison with fp32.
        let limit = sysconf(Int32(_SC_PHYS_PAGES)) / 4 * sysconf(Int32(_SC_PAGESIZE))
        guard frames <= limit / (clip.size.pixelCount * 4) else {
            throw ValidationError("\(frames) pictures of \(clip.size) do not fit into memory")
        }
        let run = BenchRun(
            clip: clip,
            settings: .init(
                renderer: .init(
                    modelFolder: try modelFolder(), seed: 0, threads: threads,
                    kernelPath: kernelPath, precision: precision,
                    isIncremental: incremental == .on, quality: quality ?? .full),
                frameCount: frames, isProfiled: profile))
        try print(run.run(), isJSON: json)
    }

    private func runNetwork() throws {
        let denoiser = try Denoiser.loaded(
            from: try modelFolder(), kernelPath: kernelPath, precision: precision)
        let bench = try NetworkBench(
            denoiser,
            settings: .init(
                size: size ?? FrameSize(width: 512, height: 512), threads: threads,
                isProfiled: profile, featureFile: features))
        defer { bench.finish() }
        if serve {
            try bench.serve()
        } else {
            try print(try bench.run(passCount: frames), isJSON: json)
        }
        if let head { try bench.writeHead(to: head) }
    }

    private func print(_ report: BenchReport, isJSON: Bool) throws {
        try printResult(isJSON ? report.json : report.text)
    }

    private func modelFolder() throws -> String {
        if model.contains("/") { return model }
        guard let folder = models ?? DefaultPaths.modelFolder else {
            throw RunError.modelFolder("no folder of models was found; name one with --models")
        }
        return try LocalRenderer.modelFolder(named: model, in: folder)
    }

    private func readClip() throws -> Clip {
        guard let folder = clip ?? DefaultPaths.demoClip else {
            throw RunError.clipFolder
        }
        var options = ClipOptions()
        // More of the clip than is rendered needs not be decoded.
        options.frameLimit = frames
        let recorded = try ClipReader(folder: folder, options: options).read()
        return size.map(recorded.resized) ?? recorded
    }
}

extension FrameSize: ExpressibleByArgument {
    package init?(argument: String) {
        let sides = argument.split(separator: "x").map { Int($0) }
        guard sides.count == 2, let width = sides[0], let height = sides[1] else { return nil }
        self.init(width: width, height: height)
    }
}

extension FrameQuality: ExpressibleByArgument {
    package init?(argument: String) { self.init(name: argument) }

    package var defaultValueDescription: String { name }

    package static var allValueStrings: [String] { allCases.map(\.name) }

    // Without it each name gets a line of its own that says nothing.
    package static var allValueDescriptions: [String: String] { [:] }
}

extension PrecisionChoice: ExpressibleByArgument {
    package init?(argument: String) { self.init(name: argument) }

    package var defaultValueDescription: String { name }
}

extension Denoiser {
    /// With an error that names the folder.
    static func loaded(
        from folder: String, kernelPath: KernelPath?, precision: PrecisionChoice
    ) throws -> Denoiser {
        do {
            return try Denoiser(
                modelFolder: folder, kernelPath: kernelPath, choosing: precision)
        } catch {
            throw RunError.denoiser("cannot load the model \(folder): \(error)")
        }
    }
}
