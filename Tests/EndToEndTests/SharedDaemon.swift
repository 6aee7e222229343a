// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import TestSupport
import Testing

/// All tests against the real programs: one after the other, since each wants the whole machine.
@Suite(.serialized) enum EndToEnd {}

/// Runs one daemon for all tests of a suite.
struct SharedDaemon: SuiteTrait, TestScoping {
    var settings: [String]
    var isRecursive: Bool { false }

    @TaskLocal static var current: Daemon?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let daemon = try Daemon(settings)
        try await Self.$current.withValue(daemon) { try await function() }
        daemon.program.kill()
    }
}

extension Trait where Self == SharedDaemon {
    /// - Parameter settings: as `--set` takes them.
    static func daemon(_ settings: String...) -> SharedDaemon { SharedDaemon(settings: settings) }
}

/// The suite's daemon.
func sharedDaemon() throws -> Daemon { try #require(SharedDaemon.current) }
