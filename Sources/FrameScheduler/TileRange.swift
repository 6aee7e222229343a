// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Where a thread takes its tiles from.
enum TileSide: Sendable {
    case front, back
}

/// The tiles of a step that nobody has claimed, in one word for one atomic exchange.
struct TileRange: Equatable {
    var first: UInt32
    var end: UInt32

    init(first: UInt32, end: UInt32) {
        self.first = first
        self.end = end
    }

    init(word: UInt64) {
        first = UInt32(truncatingIfNeeded: word)
        end = UInt32(truncatingIfNeeded: word >> 32)
    }

    var word: UInt64 { UInt64(end) << 32 | UInt64(first) }
    var isEmpty: Bool { first == end }

    mutating func take(from side: TileSide) -> Int? {
        if isEmpty { return nil }
        switch side {
        case .front:
            first += 1
            return Int(first - 1)
        case .back:
            end -= 1
            return Int(end)
        }
    }
}
