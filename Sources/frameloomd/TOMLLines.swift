// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Where a key stands in a TOML text. The library that reads the values does not say.
enum TOMLLines {
    /// - Parameter key: `section.name`, or a name alone.
    /// - Returns: counted from 1; nil if the key is written in a way that is not looked for (quoted, or
    ///   in an inline table).
    static func line(of key: String, in text: String) -> Int? {
        var section = ""
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.prefix { $0 != "#" }
            if let opening = words.firstIndex(of: "["),
                words[..<opening].allSatisfy(\.isWhitespace),
                let closing = words.firstIndex(of: "]")
            {
                section = trimmed(words[words.index(after: opening)..<closing])
            } else if let equals = words.firstIndex(of: "=") {
                let name = trimmed(words[..<equals])
                if (section.isEmpty ? name : "\(section).\(name)") == key { return index + 1 }
            }
        }
        return nil
    }

    /// Where a table's header has no key, as in "[" alone or "[%". The library that reads the values
    /// ends the program there instead of saying so. Such a line within an array or a string of several
    /// lines, which no key of ours has, is taken for one as well.
    /// - Returns: line and column, counted from 1.
    static func headerWithoutKey(in text: String) -> (line: Int, column: Int)? {
        for (index, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
            guard let opening = line.firstIndex(where: { !isSpace($0) }),
                line[opening] == UInt8(ascii: "[")
            else { continue }
            var rest = line[opening...].dropFirst()
            if rest.first == UInt8(ascii: "[") { rest = rest.dropFirst() }
            rest = rest.drop(while: isSpace)
            guard let key = rest.first, isKey(key) || key == UInt8(ascii: "]") else {
                return (index + 1, line.distance(from: line.startIndex, to: rest.startIndex) + 1)
            }
        }
        return nil
    }

    private static func isKey(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "\""), UInt8(ascii: "'"):
            true
        default: false
        }
    }

    /// Without spaces, which may stand around the dots as well.
    private static func trimmed(_ text: Substring) -> String { text.filter { !$0.isWhitespace } }
}
