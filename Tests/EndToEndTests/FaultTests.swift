// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import Foundation
import FrameControl
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// What the system refuses or takes away: memory, descriptors, disk, time, a thread.
    @Suite(.timeLimit(.minutes(5))) struct Faults {
        private let size = FrameSize(width: 64, height: 64)

        /// Opens sessions until one is refused.
        private func fill(
            _ daemon: Daemon, _ size: FrameSize
        ) throws -> (sessions: [RawSession], refusal: fl_error) {
            var sessions: [RawSession] = []
            for _ in 0..<40 {
                let session = try RawSession(daemon)
                try session.socket.send(.open(SyntheticFrame.open(size)))
                guard let reply = try session.socket.receive(seconds: 60) else {
                    throw TestFailure("closed without a reason:\n\(daemon.program.output)")
                }
                if UInt32(reply.header.type) == FL_ERROR {
                    return (sessions, reply.body(as: fl_error.self))
                }
                sessions.append(session)
            }
            throw TestFailure("nothing was refused")
        }

        private static let generous = [
            "limits.memory_mib=60000", "limits.memory_per_session_mib=60000",
            "limits.sessions=100", "limits.sessions_per_user=100", "limits.pixels=1000000000",
        ]

        /// Such an open ended the daemon once.
        @Test func anAddressSpaceLimitRefusesByName() throws {
            let daemon = try Daemon(
                Self.generous, launcher: ["/usr/bin/prlimit", "--as=\(3 << 30)"])
            do {
                let (sessions, refusal) = try fill(daemon, FrameSize(width: 2048, height: 2048))
                #expect(refusal.code == FL_ERROR_LIMIT_MEMORY)
                #expect(text(refusal.field).hasPrefix("limits.memory"))
                withExtendedLifetime(sessions) {}
            }
            try daemon.waitUntilUnused()
            try daemon.expectGoodService()
        }

        /// With such a limit the kernel kills: the plan must stay below it, and what is planned may be
        /// touched.
        @Test(.enabled("no cgroup can be made here") { ControlGroup.isWritable })
        func aControlGroupLimitRefusesByNameAndNobodyIsKilled() throws {
            let group = try ControlGroup(memory: 700 << 20)
            let daemon = try Daemon(Self.generous, launcher: group.launcher)
            #expect(try daemon.stats().daemon.memoryLimitBytes <= 700 << 20)
            let wide = FrameSize(width: 1024, height: 1024)
            let (sessions, refusal) = try fill(daemon, wide)
            #expect(!sessions.isEmpty)
            #expect(refusal.code == FL_ERROR_LIMIT_MEMORY)
            // They use all that was granted to them.
            var frame = SyntheticFrame(size, index: 0)
            frame.planes = [4, 3, 2, 1, 1].map {
                [UInt8](repeating: 130, count: wide.pixelCount * $0)
            }
            for session in sessions { _ = try session.render(1, frame) }
            #expect(daemon.program.exitStatus() == nil, "\(daemon.program.output)")
        }

        @Test func descriptorsRunOutForClientsAndNotForTheOperator() throws {
            let daemon = try Daemon(
                ["limits.connections=1000"],
                launcher: ["/usr/bin/prlimit", "--nofile=160:160"])
            let before = try FileManager.default.contentsOfDirectory(
                atPath: "/proc/\(daemon.program.pid)/fd"
            ).count
            var held: [UnixSocket] = []
            for _ in 0..<300 {
                guard let socket = try? UnixSocket.connected(to: daemon.framePath) else { break }
                held.append(socket)
            }
            #expect(held.count > 60)
            for _ in 0..<5 { #expect(try daemon.health().ready) }
            // The last of them is told why.
            let told = try RawSession(daemon)
            #expect(try told.error().code == FL_ERROR_LIMIT_IDENTITY)
            held = []
            let end = ContinuousClock.now + .seconds(30)
            while try daemon.stats().daemon.connections > 0 {
                try #require(ContinuousClock.now < end)
                usleep(50_000)
            }
            try daemon.expectGoodService()
            let after = try FileManager.default.contentsOfDirectory(
                atPath: "/proc/\(daemon.program.pid)/fd"
            ).count
            #expect(after <= before + 2, "\(before) descriptors, then \(after)")
        }

        /// A folder on a disk that is full soon.
        @Test(
            .enabled("no file system can be mounted here") { SmallDisk.isPossible },
            arguments: ["record", "snapshot"])
        func aFullDiskEndsARecordingOrSnapshotAndNothingElse(what: String) throws {
            let daemon = try Daemon()
            let client = try EngineClient(daemon.framePath)
            let wide = FrameSize(width: 256, height: 256)
            let opened = try client.open(SyntheticFrame.open(wide))
            let disk = try TestFolder()
            let words =
                what == "record"
                ? [what, disk.path + "/clip", "--fps", "60"]
                : [what, "\(opened.session_id)", disk.path + "/sheet.png"]
            let recording = try RunningProgram(
                SmallDisk.launcher(at: disk.path, kibibytes: what == "record" ? 64 : 4)
                    + [Paths.program("frameloom")] + words
                    + ["--control", daemon.controlPath], output: daemon.folder.path + "/\(what)")
            var id: UInt64 = 0
            let end = ContinuousClock.now + .seconds(60)
            while recording.exitStatus() == nil {
                try #require(ContinuousClock.now < end, "\(recording.output)")
                id += 1
                _ = try client.render(id, SyntheticFrame(wide, index: Int(id)))
                usleep(20_000)
            }
            #expect(recording.exitStatus() ?? 0 > 0, "\(recording.output)")
            #expect(recording.output.contains("No space left"), "\(recording.output)")
            _ = try client.render(id + 1, SyntheticFrame(wide, index: 1))
            try daemon.expectGoodService()
        }

        /// Who is stopped with its machine must not find its session closed as idle or unopened.
        @Test func timeInWhichTheDaemonStoodCountsAgainstNobody() throws {
            let daemon = try Daemon(
                ["limits.idle_seconds=4", "limits.open_seconds=4", "limits.slow_reader_seconds=4"])
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            _ = try session.render(1, SyntheticFrame(size, index: 0))
            let unopened = try RawSession(daemon)
            daemon.program.signal(SIGSTOP)
            usleep(6_000_000)
            daemon.program.signal(SIGCONT)
            #expect(try session.render(2, SyntheticFrame(size, index: 1)).frameID == 2)
            _ = try unopened.open(SyntheticFrame.open(size))
            // The log is written by a thread of its own.
            let end = ContinuousClock.now + .seconds(20)
            let words = "did not run for a while"
            while !daemon.program.output.contains(words), ContinuousClock.now < end {
                usleep(20_000)
            }
            #expect(daemon.program.output.contains(words))
            // Its own silence still counts.
            #expect(try session.error().code == FL_ERROR_IDLE)
        }

        /// One render thread of a running frame is frozen: the service manager hears nothing more until
        /// it goes on.
        @Test(.enabled("no thread can be frozen here") { ThreadFreezer.isPossible })
        func aRenderThreadThatStandsIsToldByTheWatchdog() throws {
            let folder = try TestFolder()
            let notify = try NotifySocket(at: folder.path + "/notify")
            let daemon = try Daemon(
                [], in: folder,
                launcher: [
                    "/usr/bin/env", "NOTIFY_SOCKET=\(folder.path)/notify",
                    "WATCHDOG_USEC=20000000",
                ])
            let wide = FrameSize(width: 1024, height: 1024)
            let session = try RawSession(daemon, SyntheticFrame.open(wide))
            var frame = SyntheticFrame(size, index: 0)
            frame.planes = [4, 3, 2, 1, 1].map {
                [UInt8](repeating: 130, count: wide.pixelCount * $0)
            }
            let freezer = try ThreadFreezer()
            try session.send(1, frame)
            // The thread that computes most is one that renders.
            usleep(100_000)
            try freezer.freeze(busiestThreadOf: daemon.program.pid)
            usleep(7_000_000)
            _ = notify.messages()
            usleep(1_500_000)
            let quiet = notify.messages().filter { $0.contains("WATCHDOG=1") }
            #expect(quiet.isEmpty, "\(quiet.count) signs of life of a daemon that hangs")
            // The loop is not what hangs.
            #expect(try daemon.health().live)
            try freezer.thaw()
            #expect(try session.picture().frameID == 1)
            let end = ContinuousClock.now + .seconds(20)
            while !notify.messages().contains(where: { $0.contains("WATCHDOG=1") }) {
                try #require(ContinuousClock.now < end)
                usleep(50_000)
            }
            try daemon.expectGoodService()
        }
    }
}

/// A memory cgroup of a test, of version 2 or 1.
private final class ControlGroup: Sendable {
    private let path: String

    private static let (root, limitName) =
        access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0
        ? ("/sys/fs/cgroup", "memory.max")
        : ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")

    static let isWritable: Bool = (try? ControlGroup(memory: 1 << 30)) != nil

    init(memory byteCount: Int) throws {
        path = "\(Self.root)/frameloom-test-\(UInt32.random(in: 0 ... .max))"
        guard mkdir(path, 0o755) == 0 else { throw TestFailure("mkdir \(path): \(errno)") }
        do {
            try "\(byteCount)".write(
                toFile: "\(path)/\(Self.limitName)", atomically: false, encoding: .utf8)
        } catch {
            rmdir(path)
            throw error
        }
    }

    deinit {
        // The last member may still be on its way out.
        for _ in 0..<100 where rmdir(path) != 0 { usleep(20_000) }
    }

    var launcher: [String] {
        ["/bin/sh", "-c", "echo $$ > \(path)/cgroup.procs && exec \"$@\"", "launcher"]
    }
}

/// A disk of 64 KiB in a name space of its own, as root.
private enum SmallDisk {
    static func launcher(at path: String, kibibytes: Int = 64) -> [String] {
        [
            "/usr/bin/unshare", "--mount", "/bin/sh", "-c",
            "mount -t tmpfs -o size=\(kibibytes)k tmpfs \(path) && exec \"$@\"", "launcher",
        ]
    }

    static let isPossible: Bool = {
        guard let folder = try? TestFolder(),
            let program = try? RunningProgram(
                launcher(at: folder.path) + ["/bin/true"], output: "/dev/null")
        else { return false }
        return (try? program.waitForExit()) == 0
    }()
}

/// Stops single threads, by the freezer of cgroups of version 1.
private final class ThreadFreezer {
    private static let root = "/sys/fs/cgroup/freezer"
    private let path: String

    static let isPossible: Bool = (try? ThreadFreezer()) != nil

    init() throws {
        path = "\(Self.root)/frameloom-test-\(UInt32.random(in: 0 ... .max))"
        guard access("\(Self.root)/tasks", W_OK) == 0, mkdir(path, 0o755) == 0 else {
            throw TestFailure("no freezer")
        }
    }

    deinit {
        try? thaw()
        for task in (try? read("tasks"))?.split(separator: "\n") ?? [] {
            try? "\(task)".write(toFile: "\(Self.root)/tasks", atomically: false, encoding: .utf8)
        }
        for _ in 0..<100 where rmdir(path) != 0 { usleep(20_000) }
    }

    private func read(_ name: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
    }

    private func write(_ text: String, to name: String) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
    }

    func freeze(busiestThreadOf process: pid_t) throws {
        let folder = "/proc/\(process)/task"
        func ticks(_ thread: String) -> Int {
            let text = (try? String(contentsOfFile: "\(folder)/\(thread)/stat", encoding: .utf8))
            // After the name in parentheses: utime and stime are the 12th and 13th.
            let fields = text?.split(separator: ")").last?.split(separator: " ") ?? []
            return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
        }
        // The first thread read the model and runs the loop.
        let threads = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0 != "\(process)" }
        let busiest = try #require(threads.max { ticks($0) < ticks($1) })
        try write(busiest, to: "tasks")
        try write("FROZEN", to: "freezer.state")
    }

    func thaw() throws { try write("THAWED", to: "freezer.state") }
}
