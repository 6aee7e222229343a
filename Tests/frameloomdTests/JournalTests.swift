// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Glibc
import Logging
import Testing

@testable import frameloomd

@Suite struct JournalTests {
    /// A datagram socket in a folder of its own, in place of systemd's.
    private final class Receiver {
        let folder =
            FileManager.default.temporaryDirectory.path
            + "/frameloom-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let descriptor: Int32
        var path: String { folder + "/socket" }

        init() throws {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array((folder + "/socket").utf8)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let status = withUnsafeBytes(of: &address) {
                bind(
                    descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                    socklen_t(MemoryLayout<sockaddr_un>.size))
            }
            #expect(status == 0)
        }

        deinit {
            close(descriptor)
            try? FileManager.default.removeItem(atPath: folder)
        }

        func next() -> [String] {
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, 20_000) == 1 else { return [] }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
    }

    @Test func wordsOfALineAreFields() throws {
        let receiver = try Receiver()
        let queue = LogQueue(.journal(path: receiver.path))
        let level = LogLevel(.info)
        var logger = Logger(label: "frameloomd") { label in
            LineLogHandler(label: label, level: level, queue: queue)
        }
        logger.warning(
            "doctor", metadata: ["session": "3", "user": "1000", "says": "normals\nPRIORITY=0"])
        let entry = receiver.next()
        #expect(entry.contains("PRIORITY=4"))
        #expect(entry.contains("SYSLOG_IDENTIFIER=frameloomd"))
        #expect(entry.contains("SESSION=3") && entry.contains("USER=1000"))
        // A client's text makes no field.
        #expect(!entry.contains("PRIORITY=0"))
        #expect(entry.count { $0.hasPrefix("PRIORITY=") } == 1)
        #expect(entry.contains { $0.hasPrefix("MESSAGE=doctor says=") })

        logger.debug("not this")
        level.value = .debug
        logger.debug("but this")
        #expect(receiver.next().contains("MESSAGE=but this"))
        // The level is one for all, also when it is set through a logger.
        logger.logLevel = .error
        #expect(level.value == .error)
        queue.flush(milliseconds: 5000)
        #expect(queue.droppedCount == 0)
    }

    @Test func aJournalThatIsAwayCostsEntriesOnly() {
        let queue = LogQueue(.journal(path: "/nonexistent/socket"))
        queue.append(Journal.entry(level: .info, message: "lost", fields: []))
        queue.flush(milliseconds: 5000)
        #expect(queue.droppedCount == 1)
    }

    @Test func itIsUsedOnlyWhereStandardErrorIsTheJournal() {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        var status = stat()
        #expect(fstat(ends[1], &status) == 0)
        let ours = ["JOURNAL_STREAM": "\(status.st_dev):\(status.st_ino)"]
        #expect(Journal.reads(ends[1], environment: ours))
        #expect(!Journal.reads(ends[1], environment: ["JOURNAL_STREAM": "1:2"]))
        #expect(!Journal.reads(ends[1], environment: [:]))
        #expect(!Journal.reads(-1, environment: ours))
        for end in ends { close(end) }
    }

    @Test func manyEventsAreCountedInsteadOfLogged() {
        var limiter = LogLimiter()
        var admitted: [UInt64] = []
        for second in UInt64(0)..<25 {
            if let leftOut = limiter.admit(now: second * 1_000_000_000) { admitted.append(leftOut) }
        }
        // Three in each ten seconds; the first of the next ones say how many were left out.
        #expect(admitted == [0, 0, 0, 7, 0, 0, 7, 0, 0])
    }
}
