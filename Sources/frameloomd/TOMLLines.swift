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

    /// Without spaces, which may stand around the dots as well.
    private static func trimmed(_ text: Substring) -> String { text.filter { !$0.isWhitespace } }
}
