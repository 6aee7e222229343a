// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FoundationEssentials
import FrameControl

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what is wrong with the planes and cameras of a clip or of a live session.",
        discussion: """
            Upside down, other axes, other units, a camera of another frame and so on: a verdict a \
            line, with evidence and remedy. Name a clip's folder or the number of a session (see \
            `frameloom sessions`). The exit code is 1 if something is wrong.
            """)

    @Argument(help: "Folder of a clip, or the number of a session.")
    var clipOrSession: String

    @OptionGroup var statements: ClipStatements

    @Option(help: "The model whose training tells what colors and roughnesses are usual.")
    var model = ""

    @Option(help: "Folder of the models; by default ./Models, then the installed ones.")
    var models: String?

    @Option(help: "Control socket of the daemon.")
    var control = DefaultPaths.controlSocketToUse

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let report: ExaminationReport
        if let session = UInt64(clipOrSession),
            !FileManager.default.fileExists(atPath: clipOrSession)
        {
            report = try examine(session: session)
        } else {
            let folder = models ?? DefaultPaths.modelFolder
            report = ExaminationReport(
                try ClipExamination.doctor(
                    for: try statements.read(clipOrSession), model: model, in: folder))
        }
        print(json ? ControlLine.json(of: report) : report.text)
        if report.finding != nil { throw ExitCode.failure }
    }

    private func examine(session: UInt64) throws -> ExaminationReport {
        let sessions = try ControlClient(path: control).sessions()
        guard let found = sessions.first(where: { $0.id == session }) else {
            throw ValidationError("no session \(session) is open; `frameloom sessions` lists them")
        }
        guard let report = found.examination else {
            throw ValidationError("the daemon has not looked at a frame of session \(session) yet")
        }
        return report
    }
}
