// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameTypes
import TestSupport
import Testing

extension EndToEnd {
    /// The system's time is set while frames are rendered, as a clock that was wrong at boot is.
    @Suite(.timeLimit(.minutes(2))) struct Clocks {
        private let size = FrameSize(width: 96, height: 64)

        /// Gives one program another time, from a file (Debian's libfaketime).
        private static let library: String? = [
            "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
            "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
        ].first { FileManager.default.fileExists(atPath: $0) }

        private func pictures(_ daemon: Daemon, before: (Int) throws -> Void) throws -> [[UInt8]] {
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            return try (0..<4).map { index in
                try before(index)
                let picture = try session.render(
                    UInt64(index) + 1, SyntheticFrame(size, index: index))
                #expect(picture.usedHistory == (index > 0), "frame \(index)")
                return picture.pixels
            }
        }

        @Test(.enabled("libfaketime is not installed") { library != nil })
        func aClockThatJumpsEndsNothing() throws {
            let folder = try TestFolder()
            let clock = folder.path + "/clock"
            func set(_ offset: String) throws {
                try Data("\(offset)\n".utf8).write(to: URL(filePath: clock))
            }
            try set("+0")
            let daemon = try Daemon(
                // Times that a jump would be many times over.
                ["limits.idle_seconds=20", "limits.control_idle_seconds=20", "log.level=debug"],
                in: folder,
                launcher: [
                    "/usr/bin/env", "LD_PRELOAD=\(try #require(Self.library))",
                    "FAKETIME_TIMESTAMP_FILE=\(clock)", "FAKETIME_NO_CACHE=1",
                    "DONT_FAKE_MONOTONIC=1",
                    // The first program under the library gets a changed environment, from which
                    // Swift would not find its arguments.
                    "/usr/bin/env",
                ])
            let jumped = try pictures(daemon) { index in
                try set(["+0", "+3650d", "-3650d", "+0"][index])
                // Longer than the loop needs to look for idle sessions.
                usleep(1_500_000)
                #expect(try daemon.health().ready)
                _ = try RawSession(daemon)  // which the log tells
            }
            #expect(try jumped == pictures(Daemon()) { _ in })
            // The jumps were real: lines of the log have the years.
            let years = Set(
                daemon.program.output.split(separator: "\n").compactMap { Int($0.prefix(4)) })
            #expect(years.count >= 2, "\(years)")
            #expect(try daemon.stats().daemon.uptimeNs < 120_000_000_000)
        }
    }
}
