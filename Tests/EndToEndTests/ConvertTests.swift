// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import TestSupport
import Testing

/// `frameloom convert` becomes the converter of the training tools, whose own tests judge what it makes.
@Suite(.timeLimit(.minutes(1))) struct ConvertTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func run(python: String, _ arguments: String...) throws -> (Int32, String, String) {
        let program = try RunningProgram(
            ["/usr/bin/env", "FRAMELOOM_PYTHON=\(python)", Paths.program("frameloom"), "convert"]
                + arguments, output: folder.path + "/output", errors: folder.path + "/errors")
        let code = try program.waitForExit(seconds: 30)
        return (code, program.output, program.errors)
    }

    @Test func everyArgumentReachesTheConverter() throws {
        let (code, output, errors) = try run(
            python: "/bin/echo", "exr", "out", "--plane", "depth=d.*.exr:Z", "--help")
        #expect(code == 0, "\(errors)")
        let words = output.split(whereSeparator: \.isWhitespace).map(String.init)
        let tool = try #require(words.first)
        #expect(tool.hasSuffix("/training/convert.py"))
        #expect(FileManager.default.fileExists(atPath: tool))
        #expect(words.dropFirst() == ["exr", "out", "--plane", "depth=d.*.exr:Z", "--help"])
    }

    @Test func aFailureOfTheConverterIsOurs() throws {
        #expect(try run(python: "/bin/false", "exr").0 == 1)
    }

    @Test func aMissingInterpreterIsNamed() throws {
        let (code, _, errors) = try run(python: "/nowhere/python", "exr")
        #expect(code == 1)
        #expect(errors.contains("/nowhere/python: No such file or directory"), "\(errors)")
    }
}
