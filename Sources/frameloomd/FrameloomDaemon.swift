// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import Foundation
import FrameControl
import FrameSocket
import Logging

/// The daemon's life: options, configuration, parts, run, end.
@main
struct FrameloomDaemon: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frameloomd",
        abstract: "Renders finished frames from G-buffers, for game engines on this machine.",
        discussion: """
            Engines connect to a Unix socket (docs/protocol.md). `frameloom health` says when the \
            daemon is ready, `frameloom stats` what it does. SIGTERM finishes and sends the frames \
            under way, then ends; a second SIGTERM ends at once.
            """,
        version: buildVersion)

    @Option(help: "Configuration file; config/frameloomd.toml explains every key.")
    var config: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "One configuration key, over the file: --set limits.sessions=4. Can be repeated.",
            valueName: "key=value"))
    var assignments: [String] = []

    @Flag(
        help:
            "Check what a start would, the default model included, print the configuration and end."
    )
    var checkConfig = false

    @Flag(help: "Print each effective value and where it came from, and end.")
    var printConfig = false

    @Option(
        help: ArgumentHelp(
            "End when the program of this number, which started this one, ends.",
            visibility: .hidden))
    var endsWith: Int64?

    func run() throws {
        ProcessSetup.prepare()
        if let endsWith { ParentProgram.endWith(endsWith) }
        let manager = ServiceManager.take()
        let settings: Configuration
        do {
            settings = try Self.effectiveConfiguration(
                config, assignments, isToStart: !printConfig)
            if printConfig { return show(settings) }
            if checkConfig, let error = ConfigurationError(settings.startProblems()) {
                throw error
            }
        } catch let error as ConfigurationError {
            throw StartFailure(error.description)
        }
        if checkConfig {
            for key in ConfigurationKey.all { print("\(key.name) = \(key.read(settings))") }
            return
        }
        let logQueue = startLog(level: settings.log.level)
        defer { logQueue.flush(milliseconds: 500) }
        let server: Server
        do {
            let (config, assignments) = (self.config, self.assignments)
            server = try Server(
                settings: settings, manager: manager, logQueue: logQueue,
                readConfiguration: { () throws(ConfigurationError) in
                    try Self.effectiveConfiguration(config, assignments)
                })
        } catch {
            throw StartFailure("\(error)")
        }
        server.run()
    }

    /// - Parameter isToStart: whether what no daemon could start with is an error.
    private static func effectiveConfiguration(
        _ config: String?, _ assignments: [String], isToStart: Bool = true
    ) throws(ConfigurationError) -> Configuration {
        var settings = Configuration(
            socket: .init(path: DefaultPaths.frameSocket, mode: 0o600),
            control: .init(path: DefaultPaths.controlSocket, mode: 0o600),
            models: .init(folder: DefaultPaths.modelFolder ?? "Models"))
        let defaultControl = settings.control.path
        let isControlStated = ProcessInfo.processInfo.environment["FRAMELOOM_CONTROL"] != nil
        var errors: [ConfigurationError] = []
        if let config {
            do throws(ConfigurationError) {
                try settings.read(path: config)
            } catch {
                if case .several(let list) = error { errors += list } else { errors.append(error) }
            }
        }
        for assignment in assignments {
            do throws(ConfigurationError) {
                try settings.set(assignment)
            } catch {
                errors.append(error)
            }
        }
        // The control socket follows the frame socket into its folder unless it was placed itself.
        if settings.control.path == defaultControl, !isControlStated {
            let folder = (settings.socket.path as NSString).deletingLastPathComponent
            settings.control.path = folder + "/control.sock"
        }
        // Of a file that was not read nothing more is known.
        if isToStart, !errors.contains(where: \.hidesTheFile) {
            let origins = ConfigurationOrigin.all(
                file: config, assignments: assignments,
                environment: ProcessInfo.processInfo.environment)
            let named = Set(errors.compactMap(\.key))
            errors += settings.problems().filter { !named.contains($0.key ?? "") }
                .map { $0.placed(origins) }
        }
        if let error = ConfigurationError(errors) { throw error }
        return settings
    }

    private func show(_ settings: Configuration) {
        let origins = ConfigurationOrigin.all(
            file: config, assignments: assignments,
            environment: ProcessInfo.processInfo.environment)
        let lines = ConfigurationKey.all.map { "\($0.name) = \($0.read(settings))" }
        let width = lines.map(\.count).max() ?? 0
        for (key, line) in zip(ConfigurationKey.all, lines) {
            let space = String(repeating: " ", count: width - line.count)
            print("\(line)\(space)  # \(origins[key.name] ?? .standard)")
        }
    }

    private func startLog(level: String) -> LogQueue {
        let level = LogLevel(Logger.Level(rawValue: level) ?? .info)
        let isJournal = Journal.reads(
            STDERR_FILENO, environment: ProcessInfo.processInfo.environment)
        let queue = LogQueue(
            isJournal ? .journal(path: Journal.socketPath) : .descriptor(STDERR_FILENO))
        LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level, queue: queue) }
        return queue
    }
}

/// Why the daemon could not start; printed as one line, exit code 1.
struct StartFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
