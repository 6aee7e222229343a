// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Nobody who reads the log badly, or not at all, stops the daemon.
    @Suite(.timeLimit(.minutes(3))) struct Logs {
        /// Sends `exec "$@"` of a shell's words to the daemon's standard error.
        private func launcher(_ redirection: String) -> [String] {
            ["/bin/sh", "-c", "exec \"$@\" \(redirection)", "launcher"]
        }

        /// Each of these is refused and leaves lines in the log.
        private func misbehave(_ daemon: Daemon, times: Int) throws {
            for _ in 0..<times {
                let socket = try UnixSocket.connected(to: daemon.framePath)
                try socket.write([UInt8](repeating: 0x41, count: 32))
            }
        }

        @Test func anUnreadLogStopsNothing() throws {
            let folder = try TestFolder()
            let listening = try UnixSocket.listening(at: folder.path + "/log")
            let unread = try UnixSocket.connected(to: folder.path + "/log")
            unread.shrinkBuffers()
            let daemon = try Daemon(
                unready: ["log.level=debug"], in: folder, launcher: launcher("1>&3 2>&3"),
                listening: unread)
            try daemon.waitUntilReady()
            try misbehave(daemon, times: 2500)
            let stats = try daemon.stats().daemon
            #expect(stats.logLinesDropped > 0)
            #expect(stats.sessionsRefused > 0)
            try daemon.expectGoodService()
            daemon.program.signal(SIGTERM)
            #expect(try daemon.program.waitForExit() == 0)
            withExtendedLifetime(listening) {}
        }

        @Test(arguments: ["2>&-", "0<&- 1>&- 2>&-"])
        func closedDescriptorsAreNoError(redirection: String) throws {
            let daemon = try Daemon(unready: [], launcher: launcher(redirection))
            try daemon.waitUntilReady()
            try misbehave(daemon, times: 20)
            try daemon.expectGoodService()
            daemon.program.signal(SIGTERM)
            #expect(try daemon.program.waitForExit() == 0)
        }

        @Test func aFullDiskStopsNothing() throws {
            let daemon = try Daemon(unready: [], launcher: launcher("2>/dev/full"))
            try daemon.waitUntilReady()
            try misbehave(daemon, times: 20)
            try daemon.expectGoodService()
            #expect(try daemon.stats().daemon.logLinesDropped > 0)
        }
    }
}
