// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials

/// What `--json` prints: the report's names in snake case.
enum ReportText {
    /// - Parameter isLine: everything on one line, for programs that read line by line.
    static func json(_ report: some Encodable, isLine: Bool = false) -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        if !isLine {
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        }
        // JSON has no number for these: equal pictures have no finite ratio.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do {
            return String(decoding: try encoder.encode(report), as: UTF8.self)
        } catch {
            preconditionFailure("a report is made of numbers, texts and lists: \(error)")
        }
    }
}

/// How long something took each time.
struct Durations {
    private var nanoseconds: [UInt64] = []

    init(_ nanoseconds: [UInt64] = []) { self.nanoseconds = nanoseconds }

    var count: Int { nanoseconds.count }

    mutating func add(_ time: UInt64) { nanoseconds.append(time) }

    /// The smallest time that at least so many per cent are within.
    func milliseconds(atPercentile percent: Int) -> Double {
        let sorted = nanoseconds.sorted()
        guard let longest = sorted.last else { return 0 }
        let rank = (sorted.count * percent + 99) / 100
        return Double(rank > sorted.count ? longest : sorted[max(rank, 1) - 1]) / 1e6
    }

    var all: [Double] { nanoseconds.map { Double($0) / 1e6 } }
}
