// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import FoundationEssentials
import FrameClip
import Glibc

/// A program of ours that runs as long as this one wants it.
final class ChildProgram {
    let name: String
    private let pid: pid_t
    /// Read end of its standard output.
    private let output: Int32
    private var status: Int32?

    /// The program of this name beside this one, else in PATH.
    init(_ name: String, _ arguments: [String]) throws {
        self.name = name
        var ends: [Int32] = [0, 0]
        // Two descriptors, as `pipe` writes.
        guard unsafe pipe(&ends) == 0 else {
            throw RunError.program(name, reason: FileBytes.text(ofErrno: errno))
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        output = ends[0]
        defer { close(ends[1]) }
        var actions = unsafe posix_spawn_file_actions_t()
        // `actions` is a local that outlives the spawn, here and below.
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        let path = Self.path(of: name)
        var child: pid_t = 0
        // The strings are ours until they are freed after the call, which copies them.
        var list = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe list.forEach { unsafe free($0) } }
        let code = unsafe posix_spawnp(&child, path, &actions, nil, &list, environ)
        guard code == 0 else {
            close(output)
            throw RunError.program(name, reason: FileBytes.text(ofErrno: code))
        }
        pid = child
    }

    deinit {
        stop()
        close(output)
    }

    private static func path(of name: String) -> String {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        guard let own, let slash = own.lastIndex(of: "/") else { return name }
        let beside = own[...slash] + name
        return FileManager.default.isExecutableFile(atPath: String(beside)) ? String(beside) : name
    }

    /// The next line it prints; nil at the end of its output or after the time.
    func readLine(seconds: Int) -> String? {
        var line: [UInt8] = []
        let end = now() + UInt64(seconds) * 1_000_000_000
        while now() < end {
            var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            // One entry and one byte, locals that outlive the calls.
            guard unsafe poll(&entry, 1, 200) > 0 else { continue }
            var byte: UInt8 = 0
            guard unsafe read(output, &byte, 1) == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    var isRunning: Bool {
        if status == nil {
            var word: Int32 = 0
            // A local that outlives the call.
            if unsafe waitpid(pid, &word, WNOHANG) == pid { status = word }
        }
        return status == nil
    }

    /// Asks it to end and waits up to five seconds, then ends it.
    func stop() {
        guard isRunning else { return }
        kill(pid, SIGTERM)
        for _ in 0..<100 where isRunning { sleep(nanoseconds: 50_000_000) }
        if isRunning {
            kill(pid, SIGKILL)
            while isRunning { sleep(nanoseconds: 10_000_000) }
        }
    }

    /// On a desktop; elsewhere it says what to do.
    static func openInBrowser(_ address: String) {
        let environment = ProcessInfo.processInfo.environment
        guard environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil,
            let opener = try? ChildProgram("xdg-open", [address])
        else {
            return say("No desktop here: open the address above in a browser on this machine.")
        }
        // It hands over to the browser and ends.
        for _ in 0..<50 where opener.isRunning { sleep(nanoseconds: 100_000_000) }
    }
}
