// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameControl
import Glibc

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Print the daemon's counters for Prometheus.",
        discussion: """
            Writes Prometheus' text format, to standard output or, with --metrics-file, to a file that \
            node_exporter's textfile collector reads: it is replaced as a whole, never seen half \
            written. docs/dashboard.json is a Grafana board for it.

            Where no daemon answers, the file says frameloom_up 0, and without --interval the exit \
            code is 1.
            """)

    @Option(help: "Control socket of the daemon.")
    var control = DefaultPaths.controlSocketToUse

    @Flag(help: "Also one series a session; their number grows with every session ever opened.")
    var sessions = false

    @Option(help: "Write to this file, whose name should end in .prom.")
    var metricsFile: String?

    @Option(help: "Write the file again every so many seconds, until stopped.")
    var interval: Double?

    func validate() throws {
        guard let interval else { return }
        if metricsFile == nil { throw ValidationError("--interval needs --metrics-file") }
        if !(0.1...86_400).contains(interval) {
            throw ValidationError("--interval is 0.1 to 86400 seconds")
        }
    }

    func run() throws {
        guard let metricsFile else { return try printResult(String(try text().dropLast())) }
        while true {
            var failure: ControlError?
            do throws(ControlError) {
                try WholeFile.write(try text(), to: metricsFile)
            } catch {
                failure = error
                try WholeFile.write(MetricsText.absent, to: metricsFile)
            }
            guard let interval else {
                if let failure { throw failure }
                return
            }
            sleep(nanoseconds: UInt64(interval * 1e9))
        }
    }

    private func text() throws(ControlError) -> String {
        let client = ControlClient(path: control)
        guard case .stats(let stats) = try client.ask(.stats),
            case .health(let health) = try client.ask(.health),
            case .models(let models) = try client.ask(.models)
        else { throw .notAReply(path: control, detail: "another answer than was asked for") }
        return MetricsText.text(stats, health, models, sessions: sessions)
    }
}

/// A file that readers see whole: the old one or the new one.
enum WholeFile {
    static func write(_ text: String, to path: String) throws(ControlError) {
        let part = path + ".part-\(getpid())"
        // The path is lent to the call as a C string.
        let descriptor = unsafe open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system(call: "open", path: part, errno: errno) }
        // Whatever the umask: another user's program reads it.
        fchmod(descriptor, 0o644)
        let code = frameloom.write(text, to: descriptor)
        close(descriptor)
        // As above.
        if code == 0, unsafe rename(part, path) == 0 { return }
        let failure = code == 0 ? errno : code
        unsafe unlink(part)
        throw .system(call: code == 0 ? "rename" : "write", path: path, errno: failure)
    }
}
