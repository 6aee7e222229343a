// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameControl

/// What every question to the daemon has in common.
struct ControlArguments: ParsableArguments {
    @Option(help: "Control socket of the daemon.")
    var control = DefaultPaths.controlSocketToUse

    @Flag(help: "Print JSON.")
    var json = false

    func ask(_ request: ControlRequest) throws -> ControlReply {
        try ControlClient(path: control).ask(request)
    }

    /// The daemon answered another question than was asked.
    func unexpected(_ request: ControlRequest) -> ControlError {
        .notAReply(path: control, detail: "another answer than \(request.rawValue)")
    }
}

struct SessionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "List the open sessions.")

    @OptionGroup var control: ControlArguments

    func run() throws {
        let sessions = try ControlClient(path: control.control).sessions()
        if control.json { return try printResult(ControlLine.json(of: sessions)) }
        try printResult(sessions.isEmpty ? "No session is open." : StatsText.sessions(sessions))
    }
}

struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Say whether the daemon is ready; the exit code is 0 if so, else 1.")

    @OptionGroup var control: ControlArguments

    func run() throws {
        guard case .health(let health) = try control.ask(.health) else {
            throw control.unexpected(.health)
        }
        if control.json {
            try printResult(ControlLine.json(of: health))
        } else if health.ready {
            try printResult("ready, model \(health.model)")
        } else {
            try printResult(
                "not ready: \(health.reason.isEmpty ? "starting" : printable(health.reason))")
        }
        if !health.ready { throw ExitCode.failure }
    }
}

struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "List the models that sessions can ask for.")

    @OptionGroup var control: ControlArguments

    func run() throws {
        guard case .models(let models) = try control.ask(.models) else {
            throw control.unexpected(.models)
        }
        if control.json { return try printResult(ControlLine.json(of: models)) }
        guard !models.isEmpty else { return try printResult("The model folder is empty.") }
        var table = Table([
            "NAME", "STATE", "VERSION", "FAMILY", "PRECISION", "KERNELS", "WEIGHTS", "EMISSIVE",
            "SESSIONS", "LICENCE",
        ])
        for model in models {
            table.add([
                printable(model.name) + (model.isDefault ? " *" : ""), model.state.rawValue,
                printable(model.version), printable(model.family), printable(model.precision),
                printable(model.kernelPath),
                model.weightBytes > 0 ? mebibytes(model.weightBytes) : "",
                model.state != .loaded ? "" : model.readsEmissive ? "read" : "refused",
                "\(model.sessions)", printable(model.licence),
            ])
        }
        try printResult(table.text)
        if models.contains(where: \.isDefault) { try printResult("* default") }
        for model in models where !model.precisionReason.isEmpty {
            try printResult(
                "\(printable(model.name)): \(printable(model.precision)), "
                    + printable(model.precisionReason))
        }
        for model in models where !model.error.isEmpty {
            try printResult("\(printable(model.name)): \(printable(model.error))")
        }
    }
}
