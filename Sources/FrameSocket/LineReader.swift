// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Cuts a stream of bytes into lines of limited length.
package struct LineReader: Sendable {
    /// Bytes of a line without its end.
    package let limit: Int
    private var rest: [UInt8] = []

    package init(limit: Int = 64 << 10) {
        self.limit = limit
    }

    /// - Returns: the lines that end in `bytes`, without "\n" or "\r\n"; broken UTF-8 is repaired.
    /// - Throws: `SocketError.lineTooLong`, before more than `limit` bytes are kept.
    package mutating func append(_ bytes: [UInt8]) throws(SocketError) -> [String] {
        var lines: [String] = []
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            try take(bytes[start..<end])
            if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
            lines.append(String(decoding: rest, as: UTF8.self))
            rest.removeAll(keepingCapacity: true)
            start = end + 1
        }
        try take(bytes[start...])
        return lines
    }

    private mutating func take(_ part: ArraySlice<UInt8>) throws(SocketError) {
        guard part.count <= limit - rest.count else { throw .lineTooLong(limit: limit) }
        rest += part
    }
}
