// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FileFormats
import FoundationEssentials
import FrameClip
import FrameControl
import Glibc

struct WalkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "walk",
        abstract: "Walk through the atrium in a browser.",
        discussion: """
            Starts a gateway, and a daemon where none runs, and opens the page. The browser draws the \
            G-buffer, the daemon renders it. Ctrl-C ends what was started. docs/walk.md has the keys.
            """)

    @Option(
        help: "Socket of the daemon; if nobody listens there, a daemon is started for the walk.")
    var socket = DefaultPaths.frameSocketToUse

    @Option(help: "Port of the page; 0: any free one.")
    var port = 0

    @Option(help: "Pixels, e.g. 512 or 640x360.")
    var size = "512"

    @Option(help: "Samples per side of a pixel, 1 to 4; by default 3, or 1 without a GPU.")
    var samples: Int?

    @Option(help: "Name of the model.")
    var model = ""

    @Flag(help: "Pictures as JPEG, for a slow connection.")
    var jpeg = false

    @Flag(help: "Only print the page's address.")
    var noOpen = false

    func validate() throws {
        let sides = size.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(sides.count),
            sides.allSatisfy({ $0.map { (64...2048).contains($0) && $0 % 4 == 0 } ?? false })
        else { throw ValidationError("--size is N or NxN, multiples of 4 from 64 to 2048") }
        if let samples, !(1...4).contains(samples) {
            throw ValidationError("--samples is 1 to 4")
        }
        if !(0...65535).contains(port) { throw ValidationError("--port is 0 to 65535") }
    }

    func run() throws {
        let interruption = Interruption()
        let daemon = isListening(socket) ? nil : try PrivateDaemon()
        if daemon != nil { say("Starting a daemon for this walk ...") }
        try daemon?.waitUntilReady { interruption.isRequested }
        let gateway = try ChildProgram(
            "frameloom-gateway",
            ["--socket", daemon?.socket ?? socket, "--port", "\(port)"])
        guard let first = gateway.readLine(seconds: 20) else {
            throw RunError.program("frameloom-gateway", reason: "it did not start; see above")
        }
        let address = first + query
        try printResult(address)
        fflush(nil)
        if !noOpen { ChildProgram.openInBrowser(address) }
        say("Ctrl-C ends the walk.")
        while !interruption.isRequested, gateway.isRunning, daemon?.isRunning ?? true {
            sleep(nanoseconds: 100_000_000)
        }
        let wasInterrupted = interruption.isRequested
        gateway.stop()
        daemon?.stop()
        interruption.end()
        if !wasInterrupted {
            throw RunError.program(
                daemon?.isRunning ?? true ? "frameloom-gateway" : "frameloomd",
                reason: "it ended; see above")
        }
    }

    private var query: String {
        var text = ""
        if size != "512" { text += "&size=\(size)" }
        if let samples { text += "&samples=\(samples)" }
        if !model.isEmpty { text += "&model=\(model)" }
        if jpeg { text += "&pictures=jpeg" }
        return text
    }

    private func isListening(_ path: String) -> Bool {
        (try? ControlClient.connects(to: path)) ?? false
    }
}

/// A daemon with sockets in a folder of its own, for as long as the walk lasts.
private final class PrivateDaemon {
    private let folder: String
    private let program: ChildProgram
    var socket: String { folder + "/frames.sock" }
    private var control: String { folder + "/control.sock" }

    init() throws {
        var template = [UInt8]("/tmp/frameloom-walk-XXXXXX".utf8) + [0]
        // mkdtemp writes its six characters into the template, whose end is a zero.
        let isMade = unsafe template.withUnsafeMutableBytes { bytes in
            guard let start = unsafe bytes.bindMemory(to: CChar.self).baseAddress else {
                return false
            }
            return unsafe mkdtemp(start) != nil
        }
        guard isMade else {
            throw RunError.outputFolder("/tmp", reason: FileBytes.text(ofErrno: errno))
        }
        folder = String(decoding: template.dropLast(), as: UTF8.self)
        program = try ChildProgram(
            "frameloomd",
            [
                "--set", "socket.path=\(folder)/frames.sock", "--set",
                "control.path=\(folder)/control.sock", "--set", "log.level=warning",
            ])
    }

    deinit {
        program.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    var isRunning: Bool { program.isRunning }

    func stop() { program.stop() }

    func waitUntilReady(orUntil isInterrupted: () -> Bool) throws {
        let client = ControlClient(path: control)
        while program.isRunning, !isInterrupted() {
            if case .health(let health)? = try? client.ask(.health), health.ready { return }
            sleep(nanoseconds: 50_000_000)
        }
        throw isInterrupted()
            ? ExitCode(130) : RunError.program("frameloomd", reason: "it ended; see above")
    }
}
