// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import TOMLKit

extension Configuration {
    /// Reads the file at `path` over the present values. Keys that are not in the file stay.
    mutating func read(path: String) throws(ConfigurationError) {
        let text = try Self.text(of: path)
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            throw .notTOML(
                path: path, line: error.source.begin.line, column: error.source.begin.column,
                reason: error.description)
        } catch {
            throw .unreadable(path: path, reason: "\(error)")
        }
        var errors: [ConfigurationError] = []
        read(table, prefix: "", into: &errors) { key, error in
            .inFile(path: path, line: TOMLLines.line(of: key, in: text), error)
        }
        if let error = ConfigurationError(errors) { throw error }
    }

    private static func text(of path: String) throws(ConfigurationError) -> String {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            // Foundation does not say why.
            var status = stat()
            // The path is lent to the calls as a C string.
            let code: Int32
            if unsafe stat(path, &status) != 0 {
                code = errno
            } else {
                code = status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EACCES
            }
            // strerror returns a valid C string for every number; it is copied at once.
            throw .unreadable(path: path, reason: unsafe String(cString: strerror(code)))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .unreadable(path: path, reason: "it is not UTF-8")
        }
        // The TOML reader takes a C string: what comes after a zero byte would be ignored.
        if let zero = text.utf8.firstIndex(of: 0) {
            let before = text.utf8[..<zero]
            throw .notTOML(
                path: path, line: before.count { $0 == 0x0A } + 1,
                column: before.reversed().prefix { $0 != 0x0A }.count + 1,
                reason: "a zero byte is no part of a TOML file")
        }
        if let place = TOMLLines.headerWithoutKey(in: text) {
            throw .notTOML(
                path: path, line: place.line, column: place.column,
                reason: "a table's name is missing after \"[\"")
        }
        return text
    }

    /// Applies one `key=value` of the command line.
    mutating func set(_ assignment: String) throws(ConfigurationError) {
        guard let equals = assignment.firstIndex(of: "=") else {
            throw .notAnAssignment(assignment)
        }
        let key = try ConfigurationKey.named(String(assignment[..<equals]))
        let text = String(assignment[assignment.index(after: equals)...])
        switch key.value {
        case .integer:
            guard let number = Int(text) else {
                throw .wrongType(key: key.name, found: "'\(text)'", expected: "a whole number")
            }
            try apply(.integer(number), to: key)
        case .boolean:
            guard let flag = Bool(text) else {
                throw .wrongType(key: key.name, found: "'\(text)'", expected: "true or false")
            }
            try apply(.boolean(flag), to: key)
        case .text, .choice, .mode:
            try apply(.text(text), to: key)
        }
    }

    private enum Found {
        case integer(Int)
        case boolean(Bool)
        case text(String)

        var words: String {
            switch self {
            case .integer(let number): "the number \(number)"
            case .boolean(let flag): "\(flag)"
            case .text(let text): "the text '\(text)'"
            }
        }
    }

    /// - Parameter place: says where a key's error is.
    private mutating func read(
        _ table: TOMLTable, prefix: String, into errors: inout [ConfigurationError],
        place: (_ key: String, ConfigurationError) -> ConfigurationError
    ) {
        for name in table.keys {
            let path = prefix + name
            guard let value = table[name] else { continue }
            if prefix.isEmpty, let section = value.table {
                // A misspelt section is reported by its keys, which have suggestions.
                read(section, prefix: name + ".", into: &errors, place: place)
                continue
            }
            do {
                try read(value, of: path)
            } catch {
                errors.append(place(path, error))
            }
        }
    }

    private mutating func read(
        _ value: any TOMLValueConvertible, of path: String
    ) throws(ConfigurationError) {
        let key = try ConfigurationKey.named(path)
        if let number = value.int {
            try apply(.integer(number), to: key)
        } else if let flag = value.bool {
            try apply(.boolean(flag), to: key)
        } else if let text = value.string {
            try apply(.text(text), to: key)
        } else {
            throw .wrongType(
                key: path, found: "a \(value.type)", expected: "a text, number or true/false")
        }
    }

    private mutating func apply(
        _ found: Found, to key: ConfigurationKey
    ) throws(ConfigurationError) {
        switch (key.value, found) {
        case (.integer(let allowed, let path), .integer(let number)):
            guard allowed.contains(number) else {
                throw .outOfRange(key: key.name, found: number, allowed: allowed)
            }
            self[keyPath: path] = number
        case (.boolean(let path), .boolean(let flag)):
            self[keyPath: path] = flag
        case (.text(let path), .text(let text)):
            self[keyPath: path] = text
        case (.choice(let allowed, let path), .text(let text)):
            guard allowed.contains(text) else {
                throw .notOneOf(key: key.name, found: text, allowed: allowed)
            }
            self[keyPath: path] = text
        case (.mode(let path), .text(let text)):
            guard let bits = Int(text, radix: 8), (0...0o777).contains(bits) else {
                throw .wrongType(
                    key: key.name, found: "'\(text)'", expected: "octal permissions, \"0600\"")
            }
            self[keyPath: path] = bits
        case (.integer, _):
            throw .wrongType(key: key.name, found: found.words, expected: "a whole number")
        case (.boolean, _):
            throw .wrongType(key: key.name, found: found.words, expected: "true or false")
        case (.text, _), (.choice, _):
            throw .wrongType(key: key.name, found: found.words, expected: "a text")
        case (.mode, _):
            throw .wrongType(
                key: key.name, found: found.words,
                expected: "octal permissions in quotes, \"0600\"")
        }
    }
}
