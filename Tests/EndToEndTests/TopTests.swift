// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `frameloom top` on a terminal, which is a pseudo-terminal here.
    @Suite(.daemon(), .timeLimit(.minutes(3))) struct Top {
        private let daemon = SharedDaemon.current!
        private let size = FrameSize(width: 64, height: 64)

        private func startTop(on terminal: PseudoTerminal) throws -> pid_t {
            try terminal.run([
                "/usr/bin/env", "LC_ALL=C.UTF-8", "TERM=xterm", Paths.program("frameloom"), "top",
                "--control", daemon.controlPath, "--interval", "0.2",
            ])
        }

        private func openSession(_ name: String) throws -> EngineClient {
            let client = try EngineClient(daemon.framePath)
            var open = SyntheticFrame.open(size)
            setText(&open.client_name, name)
            try client.open(open)
            _ = try client.render(1, SyntheticFrame(size, index: 0))
            return client
        }

        @Test func showsSessionsAndObeysKeysAndTheWindow() throws {
            let first = try openSession("alpha")
            let second = try openSession("beta")
            let terminal = try PseudoTerminal(width: 80, height: 24)
            let pid = try startTop(on: terminal)
            let screen = try terminal.wait { $0.contains("alpha") && $0.contains("beta") }
            #expect(screen.split(separator: "\r\n", omittingEmptySubsequences: false).count == 24)
            #expect(terminal.output.contains("\u{1B}[?1049h"))
            for line in screen.split(separator: "\r\n") {
                #expect(PseudoTerminal.plain(String(line)).count <= 80)
            }

            terminal.type("/alp\r")
            _ = try terminal.wait { $0.contains("alpha") && !$0.contains("beta") }
            terminal.type("\u{1B}")
            _ = try terminal.wait { $0.contains("beta") }

            // The selected session ends, and only after the question.
            terminal.type("/alp\r")
            _ = try terminal.wait { $0.contains("alpha") && !$0.contains("beta") }
            terminal.type("\u{1B}[B")
            terminal.type("k")
            _ = try terminal.wait { $0.contains("End session") }
            terminal.type("n")
            _ = try terminal.wait { !$0.contains("End session") && $0.contains("alpha") }
            terminal.type("k")
            _ = try terminal.wait { $0.contains("End session") }
            terminal.type("y")
            _ = try terminal.wait { $0.contains("No session matches") }
            terminal.type("\u{1B}")
            _ = try terminal.wait { $0.contains("beta") && !$0.contains("alpha") }

            terminal.resize(width: 120, height: 12)
            let wide = try terminal.wait {
                $0.split(separator: "\r\n", omittingEmptySubsequences: false).count == 12
            }
            #expect(wide.split(separator: "\r\n").contains { $0.count > 80 })

            terminal.type("q")
            #expect(try terminal.waitForExit(of: pid) == 0)
            // The shell's screen, its cursor and its settings are back.
            #expect(terminal.output.hasSuffix("\u{1B}[?25h\u{1B}[?1049l"))
            #expect(terminal.isCooked)
            withExtendedLifetime((first, second)) {}
        }

        @Test func aSignalLeavesTheTerminalAsItWas() throws {
            let terminal = try PseudoTerminal(width: 80, height: 24)
            let pid = try startTop(on: terminal)
            _ = try terminal.wait { $0.contains("No session") }
            #expect(!terminal.isCooked)
            kill(pid, SIGTERM)
            #expect(try terminal.waitForExit(of: pid) == 0)
            #expect(terminal.isCooked)
        }

        @Test func printsLinesWhereThereIsNoTerminal() throws {
            let folder = try TestFolder()
            let client = try openSession("gamma")
            let program = try RunningProgram(
                [
                    Paths.program("frameloom"), "top", "--control", daemon.controlPath, "--count",
                    "2", "--interval", "0.1",
                ], output: folder.path + "/top")
            #expect(try program.waitForExit() == 0)
            let lines = program.output.split(separator: "\n").filter {
                $0.contains("client=gamma")
            }
            #expect(lines.count == 2)
            #expect(!program.output.contains("\u{1B}"))
            withExtendedLifetime(client) {}
        }
    }
}

/// A terminal without a window, and one program in it.
final class PseudoTerminal {
    private let leader: Int32
    private let follower: Int32
    private var bytes: [UInt8] = []
    private var child: pid_t?

    init(width: UInt16, height: UInt16) throws {
        leader = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        // What unlockpt and ptsname do (TIOCSPTLCK, TIOCGPTN); Glibc's module has neither.
        var (isLocked, number) = (Int32(0), UInt32(0))
        guard leader >= 0, ioctl(leader, 0x4004_5431, &isLocked) == 0,
            ioctl(leader, 0x8004_5430, &number) == 0
        else { throw TestFailure("no pseudo-terminal: \(errno)") }
        follower = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        resize(width: width, height: height)
    }

    var output: String { String(decoding: bytes, as: UTF8.self) }

    deinit {
        if let child {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
        }
        close(follower)
        close(leader)
    }

    func resize(width: UInt16, height: UInt16) {
        var size = winsize(ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(leader, UInt(TIOCSWINSZ), &size)
    }

    func run(_ command: [String]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for number in Int32(0)...2 { posix_spawn_file_actions_adddup2(&actions, follower, number) }
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, command[0], &actions, nil, &arguments, environ) == 0 else {
            throw TestFailure("\(command[0]) does not start")
        }
        child = pid
        return pid
    }

    func type(_ keys: String) {
        let bytes = Array(keys.utf8)
        _ = write(leader, bytes, bytes.count)
    }

    /// Waits for a screen, drawn whole, of which this is true.
    func wait(for isSo: (String) -> Bool) throws -> String {
        let end = ContinuousClock.now + .seconds(40)
        var last = ""
        while ContinuousClock.now < end {
            read()
            // Each screen begins at the top left and ends by erasing what is below it.
            let screens = output.components(separatedBy: "\u{1B}[H").filter {
                $0.hasSuffix("\u{1B}[J")
            }
            last = screens.last ?? ""
            if isSo(last) { return last }
        }
        throw TestFailure("never shown; last was:\n\(last)")
    }

    func waitForExit(of pid: pid_t) throws -> Int32 {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            read()
            var word: Int32 = 0
            if waitpid(pid, &word, WNOHANG) == pid {
                child = nil
                read()
                return word & 0x7f == 0 ? (word >> 8) & 0xff : -(word & 0x7f)
            }
        }
        throw TestFailure("it does not end")
    }

    /// Whether a line is handed over when it is complete, as a shell needs it.
    var isCooked: Bool {
        var settings = termios()
        tcgetattr(follower, &settings)
        return settings.c_lflag & tcflag_t(ICANON) != 0 && settings.c_lflag & tcflag_t(ECHO) != 0
    }

    /// Without the sequences that draw.
    static func plain(_ text: String) -> String {
        text.replacing(/\u{1B}\[[0-9;?]*[A-Za-z]/, with: "")
    }

    private func read() {
        var wanted = pollfd(fd: leader, events: Int16(POLLIN), revents: 0)
        while poll(&wanted, 1, 50) > 0, wanted.revents & Int16(POLLIN) != 0 {
            var part = [UInt8](repeating: 0, count: 65_536)
            let count = Glibc.read(leader, &part, part.count)
            guard count > 0 else { return }
            bytes += part.prefix(count)
        }
    }
}
