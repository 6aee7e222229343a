// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameClip
import FrameTypes
import Glibc

/// A clip's folder and what its files do not say themselves.
struct ClipSource: ParsableArguments {
    @Argument(help: "Folder with BaseColor, Normals, Depth, Roughness and so on.")
    var clipFolder: String

    @OptionGroup var statements: ClipStatements

    /// Reads the whole clip, with a line of progress.
    func read() throws -> Clip { try statements.read(clipFolder) }
}

/// What a clip's files do not say themselves; docs/clips.md.
struct ClipStatements: ParsableArguments {
    @Option(help: "Only the first so many frames of the clip.")
    var frames: Int?

    @Option(help: "From one frame's number to the next, where only every so many were written.")
    var frameStep = 1

    @Option(help: "Metres per unit of the depth files; wins over camera.json.")
    var depthMetresPerUnit: Float?

    @Option(help: "Kind of the depth: planar, distance or reversed; wins over camera.json.")
    var depthKind: DepthKind?

    @Option(help: "Depth at or beyond so many metres is sky; wins over camera.json.")
    var depthFar: Double?

    @Option(help: "Space of the normals: world or view; wins over camera.json.")
    var normalSpace: NormalSpaceName?

    @Option(help: "First row of every file: top-left or bottom-left.")
    var origin = OriginName.topLeft

    enum NormalSpaceName: String, ExpressibleByArgument, CaseIterable {
        case world, view
    }

    enum OriginName: String, ExpressibleByArgument, CaseIterable {
        case topLeft = "top-left"
        case bottomLeft = "bottom-left"
    }

    func validate() throws {
        if let frames, frames < 1 { throw ValidationError("--frames is at least 1") }
        if !(1...1_000_000).contains(frameStep) {
            throw ValidationError("--frame-step is 1 to 1000000")
        }
        if let depthMetresPerUnit, !(depthMetresPerUnit > 0 && depthMetresPerUnit.isFinite) {
            throw ValidationError("--depth-metres-per-unit is above 0")
        }
        if let depthFar, !(depthFar > 0) { throw ValidationError("--depth-far is above 0") }
    }

    /// Reads the whole clip, with a line of progress.
    func read(_ folder: String) throws -> Clip {
        var options = ClipOptions()
        options.metresPerUnit = depthMetresPerUnit
        options.depthKind = depthKind
        options.far = depthFar
        options.normalSpace = normalSpace == .view ? .view : normalSpace == .world ? .world : nil
        options.origin = origin == .bottomLeft ? .bottomLeft : .topLeft
        options.numberStep = frameStep
        options.frameLimit = frames
        // Pictures of the first and last pass come on top, a third of the planes each.
        options.byteLimit = sysconf(Int32(_SC_PHYS_PAGES)) / 2 * sysconf(Int32(_SC_PAGESIZE))
        let reader = try ClipReader(folder: folder, options: options)
        let progress = Progress(label: "Reading", total: reader.frameCount)
        let clip = try reader.read { progress.update($0) }
        progress.end()
        for sentence in clip.said { say("\(clip.name): \(sentence)") }
        if !clip.hasCameras {
            say("This clip has no cameras: every frame is rendered without history.")
        }
        return clip
    }
}

extension DepthKind: ExpressibleByArgument {}
