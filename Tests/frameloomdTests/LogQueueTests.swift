// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc
import Testing

@testable import frameloomd

@Suite struct LogQueueTests {
    @Test func neverWaitsForItsReader() {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let queue = LogQueue(.descriptor(ends[1]), byteLimit: 10_000)
        // Ten times what pipe and queue can hold.
        for number in 0..<10_000 {
            queue.append("line \(number) of a client that fills the log of everybody else")
        }
        #expect(queue.droppedCount > 0)
        queue.flush(milliseconds: 20)
        // What the reader takes later is whole, in order, and says what is missing.
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while !String(decoding: text, as: UTF8.self).contains("log lines dropped") {
            let count = read(ends[0], &chunk, chunk.count)
            guard count > 0 else { break }
            text += chunk.prefix(count)
        }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.first?.hasPrefix("line 0 ") == true)
        // Room that the writer makes meanwhile takes lines again: those after what is missing.
        let numbers = lines.filter { $0.hasPrefix("line ") }.compactMap { line in
            line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        }
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
        #expect(
            lines.dropLast().allSatisfy {
                $0.hasPrefix("line ") || $0.contains("log lines dropped")
            })
    }

    @Test func badDescriptorCostsLinesOnly() {
        let queue = LogQueue(.descriptor(-1))
        queue.append("nobody will read this")
        queue.flush(milliseconds: 5000)
        #expect(queue.droppedCount == 1)
    }

    @Test func oneEventIsOneLine() {
        #expect(LineLogHandler.escaped("a\nb\u{1b}[2J\u{2028}c") == "a\\u{a}b\\u{1b}[2J\\u{2028}c")
        #expect(LineLogHandler.escaped("Grün 512x512") == "Grün 512x512")
    }
}
