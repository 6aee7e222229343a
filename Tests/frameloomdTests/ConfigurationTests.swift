// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Testing

@testable import frameloomd

private let defaults = Configuration(
    socket: .init(path: "/run/frameloom/frames.sock", mode: 0o600),
    control: .init(path: "/run/frameloom/control.sock", mode: 0o600),
    models: .init(folder: "/usr/share/frameloom/models"))

/// config/frameloomd.toml with the '#' in front of every key removed.
private func shippedConfiguration() throws -> String {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../config/frameloomd.toml")
    return try String(contentsOf: file, encoding: .utf8)
        .replacing(#/(?m)^# ([a-z_]+ = )/#) { "\($0.1)" }
}

private func configuration(_ text: String) throws -> Configuration {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).toml")
    try text.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    var settings = defaults
    try settings.read(path: file.path())
    return settings
}

private func refusal(_ text: String) -> ConfigurationError? {
    do {
        _ = try configuration(text)
        return nil
    } catch {
        guard case .inFile(_, _, let inner)? = error as? ConfigurationError else {
            return error as? ConfigurationError
        }
        return inner
    }
}

@Suite struct ConfigurationTests {
    @Test func shippedFileStatesEveryKeyWithItsDefault() throws {
        let text = try shippedConfiguration()
        for key in ConfigurationKey.all {
            let name = key.name.split(separator: ".").last ?? ""
            #expect(text.contains("\n\(name) = "), "\(key.name) is not in the file")
        }
        // Another value than the default in the file would show here.
        #expect(try configuration(text) == defaults)
    }

    @Test func keysNotInTheFileStay() throws {
        let settings = try configuration("[limits]\nsessions = 3\n[socket]\nmode = \"0660\"\n")
        var expected = defaults
        expected.limits.sessions = 3
        expected.socket.mode = 0o660
        #expect(settings == expected)
    }

    @Test func commandLineSetsEveryKind() throws {
        var settings = defaults
        for text in [
            "limits.sessions=2", "render.pin=false", "log.level=debug", "socket.mode=0666",
        ] {
            try settings.set(text)
        }
        #expect(settings.limits.sessions == 2)
        #expect(!settings.render.pinsThreads)
        #expect(settings.log.level == "debug")
        #expect(settings.socket.mode == 0o666)
    }

    @Test func suggestsTheKeyThatWasMeant() {
        #expect(
            refusal("[limit]\nsessions = 3\n")
                == .unknownKey("limit.sessions", suggestion: "limits.sessions"))
        #expect(
            refusal("[socket]\npaht = \"/x\"\n")
                == .unknownKey("socket.paht", suggestion: "socket.path"))
        #expect(refusal("zebra = 1\n") == .unknownKey("zebra", suggestion: nil))
    }

    @Test(arguments: [
        ("[limits]\nsessions = 0\n", "'limits.sessions' is 0, allowed is 1 to 4096"),
        ("[limits]\nsessions = \"many\"\n", "'limits.sessions' is the text 'many', but"),
        ("[socket]\nmode = \"999\"\n", "'socket.mode' is '999', but octal"),
        ("[socket]\nmode = 600\n", "'socket.mode' is the number 600, but octal"),
        ("[render]\npin = 1\n", "'render.pin' is the number 1, but true or false"),
        (
            "[render]\nprecision = \"fp64\"\n",
            "'render.precision' is 'fp64', allowed is one of: auto"
        ),
        ("[log]\nlevel = \"loud\"\n", "'log.level' is 'loud', allowed is one of: trace"),
        ("[limits]\nsessions = [1]\n", "line 2, column 12: an array, which no key takes"),
        ("[limits\n", "line 1"),
    ])
    func namesWhatIsWrong(text: String, words: String) {
        let error = refusal(text)
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }

    @Test func everyErrorOfAFileIsToldWithItsLine() {
        let text = """
            # sessions = 1
            [limits]
            sessions = 0  # too few

            [log]
            level = "loud"
            [ socket ]
            mode = 600
            """
        let words = String(describing: refusal(text) ?? .several([]))
        #expect(words.contains("line 3: 'limits.sessions' is 0"), "\(words)")
        #expect(words.contains("line 6: 'log.level' is 'loud'"), "\(words)")
        #expect(words.contains("line 8: 'socket.mode' is the number 600"), "\(words)")
    }

    /// Found by the fuzzer: the library that read TOML ended the program.
    @Test(arguments: ["[\n", "[ ", "[[\n", "[%]\n", "[=\n", "[\u{E9}]\n", "[[ \t#x\n"])
    func aTableWithoutANameIsRefused(text: String) {
        let error = refusal("[limits]\nsessions = 3\n\n" + text)
        guard case .notTOML(_, line: 4, _, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func nothingAfterAZeroByteIsIgnored() {
        let error = refusal("[limits]\nsessions = 3\n\0sessions_per_user = 1\n")
        guard case .notTOML(_, line: 3, column: 1, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        ("socket.path=frames.sock", "'socket.path' is 'frames.sock', it must be an absolute path"),
        ("socket.path=", "'socket.path' is '', it must be an absolute path"),
        (
            "control.path=/" + String(repeating: "x", count: 107),
            "it has 108 bytes, at most 107 are possible"
        ),
        ("socket.owner=nobody-of-this-name", "'socket.owner' is 'nobody-of-this-name'"),
        ("control.group=no-such-group", "'control.group' is 'no-such-group'"),
        ("models.default=../../etc", "'models.default' is '../../etc'"),
        ("models.default=.hidden", "'models.default' is '.hidden'"),
        ("models.folder=/nowhere/models", "'models.folder' is '/nowhere/models'"),
        ("control.path=/run/frameloom/frames.sock", "another path than socket.path"),
    ])
    func whatNoDaemonCouldStartWithIsTold(assignment: String, words: String) throws {
        var settings = defaults
        settings.models.folder = "/tmp"
        #expect(settings.problems() == [])
        try settings.set(assignment)
        let problems = settings.problems().map(\.description)
        #expect(problems.count == 1)
        #expect(problems.first?.contains(words) == true, "\(problems)")
    }

    @Test func missingFileSaysWhy() {
        var settings = defaults
        let error = #expect(throws: ConfigurationError.self) {
            try settings.read(path: "/nowhere/x.toml")
        }
        #expect(error?.description.contains("/nowhere/x.toml: No such file") == true)
    }

    @Test func missingFileIsNamed() {
        var settings = defaults
        #expect(throws: ConfigurationError.self) { try settings.read(path: "/nowhere/x.toml") }
        #expect(throws: ConfigurationError.notAnAssignment("limits.sessions")) {
            try settings.set("limits.sessions")
        }
    }
}
