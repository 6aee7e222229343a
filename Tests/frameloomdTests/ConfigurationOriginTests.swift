// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Testing

@testable import frameloomd

@Suite struct ConfigurationOriginTests {
    @Test func eachKeyKnowsWhereItsValueCameFrom() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).toml")
        try "# ours\n[limits]\nsessions = 3\nviewers = 2\n[socket]\npath = \"/srv/f/frames.sock\"\n"
            .write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let path = file.path()
        let origins = ConfigurationOrigin.all(
            file: path, assignments: ["limits.viewers=1", "log.level=debug"],
            environment: ["FRAMELOOM_SOCKET": "/tmp/s"])
        #expect(origins.count == ConfigurationKey.all.count)
        #expect(origins["limits.sessions"] == .file(path: path, line: 3))
        // The command line wins over the file, the file over the environment.
        #expect(origins["limits.viewers"] == .commandLine)
        #expect(origins["log.level"] == .commandLine)
        #expect(origins["socket.path"] == .file(path: path, line: 6))
        #expect(origins["control.path"] == .follows("socket.path"))
        #expect(origins["render.threads"] == .standard)
        #expect(
            ConfigurationOrigin.all(
                file: nil, assignments: [], environment: ["FRAMELOOM_CONTROL": "/tmp/c"])[
                    "control.path"] == .environment("FRAMELOOM_CONTROL"))
    }
}
