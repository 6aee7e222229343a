// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Recursive descent over bytes, as deep as `maxDepth`: no text can exhaust the stack.
///
/// Of our own, because readers refuse files by what they see: a name given twice must be kept, so that the
/// refusal can say where, a number must keep its digits, and an error must have its byte. Foundation
/// drops one of two names and gives no byte; of Debian's libraries json-c drops one as well, jansson
/// refuses the text as a whole and reads numbers as doubles, and yajl, which would hand on
/// everything, has had no release since 2014.
struct JSONParser {
    private let bytes: [UInt8]
    private var at = 0
    private var depth = 0
    private static let maxDepth = 32

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSON.SyntaxError) -> JSON {
        let value = try self.value()
        skipSpace()
        guard at == bytes.count else { throw expected("the end") }
        return value
    }

    private func expected(_ what: String) -> JSON.SyntaxError {
        JSON.SyntaxError(offset: at, expected: what)
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            at += 1
        }
    }

    /// Skips space and takes `byte` if it comes next.
    private mutating func take(_ byte: Character) -> Bool {
        skipSpace()
        guard next == byte.asciiValue else { return false }
        at += 1
        return true
    }

    private mutating func value() throws(JSON.SyntaxError) -> JSON {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try nested { (p) throws(JSON.SyntaxError) in try p.object() }
        case UInt8(ascii: "["): return try nested { (p) throws(JSON.SyntaxError) in try p.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(
        _ read: (inout JSONParser) throws(JSON.SyntaxError) -> JSON
    ) throws(JSON.SyntaxError) -> JSON {
        guard depth < Self.maxDepth else { throw expected("fewer levels") }
        depth += 1
        defer { depth -= 1 }
        at += 1
        return try read(&self)
    }

    private mutating func object() throws(JSON.SyntaxError) -> JSON {
        var members: [JSON.Member] = []
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            let name = try string()
            guard take(":") else { throw expected("\":\"") }
            members.append(JSON.Member(name: name, value: try value()))
        } while take(",")
        guard take("}") else { throw expected("\",\" or \"}\"") }
        return .object(members)
    }

    private mutating func array() throws(JSON.SyntaxError) -> JSON {
        var items: [JSON] = []
        if take("]") { return .array(items) }
        repeat { items.append(try value()) } while take(",")
        guard take("]") else { throw expected("\",\" or \"]\"") }
        return .array(items)
    }

    private mutating func word(_ text: String, _ value: JSON) throws(JSON.SyntaxError) -> JSON {
        guard bytes[at...].starts(with: text.utf8) else { throw expected("a value") }
        at += text.utf8.count
        return value
    }

    private mutating func digits() throws(JSON.SyntaxError) {
        let start = at
        while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
        guard at > start else { throw expected("a value") }
    }

    private mutating func number() throws(JSON.SyntaxError) -> JSON {
        let start = at
        if next == UInt8(ascii: "-") { at += 1 }
        let first = at
        try digits()
        guard at == first + 1 || bytes[first] != UInt8(ascii: "0") else {
            throw expected("a value")
        }
        if next == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        return .number(String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func string() throws(JSON.SyntaxError) -> String {
        guard next == UInt8(ascii: "\"") else { throw expected("a string") }
        at += 1
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw expected("no control character") }
            at += 1
            if byte == UInt8(ascii: "\\") {
                try escape(into: &text)
            } else {
                text.append(byte)
            }
        }
        guard next != nil else { throw expected("the end of the string") }
        at += 1
        guard let result = String(validating: text, as: UTF8.self) else {
            throw expected("UTF-8")
        }
        return result
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSON.SyntaxError) {
        guard let byte = next else { throw expected("an escape") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code) {
                guard bytes[at...].starts(with: "\\u".utf8) else { throw expected("a surrogate") }
                at += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw expected("a surrogate") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw expected("a character") }
            text.append(contentsOf: String(Character(scalar)).utf8)
        default: throw expected("an escape")
        }
    }

    private mutating func hexadecimal() throws(JSON.SyntaxError) -> UInt32 {
        guard at + 4 <= bytes.count,
            bytes[at..<at + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let code = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw expected("four hexadecimal digits") }
        at += 4
        return code
    }
}
