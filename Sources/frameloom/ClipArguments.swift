// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameClip
import FrameTypes
import Glibc

/// What `play` and `render` have in common beside the clip: the order of its frames, the output.
struct ClipArguments: ParsableArguments {
    @OptionGroup var source: ClipSource

    @Option(help: "Folder for the pictures, by default a new one here; - is standard output.")
    var out: String?

    @Option(help: "What --out - writes: y4m (4:4:4), or raw, which is RGBA8 rows.")
    var format = PictureStream.Format.y4m

    @Option(help: "Frames a second to send; by default as fast as it goes.")
    var fps: Double?

    @Option(help: "How often to go through the clip.")
    var loop = 1

    @Flag(help: "Go through the clip forwards and backwards in turn.")
    var pingPong = false

    @Option(help: "Name of the model.")
    var model = ""

    @Option(help: "Seed of the session.")
    var seed: UInt64 = 0

    @Option(
        help:
            "How strongly a framediffuser model follows the planes, 0.001 to 4; by default as it says."
    )
    var controlScale: Double?

    @Option(help: "How strongly it follows the previous picture, the same.")
    var adapterScale: Double?

    @Option(help: "Render only what changed while the camera stands still: on or off.")
    var incremental = Switch.off

    @Option(
        help: ArgumentHelp(
            "Size at which light is computed: full, half or quarter; by default full, of a daemon as "
                + "it is configured."))
    var quality: FrameQuality?

    @Flag(help: "Write no pictures and no contact sheet.")
    var noPictures = false

    @Flag(help: "Show the pictures in the terminal while they arrive.")
    var preview = false

    @Option(help: "How a preview is drawn; by default as the terminal says that it can.")
    var previewAs: TerminalGraphics?

    @Flag(help: "Print the summary as JSON.")
    var json = false

    enum Switch: String, ExpressibleByArgument, CaseIterable {
        case on, off
    }

    func validate() throws {
        if let fps, !(0.001...10_000).contains(fps) {
            throw ValidationError("--fps is 0.001 to 10000")
        }
        if loop < 1 { throw ValidationError("--loop is at least 1") }
        for (option, scale) in [
            ("--control-scale", controlScale), ("--adapter-scale", adapterScale),
        ] {
            if let scale, ConditioningScales.thousandths(of: scale) == nil {
                throw ValidationError("\(option) is 0.001 to 4")
            }
        }
        if isStreamed && isatty(STDOUT_FILENO) == 1 {
            throw ValidationError("--out - needs a pipe or a file, not a terminal")
        }
        if preview && isatty(STDERR_FILENO) == 0 {
            throw ValidationError("--preview needs a terminal")
        }
    }

    /// Whether pictures go to standard output, and everything that people read to standard error.
    var isStreamed: Bool { out == "-" }

    /// Both were validated.
    var scales: ConditioningScales {
        ConditioningScales(
            controlThousandths: controlScale.flatMap(ConditioningScales.thousandths) ?? 0,
            adapterThousandths: adapterScale.flatMap(ConditioningScales.thousandths) ?? 0)
    }

    func order(for clip: Clip) -> FrameOrder {
        FrameOrder(frameCount: clip.frames.count, passCount: loop, isPingPong: pingPong)
    }
}

extension PictureStream.Format: ExpressibleByArgument {}
