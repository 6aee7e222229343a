// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation

/// Files with bytes changed, cut and repeated, for readers that must read or refuse them: never a
/// crash, a hang or memory without bound.
package enum Mutation {
    /// Files of each kind that a test tries; `FRAMELOOM_MUTATIONS=1000000` asks for more.
    package static let count =
        ProcessInfo.processInfo.environment["FRAMELOOM_MUTATIONS"].flatMap(Int.init) ?? 3000

    package static func of(_ source: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = source
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes.removeSubrange(at..<min(bytes.count, at + 7))
            case 3: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 9)], at: at)
            default: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][Int.random(in: 0..<5, using: &random)]
            }
        }
        return bytes
    }

    /// Changes inside of a text alone: numbers become other numbers, words other words, so that more
    /// of what lies behind the parser is reached than by changing bytes.
    package static func ofText(_ source: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        let numbers = [
            "0", "-1", "1e999", "9223372036854775807", "0.5", "4294967296", "null", "[]",
        ]
        var bytes = source
        for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            let isDigit = { (byte: UInt8) in (48...57).contains(byte) }
            guard let start = bytes[at...].firstIndex(where: isDigit) else {
                bytes[at] = UInt8.random(in: 32...126, using: &random)
                continue
            }
            let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
            let number = numbers[Int.random(in: 0..<numbers.count, using: &random)]
            bytes.replaceSubrange(start..<end, with: number.utf8)
        }
        return bytes
    }
}
