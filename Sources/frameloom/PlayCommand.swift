// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameControl
import FrameTypes

extension Mailbox: ExpressibleByArgument {}

struct PlayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "play",
        abstract: "Send a recorded clip through the daemon and keep the pictures.")

    @OptionGroup var clip: ClipArguments

    @Option(help: "Socket of the daemon.")
    var socket = DefaultPaths.frameSocketToUse

    @Option(help: "latest: a newer frame replaces a waiting one; every: none is left out.")
    var mailbox = Mailbox.every

    @Option(help: "Frames sent and not yet answered.")
    var inFlight = 2

    @Option(help: "Seconds without any picture after which to give up.")
    var timeout = 60

    @Option(
        help: "Milliseconds in which a picture is wanted: it then goes before slower work. 0: none."
    )
    var budget = 0

    @Flag(help: "Lower levels of quality may be used while frames are late or dropped.")
    var mayFall = false

    func validate() throws {
        if !(1...16).contains(inFlight) { throw ValidationError("--in-flight is 1 to 16") }
        if !(0...60_000).contains(budget) { throw ValidationError("--budget is 0 to 60000") }
        if !(1...86_400).contains(timeout) { throw ValidationError("--timeout is 1 to 86400") }
    }

    func run() throws {
        let program = ClipProgram(
            arguments: clip, maxInFlight: inFlight, stallSeconds: timeout)
        try program.run { recorded in
            try SocketRenderer(
                clip: recorded,
                settings: .init(
                    path: socket,
                    // A daemon that takes nothing must not be waited for longer than one that
                    // answers nothing.
                    timeoutMilliseconds: Int32(min(timeout, 10)) * 1000, model: clip.model,
                    seed: clip.seed, scales: clip.scales,
                    dropsStaleFrames: mailbox == .latest, budgetMilliseconds: budget,
                    isIncremental: clip.incremental == .on, quality: clip.quality,
                    mayFall: mayFall))
        }
    }
}
