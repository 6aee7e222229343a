// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats

/// A value of `camera.json` and where it stands, so that every refusal can name it.
struct ClipJSON {
    struct Fault: Error {
        var sentence: String

        init(_ sentence: String) { self.sentence = sentence }
    }

    var value: JSON
    /// "frames[2].fx"; empty for the document.
    var place: String

    static func document(_ bytes: [UInt8]) throws(Fault) -> ClipJSON {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw Fault("is UTF-16; write it as UTF-8")
        }
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        guard String(validating: text, as: UTF8.self) != nil else { throw Fault("is not UTF-8") }
        let value: JSON
        do {
            value = try JSON(parsing: text)
        } catch {
            throw Fault(sentence(for: error, in: Array(text)))
        }
        try refuseRepeats(in: value, at: "")
        guard value.members != nil else { throw Fault("is not a JSON object") }
        return ClipJSON(value: value, place: "")
    }

    private static func sentence(for error: JSON.SyntaxError, in text: [UInt8]) -> String {
        for word in ["NaN", "Infinity"] where text.dropFirst(error.offset).starts(with: word.utf8) {
            let isNegative = error.offset > 0 && text[error.offset - 1] == UInt8(ascii: "-")
            if isNegative && word == "NaN" { break }
            return "holds \(isNegative ? "-" : "")\(word), which is no JSON number; leave far out, "
                + "or write 0, where it is infinite"
        }
        return "is not valid JSON"
    }

    private static func refuseRepeats(in value: JSON, at place: String) throws(Fault) {
        if let members = value.members {
            var seen: Set<String> = []
            for member in members {
                let inner = place.isEmpty ? member.name : "\(place).\(member.name)"
                guard seen.insert(member.name).inserted else {
                    throw Fault("\(inner) is there twice")
                }
                try refuseRepeats(in: member.value, at: inner)
            }
        }
        for (index, item) in (value.array ?? []).enumerated() {
            try refuseRepeats(in: item, at: "\(place)[\(index)]")
        }
    }

    /// As sentences say it.
    var shown: String {
        switch value {
        case .object: "an object"
        case .array: "a list"
        case .string(let text):
            "\"\(String(String.UnicodeScalarView(text.unicodeScalars.prefix(64))))\""
        case .number(let text): String(text.prefix(32))
        case .bool(let flag): String(flag)
        case .null: "null"
        }
    }

    private func inner(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }

    /// Refuses what is no object, and every key that is not known. `_` begins a comment.
    func allow(_ known: [String]) throws(Fault) {
        guard let members = value.members else { throw Fault("\(place) is not an object") }
        for member in members where !known.contains(member.name) && !member.name.hasPrefix("_") {
            throw Fault(
                "\(inner(member.name)) is not known; the nearest known key is "
                    + (NearestName.of(member.name, among: known) ?? ""))
        }
    }

    func member(_ name: String) throws(Fault) -> ClipJSON? {
        value[name].map { ClipJSON(value: $0, place: inner(name)) }
    }

    func needed(_ name: String) throws(Fault) -> ClipJSON {
        guard let member = try member(name) else { throw Fault("\(inner(name)) is missing") }
        return member
    }

    func number() throws(Fault) -> Double {
        guard let number = value.double else { throw Fault("\(place) is not a number") }
        guard number.isFinite else { throw Fault("\(place) is too large") }
        return number
    }

    func whole(_ range: ClosedRange<Int>) throws(Fault) -> Int {
        let number = try number()
        guard number == number.rounded(.down), number >= Double(range.lowerBound),
            number <= Double(range.upperBound)
        else {
            throw Fault(
                "\(place) \(shown) is no whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return Int(number)
    }

    /// - Returns: nil if there is no such key.
    func choice(_ name: String, _ known: [String]) throws(Fault) -> String? {
        guard let member = try member(name) else { return nil }
        guard let text = member.value.string, known.contains(text) else {
            let listed = known.map { "\"\($0)\"" }.joined(separator: ", ")
            throw Fault("\(member.place) \(member.shown) is not supported (\(listed))")
        }
        return text
    }
}
