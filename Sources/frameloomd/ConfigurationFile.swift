// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation

extension Configuration {
    /// Reads the file at `path` over the present values. Keys that are not in the file stay.
    mutating func read(path: String) throws(ConfigurationError) {
        let text = try Self.text(of: path)
        let file: TOMLFile
        do {
            file = try TOMLFile(text)
        } catch {
            throw .notTOML(
                path: path, line: error.line, column: error.column, reason: error.reason)
        }
        var errors: [ConfigurationError] = []
        for entry in file.entries {
            do {
                // A misspelt section is reported by its keys, which have suggestions.
                try apply(entry.value, to: ConfigurationKey.named(entry.key))
            } catch {
                errors.append(.inFile(path: path, line: entry.line, error))
            }
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

    private mutating func apply(
        _ found: TOMLFile.Value, to key: ConfigurationKey
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

extension TOMLFile.Value {
    fileprivate var words: String {
        switch self {
        case .integer(let number): "the number \(number)"
        case .boolean(let flag): "\(flag)"
        case .text(let text): "the text '\(text)'"
        }
    }
}
