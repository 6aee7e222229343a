// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameControl
import Glibc

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Read the configuration's limits and the models again; as SIGHUP does.",
        discussion: """
            New sessions get the new limits and the new version of a model; sessions that are open \
            keep theirs. If anything is wrong, nothing changes, and the reason is printed.
            """)

    @OptionGroup var control: ControlArguments

    func run() throws { try control.order(ControlCall(.reload), timeoutMilliseconds: 300_000) }
}

struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Finish and send the frames under way, then end the daemon; as SIGTERM does.")

    @OptionGroup var control: ControlArguments

    func run() throws { try control.order(ControlCall(.drain)) }
}

struct KickCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kick",
        abstract: "End a session, or all sessions of a user; their clients are told.")

    @Argument(help: "Number of a session (`frameloom sessions` lists them), or name of a user.")
    var target: String

    @Flag(help: "The number is a user id.")
    var user = false

    @OptionGroup var control: ControlArguments

    func run() throws {
        let chosen: KickTarget
        if let number = UInt64(target) {
            guard !user else {
                guard let id = UInt32(exactly: number) else {
                    throw ValidationError("\(number) is no user id")
                }
                return try control.order(ControlCall(.kick, target: .user(id)))
            }
            chosen = .session(number)
        } else {
            // The entry is read before anything else can ask for another one: one thread.
            guard let entry = unsafe getpwnam(target) else {
                throw ValidationError("there is no user \(target)")
            }
            chosen = .user(unsafe entry.pointee.pw_uid)
        }
        try control.order(ControlCall(.kick, target: chosen))
    }
}

struct LogLevelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level",
        abstract: "Say from which level on the daemon logs, until its next start.")

    @Argument(help: "trace, debug, info, notice, warning or error.")
    var level: String

    @OptionGroup var control: ControlArguments

    func validate() throws {
        guard ControlCall.levels.contains(level) else {
            throw ValidationError(
                "a level is one of: " + ControlCall.levels.joined(separator: ", "))
        }
    }

    func run() throws { try control.order(ControlCall(.setLogLevel, level: level)) }
}

extension ControlArguments {
    /// Sends an order and prints what was done.
    func order(_ call: ControlCall, timeoutMilliseconds: Int = 5000) throws {
        let client = ControlClient(path: control, timeoutMilliseconds: timeoutMilliseconds)
        guard case .done(let done) = try client.ask(call) else { throw unexpected(call.request) }
        if json { return print(ControlLine.json(of: done)) }
        for line in done.texts { print(printable(line)) }
    }
}
