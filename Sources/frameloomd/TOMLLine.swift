// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Reads a TOML text from its first byte to its last; `TOMLFile` says how much of TOML.
struct TOMLLine {
    private let bytes: [UInt8]
    private var at = 0
    private var lineStart = 0
    private var line = 1

    init(_ text: String) {
        bytes = Array(text.utf8)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {  // a byte order mark
            at = 3
            lineStart = 3
        }
    }

    var isAtEnd: Bool { at == bytes.count }

    /// Nil at the end.
    var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    var isAtLineEnd: Bool {
        next == nil || next == UInt8(ascii: "\n") || next == UInt8(ascii: "#")
            || starts("\r\n")
    }

    var place: TOMLPlace { TOMLPlace(line: line, column: at - lineStart + 1) }

    func error(_ reason: String) -> TOMLError {
        TOMLError(line: line, column: at - lineStart + 1, reason: reason)
    }

    /// Spaces and tabs.
    mutating func skipBlanks() {
        while next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") { at += 1 }
    }

    /// - Returns: whether `words` stood here.
    mutating func take(_ words: StaticString) -> Bool {
        guard starts(words) else { return false }
        at += words.utf8CodeUnitCount
        return true
    }

    /// Blanks, a comment and the line's end, if it is not the text's.
    mutating func endLine() throws(TOMLError) {
        skipBlanks()
        if next == UInt8(ascii: "#") {
            while let byte = next, byte != UInt8(ascii: "\n"), !starts("\r\n") {
                guard Self.isAllowed(byte) else {
                    throw error("\(Self.words(byte)) in a comment")
                }
                at += 1
            }
        }
        guard !isAtEnd else { return }
        guard take("\n") || take("\r\n") else {
            throw error("\(Self.words(bytes[at])) where a line should end")
        }
        line += 1
        lineStart = at
    }

    /// "[a.b]".
    mutating func header() throws(TOMLError) -> [String] {
        at += 1
        if next == UInt8(ascii: "[") { throw error("an array of tables, which no key takes") }
        skipBlanks()
        if isAtLineEnd || next == UInt8(ascii: "]") {
            throw error("a table's name is missing after \"[\"")
        }
        let parts = try key()
        skipBlanks()
        guard take("]") else { throw error("\"]\" is missing after a table's name") }
        return parts
    }

    /// Parts between dots, bare or in quotes; at least one.
    mutating func key() throws(TOMLError) -> [String] {
        var parts: [String] = []
        repeat {
            skipBlanks()
            switch next {
            case UInt8(ascii: "\""): parts.append(try basicText())
            case UInt8(ascii: "'"): parts.append(try literalText())
            default:
                let start = at
                while let byte = next, Self.isBareKey(byte) { at += 1 }
                guard at > start else {
                    throw error(
                        next.map { "\(Self.words($0)) where a name should be" }
                            ?? "a name is missing")
                }
                parts.append(String(decoding: bytes[start..<at], as: UTF8.self))
            }
            skipBlanks()
        } while take(".")
        return parts
    }

    mutating func value() throws(TOMLError) -> TOMLFile.Value {
        switch next {
        case nil, UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "#"):
            throw error("a value is missing")
        case UInt8(ascii: "\""):
            if starts("\"\"\"") { throw error("a text of several lines, which no key takes") }
            return .text(try basicText())
        case UInt8(ascii: "'"):
            if starts("'''") { throw error("a text of several lines, which no key takes") }
            return .text(try literalText())
        case UInt8(ascii: "["): throw error("an array, which no key takes")
        case UInt8(ascii: "{"): throw error("an inline table, which no key takes")
        default: return try word()
        }
    }

    private func starts(_ words: StaticString) -> Bool {
        // A static string's bytes live as long as the program.
        let wanted = unsafe UnsafeBufferPointer(
            start: words.utf8Start, count: words.utf8CodeUnitCount)
        return unsafe bytes[at...].starts(with: wanted)
    }

    // MARK: Texts

    /// "…" with escapes.
    private mutating func basicText() throws(TOMLError) -> String {
        at += 1
        var text = String.UnicodeScalarView()
        var start = at
        while let byte = next, byte != UInt8(ascii: "\n") {
            let isQuote = byte == UInt8(ascii: "\"")
            guard isQuote || byte == UInt8(ascii: "\\") else {
                guard Self.isAllowed(byte) else { throw error("\(Self.words(byte)) in a text") }
                at += 1
                continue
            }
            let plain = String(decoding: bytes[start..<at], as: UTF8.self)
            text.append(contentsOf: plain.unicodeScalars)
            at += 1
            if isQuote { return String(text) }
            text.append(try escaped())
            start = at
        }
        throw error("a text's closing \" is missing")
    }

    /// '…', every byte as it is.
    private mutating func literalText() throws(TOMLError) -> String {
        at += 1
        let start = at
        while let byte = next, byte != UInt8(ascii: "\n") {
            if byte == UInt8(ascii: "'") {
                at += 1
                return String(decoding: bytes[start..<at - 1], as: UTF8.self)
            }
            guard Self.isAllowed(byte) else { throw error("\(Self.words(byte)) in a text") }
            at += 1
        }
        throw error("a text's closing ' is missing")
    }

    /// What follows a backslash.
    private mutating func escaped() throws(TOMLError) -> Unicode.Scalar {
        let letter = next
        at += letter == nil ? 0 : 1
        switch letter {
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "u"): return try scalar(digits: 4)
        case UInt8(ascii: "U"): return try scalar(digits: 8)
        default: throw error("an unknown escape in a text")
        }
    }

    private mutating func scalar(digits: Int) throws(TOMLError) -> Unicode.Scalar {
        var number: UInt32 = 0
        for _ in 0..<digits {
            guard let byte = next, let digit = Self.digit(byte), digit < 16 else {
                throw error("an escape needs \(digits) hexadecimal digits")
            }
            number = number << 4 | UInt32(digit)
            at += 1
        }
        guard let scalar = Unicode.Scalar(number) else {
            throw error("an escape that is no Unicode character")
        }
        return scalar
    }

    // MARK: Words

    /// true, false, a whole number; or which of TOML's other values it is.
    private mutating func word() throws(TOMLError) -> TOMLFile.Value {
        let start = at
        while let byte = next, byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "#") { at += 1 }
        let word = String(decoding: bytes[start..<at], as: UTF8.self)
        if word == "true" { return .boolean(true) }
        if word == "false" { return .boolean(false) }
        switch Self.integer(Array(bytes[start..<at])) {
        case .number(let number): return .integer(number)
        case .tooLarge: throw at(start, "\(word) does not fit in 64 bits")
        case .none: break
        }
        let digits = word.utf8.first.map { Self.digit($0) ?? 16 } ?? 16
        if digits < 10 || word.hasPrefix("+") || word.hasPrefix("-") || word == "inf"
            || word == "nan"
        {
            throw at(start, "'\(word)' is no whole number, and no key takes another")
        }
        throw at(start, "'\(word)' is no value; a text stands in quotes")
    }

    private func at(_ position: Int, _ reason: String) -> TOMLError {
        TOMLError(line: line, column: position - lineStart + 1, reason: reason)
    }

    private enum Integer {
        case none
        case tooLarge
        case number(Int)
    }

    /// Decimal with a sign, or 0x, 0o, 0b without; single underscores between digits.
    private static func integer(_ word: [UInt8]) -> Integer {
        var digits = word[...]
        let sign = digits.first
        let isSigned = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
        if isSigned { digits.removeFirst() }
        var base = 10
        if digits.first == UInt8(ascii: "0"), digits.count > 1 {
            switch digits.dropFirst().first {
            case UInt8(ascii: "x"): base = 16
            case UInt8(ascii: "o"): base = 8
            case UInt8(ascii: "b"): base = 2
            default: return .none  // leading zeros
            }
            guard !isSigned else { return .none }
            digits.removeFirst(2)
        }
        var number = 0
        var fits = true
        var wasDigit = false
        for byte in digits {
            if byte == UInt8(ascii: "_"), wasDigit {
                wasDigit = false
                continue
            }
            guard let digit = digit(byte), digit < base else { return .none }
            wasDigit = true
            let product = number.multipliedReportingOverflow(by: base)
            // Below zero throughout where the number is: the smallest has no positive.
            let sum = product.partialValue.addingReportingOverflow(
                sign == UInt8(ascii: "-") ? -digit : digit)
            fits = fits && !product.overflow && !sum.overflow
            number = sum.partialValue
        }
        guard wasDigit else { return .none }
        return fits ? .number(number) : .tooLarge
    }

    /// The value of a digit of base 16 at most; nil for anything else.
    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    // MARK: Bytes

    static func isBareKey(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// In texts and comments: no control characters but the tab.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\t") || byte >= 0x20 && byte != 0x7F
    }

    private static func words(_ byte: UInt8) -> String {
        byte > 0x20 && byte < 0x7F
            ? "'\(Character(Unicode.Scalar(byte)))'"
            : "the byte 0x\(String(byte, radix: 16, uppercase: true))"
    }
}
