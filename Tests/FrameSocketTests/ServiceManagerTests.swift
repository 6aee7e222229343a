// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc
import Testing

@testable import FrameSocket

@Suite struct LineReaderTests {
    @Test func linesAreCutWhereverTheBytesAreSplit() throws {
        let text = "{\"a\":1}\n\nzwei\r\n\u{1F5BC}\n"
        let bytes = Array(text.utf8)
        for split in 0...bytes.count {
            var reader = LineReader()
            let lines =
                try reader.append(Array(bytes[..<split])) + reader.append(Array(bytes[split...]))
            #expect(lines == ["{\"a\":1}", "", "zwei", "\u{1F5BC}"])
        }
    }

    @Test func restWithoutAnEndIsKept() throws {
        var reader = LineReader()
        #expect(try reader.append(Array("half".utf8)).isEmpty)
        #expect(try reader.append(Array(" and half\nmore".utf8)) == ["half and half"])
        #expect(try reader.append([10]) == ["more"])
    }

    @Test func lineLongerThanTheLimitIsRefused() throws {
        var reader = LineReader(limit: 8)
        #expect(try reader.append(Array("12345678\n".utf8)) == ["12345678"])
        #expect(throws: SocketError.lineTooLong(limit: 8)) {
            try reader.append(Array("123456789\n".utf8))
        }
        var slow = LineReader(limit: 8)
        #expect(try slow.append(Array("12345678".utf8)).isEmpty)
        #expect(throws: SocketError.lineTooLong(limit: 8)) { try slow.append([0x39]) }
    }

    @Test func brokenTextDoesNotTrap() throws {
        var reader = LineReader()
        #expect(try reader.append([0xFF, 0xC3, 0x28, 0x0A]).count == 1)
    }
}

@Suite struct ServiceManagerTests {
    private static func receiver(_ path: String) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        #expect(withAddress(path, { bind(descriptor, $0, $1) }) == 0)
        return descriptor
    }

    private static func message(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    @Test(arguments: [false, true]) func reportsReachTheManager(isAbstract: Bool) {
        let folder = TemporaryFolder()
        let path = isAbstract ? "@frameloom-test-\(getpid())" : folder.path + "/notify"
        let descriptor = Self.receiver(path)
        let manager = ServiceManager(variables: ["NOTIFY_SOCKET": path])
        #expect(manager.isPresent)
        manager.ready(status: "serving")
        #expect(Self.message(descriptor) == "READY=1\nSTATUS=serving")
        manager.status("2 sessions")
        #expect(Self.message(descriptor) == "STATUS=2 sessions")
        manager.watchdog()
        #expect(Self.message(descriptor) == "WATCHDOG=1")
        manager.stopping()
        #expect(Self.message(descriptor) == "STOPPING=1")
        close(descriptor)
        manager.watchdog()
    }

    @Test func withoutAManagerNothingHappens() {
        let manager = ServiceManager(variables: [:])
        #expect(!manager.isPresent)
        #expect(manager.sockets.isEmpty)
        #expect(manager.watchdogTime == nil)
        manager.ready(status: "")
        #expect(!ServiceManager(variables: ["NOTIFY_SOCKET": "vsock:2:1234"]).isPresent)
    }

    @Test func socketsAreNamedInOrder() {
        let manager = ServiceManager(
            variables: [
                "LISTEN_FDS": "3", "LISTEN_PID": "77", "LISTEN_FDNAMES": "frames:control",
            ], processID: 77)
        #expect(manager.sockets.map(\.descriptor) == [3, 4, 5])
        #expect(manager.sockets.map(\.name) == ["frames", "control", ""])
    }

    @Test(arguments: [
        ["LISTEN_FDS": "1", "LISTEN_PID": "78"], ["LISTEN_FDS": "1"],
        ["LISTEN_FDS": "-1", "LISTEN_PID": "77"], ["LISTEN_FDS": "x", "LISTEN_PID": "77"],
        ["LISTEN_FDS": "99999999", "LISTEN_PID": "77"], ["LISTEN_PID": "77"],
    ]) func socketsForOthersOrBrokenCountsAreNotTaken(variables: [String: String]) {
        #expect(ServiceManager(variables: variables, processID: 77).sockets.isEmpty)
    }

    @Test func watchdogTimeIsForThisProcessOnly() {
        func time(_ variables: [String: String]) -> UInt64? {
            ServiceManager(variables: variables, processID: 77).watchdogTime
        }
        #expect(time(["WATCHDOG_USEC": "30000000"]) == 30_000_000_000)
        #expect(time(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "77"]) == 30_000_000_000)
        #expect(time(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "78"]) == nil)
        #expect(time(["WATCHDOG_USEC": "0"]) == nil)
        #expect(time(["WATCHDOG_USEC": "18446744073709551615"]) == nil)
    }

    /// In a process of its own: the environment has no lock.
    @Test func environmentIsReadOnceAndCleared() async {
        await #expect(processExitsWith: .success) {
            setenv("LISTEN_FDS", "2", 1)
            setenv("LISTEN_PID", "\(getpid())", 1)
            setenv("NOTIFY_SOCKET", "/run/notify", 1)
            let first = ServiceManager.take()
            let second = ServiceManager.take()
            let isRight =
                first.sockets.count == 2 && first.isPresent && second.sockets.isEmpty
                && !second.isPresent && getenv("LISTEN_FDS") == nil
            exit(isRight ? 0 : 1)
        }
    }

    /// In a process of its own: all three settings are the process's.
    @Test func preparedProcessHearsSignalsAndHasItsDescriptors() async {
        await #expect(processExitsWith: .success) {
            var mask = sigset_t()
            sigemptyset(&mask)
            sigaddset(&mask, SIGTERM)
            sigprocmask(SIG_BLOCK, &mask, nil)
            ProcessSetup.prepare()
            sigprocmask(SIG_BLOCK, nil, &mask)
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            // Kills a process that does not ignore it.
            raise(SIGPIPE)
            exit(sigismember(&mask, SIGTERM) == 0 && limit.rlim_cur == limit.rlim_max ? 0 : 1)
        }
    }
}
