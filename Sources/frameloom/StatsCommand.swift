// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameControl
import Glibc

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show what the daemon and its sessions have done so far.")

    @OptionGroup var control: ControlArguments

    @Flag(help: "Show it again and again, with the speed since the last time.")
    var watch = false

    @Option(help: "Seconds between two looks with --watch.")
    var interval = 1.0

    func validate() throws {
        if !(0.05...3600).contains(interval) {
            throw ValidationError("--interval is 0.05 to 3600 seconds")
        }
    }

    func run() throws {
        var previous: StatsReport?
        let isTerminal = isatty(STDOUT_FILENO) == 1
        while true {
            guard case .stats(let report) = try control.ask(.stats) else {
                throw control.unexpected(.stats)
            }
            if control.json {
                try printResult(ControlLine.json(of: report))
            } else {
                let clear = watch && isTerminal ? "\u{1B}[H\u{1B}[2J" : ""
                let text = StatsText.report(report, since: previous)
                try printResult(clear + text)
            }
            guard watch else { return }
            previous = report
            sleep(nanoseconds: UInt64(interval * 1e9))
        }
    }
}
