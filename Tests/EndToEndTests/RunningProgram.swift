// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Glibc
import Synchronization

/// A child process, never left behind: it is killed with its last reference and at exit.
final class RunningProgram: Sendable {
    let pid: pid_t
    private let outputPath: String
    private let errorsPath: String
    private let status = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - output: file for standard output.
    ///   - errors: file for standard error, if another one.
    ///   - descriptor: handed to the child as number 3, as systemd does with a socket.
    init(
        _ command: [String], output: String, errors: String? = nil,
        passing descriptor: Int32? = nil
    ) throws {
        outputPath = output
        errorsPath = errors ?? output
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        if let errors {
            posix_spawn_file_actions_addopen(
                &actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        if let descriptor { posix_spawn_file_actions_adddup2(&actions, descriptor, 3) }

        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        let error = posix_spawn(&child, command[0], &actions, nil, &arguments, environ)
        guard error == 0 else {
            throw TestFailure("\(command[0]): \(String(cString: strerror(error)))")
        }
        pid = child
        Leftovers.add(child)
    }

    deinit { kill() }

    /// Everything it has printed.
    var output: String { Self.text(of: outputPath) }
    var errors: String { Self.text(of: errorsPath) }

    private static func text(of path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    /// nil while it runs; negative: the signal that ended it.
    func exitStatus() -> Int32? {
        status.withLock { status in
            if status == nil {
                var word: Int32 = 0
                if waitpid(pid, &word, WNOHANG) == pid {
                    let signal = word & 0x7f
                    status = signal == 0 ? (word >> 8) & 0xff : -signal
                    Leftovers.remove(pid)
                }
            }
            return status
        }
    }

    func signal(_ number: Int32) {
        if exitStatus() == nil { Glibc.kill(pid, number) }
    }

    /// - Returns: the exit status.
    func waitForExit(seconds: Double = 30) throws -> Int32 {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if let status = exitStatus() { return status }
            usleep(5_000)
        }
        throw TestFailure("process \(pid) does not end:\n\(output)")
    }

    /// At once, and waits for it.
    func kill() {
        signal(SIGKILL)
        _ = try? waitForExit()
    }
}

/// Children that run when the test run ends, however it ends short of a crash.
private enum Leftovers {
    private static let running = Mutex<Set<pid_t>>([])

    static func add(_ pid: pid_t) {
        _ = killAtExit
        running.withLock { _ = $0.insert(pid) }
    }

    static func remove(_ pid: pid_t) {
        running.withLock { _ = $0.remove(pid) }
    }

    private static let killAtExit: Void = {
        atexit { Leftovers.running.withLock { for pid in $0 { Glibc.kill(pid, SIGKILL) } } }
    }()
}
