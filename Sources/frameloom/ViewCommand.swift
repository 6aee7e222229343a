// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import CFrameClient
import FrameControl
import FrameTypes
import Glibc

struct ViewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "view",
        abstract: "Watch what another client's session renders.",
        discussion: """
            Opens a page that shows copies of the session's pictures, at most --fps a second; the \
            session is never slowed. Without a number: the one session that is open. docs/walk.md \
            has more.
            """)

    @Argument(help: "Session, as `frameloom sessions` lists it.")
    var session: UInt64?

    @Option(help: "Control socket of the daemon.")
    var control = DefaultPaths.controlSocketToUse

    @Option(help: "Pictures a second at most.")
    var fps = 10.0

    @Option(help: "- : pictures to standard output, for ffmpeg, mpv or a file.")
    var out: String?

    @Option(help: "What --out - writes: y4m (4:4:4), or raw, which is RGBA8 rows.")
    var format = PictureStream.Format.y4m

    @Flag(help: "Show the pictures in the terminal instead of a browser.")
    var preview = false

    @Option(help: "How a preview is drawn; by default as the terminal says that it can.")
    var previewAs: TerminalGraphics?

    @Flag(help: "Only print the page's address.")
    var noOpen = false

    @Flag(help: "Pictures for the page as JPEG, for a slow connection.")
    var jpeg = false

    @Option(help: "End after so many pictures.")
    var frames: Int?

    func validate() throws {
        if !WatchRequest.rates.contains(fps) {
            throw ValidationError(
                "--fps is \(WatchRequest.rates.lowerBound) to \(WatchRequest.rates.upperBound)")
        }
        if let frames, frames < 1 { throw ValidationError("--frames is at least 1") }
        if let out, out != "-" { throw ValidationError("--out is -, standard output") }
        if out != nil && isatty(STDOUT_FILENO) == 1 {
            throw ValidationError("--out - needs a pipe or a file, not a terminal")
        }
        if preview && isatty(STDERR_FILENO) == 0 {
            throw ValidationError("--preview needs a terminal; --out - writes pictures")
        }
    }

    func run() throws {
        let client = ControlClient(path: control)
        let number = try session ?? client.onlySession()
        if out == nil && !preview { return try openPage(session: number) }
        let (report, pictures) = try client.watch(WatchRequest(session: number, fps: fps))
        let size = FrameSize(width: report.width, height: report.height)
        let origin: RowOrigin = report.bottomUp ? .bottomLeft : .topLeft
        let stream =
            out == nil
            ? nil
            : PictureStream(size: size, origin: origin, framesPerSecond: fps, format: format)
        let terminal = preview ? TerminalPreview(origin: origin, graphics: previewAs) : nil
        let interruption = Interruption()
        defer { interruption.end() }
        var count = 0
        while count < frames ?? .max, !interruption.isRequested,
            let pixels = try next(from: pictures, size, unless: { interruption.isRequested })
        {
            try stream?.write(pixels)
            terminal?.show(size, pixels)
            count += 1
        }
        say("\(count) pictures of session \(number)")
    }

    private func openPage(session: UInt64) throws {
        let interruption = Interruption()
        defer { interruption.end() }
        let gateway = try ChildProgram("frameloom-gateway", ["--control", control, "--watch-only"])
        guard let first = gateway.readLine(seconds: 20) else {
            throw RunError.program("frameloom-gateway", reason: "it did not start; see above")
        }
        let parts = first.split(separator: "?", maxSplits: 1)
        let address =
            "\(parts[0])view.html?\(parts.last ?? "")&session=\(session)&fps=\(fps)"
            + (jpeg ? "&pictures=jpeg" : "")
        print(address)
        fflush(nil)
        if !noOpen { ChildProgram.openInBrowser(address) }
        say("Ctrl-C ends it.")
        while !interruption.isRequested, gateway.isRunning { sleep(nanoseconds: 100_000_000) }
    }

    /// - Returns: nil when the session has ended, or when this is no picture of that size.
    private func next(
        from pictures: ControlStream, _ size: FrameSize, unless isCancelled: () -> Bool
    ) throws -> [UInt8]? {
        let header = try pictures.read(Int(FL_HEADER_BYTES), unless: isCancelled)
        guard header.count == Int(FL_HEADER_BYTES), number(header, \fl_header.magic) == FL_MAGIC,
            number(header, \fl_header.type) == FL_PICTURE
        else { return nil }
        let bodyByteCount = Int(number(header, \fl_header.body_bytes))
        let byteCount = size.pixelCount * 4
        guard bodyByteCount <= Int(FL_MAX_BODY_BYTES),
            number(header, \fl_header.payload_bytes) == byteCount
        else { return nil }
        _ = try pictures.read(bodyByteCount, unless: isCancelled)
        let pixels = try pictures.read(byteCount, unless: isCancelled)
        return pixels.count == byteCount ? pixels : nil
    }

    /// A little-endian field of a struct of the wire.
    private func number<Value: FixedWidthInteger & UnsignedInteger>(
        _ bytes: [UInt8], _ field: KeyPath<fl_header, Value>
    ) -> UInt64 {
        let start = MemoryLayout<fl_header>.offset(of: field) ?? 0
        return (0..<MemoryLayout<Value>.size).reduce(0) {
            $0 | UInt64(bytes[start + $1]) << (8 * UInt64($1))
        }
    }
}
