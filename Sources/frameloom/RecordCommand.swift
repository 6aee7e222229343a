// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameClip
import FrameControl
import FrameTypes

struct RecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Write what another client's session sends and gets as a clip folder.",
        discussion: """
            Planes, cameras and pictures of a running session become a folder that `frameloom play` and \
            the training tools read. The daemon sends copies, at most --fps of them and never more than \
            this program has taken; the session is never slowed, and a full disk ends the recording \
            alone. Stop with Ctrl-C. FinalImage is the picture that the session got: an engine that \
            sends its own finished picture as the plane `known`, alpha 255, records that one.
            """)

    @Argument(help: "Session, as `frameloom sessions` lists it; or the folder, where one is open.")
    var sessionOrFolder: String

    @Argument(help: "New folder of the clip.")
    var folder: String?

    @Option(help: "Control socket of the daemon.")
    var control = DefaultPaths.controlSocketToUse

    @Option(help: "Frames a second at most.")
    var fps = 30.0

    @Option(help: "End after so many frames.")
    var frames: Int?

    @Option(help: "Depth files: units per metre. 65535 units are the farthest.")
    var unitsPerMetre = 400.0

    func validate() throws {
        if !WatchRequest.rates.contains(fps) {
            throw ValidationError(
                "--fps is \(WatchRequest.rates.lowerBound) to \(WatchRequest.rates.upperBound)")
        }
        if let frames, frames < 1 { throw ValidationError("--frames is at least 1") }
        if !(unitsPerMetre > 0 && unitsPerMetre.isFinite) {
            throw ValidationError("--units-per-metre is above 0")
        }
        if folder != nil, UInt64(sessionOrFolder) == nil {
            throw ValidationError("a session is a number, as `frameloom sessions` lists it")
        }
    }

    func run() throws {
        let client = ControlClient(path: control)
        let number = try folder.flatMap { _ in UInt64(sessionOrFolder) } ?? client.onlySession()
        let (report, stream) = try client.watch(
            WatchRequest(session: number, fps: fps, planes: true))
        let size = FrameSize(width: report.width, height: report.height)
        guard
            let layout = report.layout?.layout(
                size: size, origin: report.bottomUp ? .bottomLeft : .topLeft)
        else { throw RunError.output("this daemon does not say how the session's planes lie") }
        var writer = try ClipWriter(
            folder: folder ?? sessionOrFolder, layout: layout, unitsPerMetre: unitsPerMetre,
            framesPerSecond: fps)
        let interruption = Interruption()
        defer { interruption.end() }
        var failure: (any Error)?
        var (firstID, lastID): (UInt64?, UInt64) = (nil, 0)
        do {
            while writer.frameCount < frames ?? .max, !interruption.isRequested,
                let line = try stream.readLine(unless: { interruption.isRequested }),
                let frame = ControlLine.frame(from: line)
            {
                let planes = try stream.read(layout.byteCount)
                let picture = try stream.read(size.pixelCount * 4)
                guard planes.count == layout.byteCount, picture.count == size.pixelCount * 4
                else { break }
                try writer.write(planes: planes, picture: picture, camera: frame.drawnWith)
                firstID = firstID ?? frame.frame
                lastID = frame.frame
            }
        } catch { failure = error }
        // What was written before an error is a whole clip all the same.
        if writer.frameCount > 0 { try writer.finish() }
        let skipped = firstID.map { Int(lastID - $0) + 1 - writer.frameCount } ?? 0
        say(
            "\(writer.frameCount) frames of session \(number)"
                + (skipped > 0 ? "; \(skipped) in between were not recorded" : ""))
        if let failure { throw failure }
        if writer.frameCount == 0 { throw RunError.output("the session sent no frame") }
    }
}

extension ControlClient {
    /// The one session that is open.
    func onlySession() throws -> UInt64 {
        guard case .sessions(let open) = try ask(.sessions) else {
            throw RunError.output("the daemon answered another question than was asked")
        }
        guard open.count == 1 else {
            throw RunError.output(
                open.isEmpty
                    ? "no session is open"
                    : "\(open.count) sessions are open; name one: "
                        + open.map { "\($0.id)" }.joined(separator: ", "))
        }
        return open[0].id
    }
}
