// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Where and why a text is no TOML that the daemon reads. Line and column are counted from 1, columns in
/// bytes.
struct TOMLError: Error, Equatable {
    let line: Int
    let column: Int
    let reason: String
}

/// What a configuration file says, key by key: tables, dotted and quoted keys, comments, texts of one
/// line, whole numbers and true/false of TOML 1.0 (https://toml.io/en/v1.0.0).
///
/// No key of the daemon takes TOML's other values (fractions, dates, arrays, inline tables, texts of
/// several lines), so that those are refused by name. Read here and not by a library because the one
/// that there was (TOMLKit 0.6.0 on toml++ 3.4.0) ends the program on malformed texts, "a = [}" among
/// them.
struct TOMLFile {
    enum Value: Equatable {
        case integer(Int)
        case boolean(Bool)
        case text(String)
    }

    struct Entry: Equatable {
        /// Parts joined by dots; a part that only quotes can write stands in quotes.
        let key: String
        /// Counted from 1.
        let line: Int
        let value: Value
    }

    /// In the order of the file.
    private(set) var entries: [Entry] = []

    init(_ text: String) throws(TOMLError) {
        var tables = TOMLTables()
        var reader = TOMLLine(text)
        while !reader.isAtEnd {
            reader.skipBlanks()
            if reader.next == UInt8(ascii: "[") {
                let place = reader.place
                try tables.open(reader.header(), at: place)
            } else if !reader.isAtLineEnd {
                let place = reader.place
                let key = try reader.key()
                reader.skipBlanks()
                guard reader.take("=") else { throw reader.error("'=' is missing after a key") }
                reader.skipBlanks()
                let value = try reader.value()
                let name = try tables.add(key, at: place)
                entries.append(Entry(key: name, line: place.line, value: value))
            }
            try reader.endLine()
        }
    }
}

/// What a file has named so far, so that nothing is defined twice.
private struct TOMLTables {
    private var table: [String] = []
    private var values: [[String]: Int] = [:]  // to the line
    private var headers: [[String]: Int] = [:]
    private var dotted: [[String]: Int] = [:]  // tables that keys with dots made
    private var parents: [[String]: Int] = [:]  // tables that headers of their parts made

    mutating func open(_ key: [String], at place: TOMLPlace) throws(TOMLError) {
        for count in 1..<max(key.count, 1) {
            let parent = Array(key.prefix(count))
            try refuse(parent, found: values[parent], at: place)
            if parents[parent] == nil { parents[parent] = place.line }
        }
        try refuse(key, found: values[key] ?? headers[key] ?? dotted[key], at: place)
        headers[key] = place.line
        table = key
    }

    mutating func add(_ key: [String], at place: TOMLPlace) throws(TOMLError) -> String {
        let whole = table + key
        for count in table.count + 1..<max(whole.count, table.count + 1) {
            let parent = Array(whole.prefix(count))
            try refuse(parent, found: values[parent] ?? headers[parent], at: place)
            if dotted[parent] == nil { dotted[parent] = place.line }
        }
        try refuse(
            whole, found: values[whole] ?? headers[whole] ?? dotted[whole] ?? parents[whole],
            at: place)
        values[whole] = place.line
        return Self.name(whole)
    }

    private func refuse(
        _ key: [String], found line: Int?, at place: TOMLPlace
    ) throws(TOMLError) {
        guard let line else { return }
        throw TOMLError(
            line: place.line, column: place.column,
            reason: "'\(Self.name(key))' is defined in line \(line) already")
    }

    private static func name(_ parts: [String]) -> String {
        parts.map { part in
            part.utf8.allSatisfy(TOMLLine.isBareKey) && !part.isEmpty ? part : "\"\(part)\""
        }.joined(separator: ".")
    }
}

struct TOMLPlace {
    let line: Int
    let column: Int
}
