// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// A JSON value as the files of a model hold it. Unlike most readers it keeps every member of an
/// object, so that a name given twice can be refused.
package enum JSON: Sendable, Equatable {
    case object([Member])
    case array([JSON])
    case string(String)
    /// As written; read with `int` or `double`.
    case number(String)
    case bool(Bool)
    case null

    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: JSON
    }

    /// The text is not JSON at this byte.
    package struct SyntaxError: Error, Equatable, Sendable {
        package var offset: Int
        package var expected: String
    }

    package init(parsing bytes: some Collection<UInt8>) throws(SyntaxError) {
        var parser = JSONParser(bytes: Array(bytes))
        self = try parser.document()
    }

    package subscript(name: String) -> JSON? {
        members?.first { $0.name == name }?.value
    }

    package var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    package var array: [JSON]? {
        if case .array(let items) = self { items } else { nil }
    }

    package var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var int: Int? {
        if case .number(let text) = self { Int(text) } else { nil }
    }

    package var double: Double? {
        if case .number(let text) = self { Double(text) } else { nil }
    }

    /// What an error message calls this value.
    package var summary: String {
        switch self {
        case .object: "an object"
        case .array(let items): items.allSatisfy { $0.int != nil } ? numbers(items) : "an array"
        case .string(let text): "\"\(text.prefix(64))\""
        case .number(let text): String(text.prefix(32))
        case .bool(let flag): String(flag)
        case .null: "null"
        }
    }

    private func numbers(_ items: [JSON]) -> String {
        "[" + items.prefix(8).map(\.summary).joined(separator: ", ")
            + (items.count > 8 ? ", …]" : "]")
    }
}
