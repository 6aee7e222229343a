// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameClip
import FrameControl
import FrameTypes

struct SnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Write what the daemon understands of a session's next frame as a picture.",
        discussion: """
            A sheet of panels: base color, normals in world space, depth, roughness, metallic, the \
            moved history and how far it is trusted, with the frame's camera in words. What is upside \
            down, mirrored or in another unit shows at once. The session's pictures are not changed; \
            that one frame takes a few milliseconds more. docs/engines.md says how to read the sheet.
            """)

    @Argument(help: "Session, as `frameloom sessions` lists it; or the file, where one is open.")
    var sessionOrFile: String

    @Argument(help: "PNG file to write.")
    var file: String?

    @Option(help: "Control socket of the daemon.")
    var control = DefaultPaths.controlSocketToUse

    @Option(help: "Seconds to wait for the session's next frame.")
    var timeout = 30.0

    func validate() throws {
        if file != nil, UInt64(sessionOrFile) == nil {
            throw ValidationError("a session is a number, as `frameloom sessions` lists it")
        }
        if file == nil, UInt64(sessionOrFile) != nil {
            throw ValidationError("name the PNG file to write: frameloom snapshot SESSION FILE")
        }
        if !(timeout > 0 && timeout <= 86400) {
            throw ValidationError("--timeout is above 0, at most 86400")
        }
    }

    func run() throws {
        let client = ControlClient(path: control)
        let number = try file.flatMap { _ in UInt64(sessionOrFile) } ?? client.onlySession()
        let interruption = Interruption()
        defer { interruption.end() }
        let deadline = monotonicNow() + UInt64(timeout * 1e9)
        let answer = try client.snapshot(
            SnapshotRequest(session: number),
            unless: { interruption.isRequested || monotonicNow() > deadline })
        guard let (report, sheet) = answer else {
            throw RunError.output(
                interruption.isRequested
                    ? "interrupted" : "session \(number) sent no frame in \(timeout) s")
        }
        let path = file ?? sessionOrFile
        let size = FrameSize(width: report.width, height: report.height)
        try PNGImage(size: size, channels: 4, bytes: sheet).write(to: path)
        say("\(path): frame \(report.frame) of session \(number) as the daemon understands it")
    }
}
