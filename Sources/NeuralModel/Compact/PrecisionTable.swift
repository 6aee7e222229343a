// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps

/// What a model's precisions cost, as measured when it was made: every frame of a clip rendered on
/// the model's own last picture.
package struct PrecisionTable: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var precision: Precision
        /// Mean PSNR to the clip's finished pictures, dB.
        package var psnr: Double
        /// Mean warped temporal error x1000; nil where the clip has no cameras.
        package var temporalError: Double?
    }

    /// What a precision may lose to fp32 and still be taken by itself: dB, and times the temporal
    /// error. `training/precisions.py` holds the same numbers.
    private static let largestLoss = 0.3
    private static let largestTemporalGrowth = 1.05

    /// Each precision once; empty where nothing was measured.
    package var entries: [Entry] = []

    package init() {}

    private subscript(precision: Precision) -> Entry? {
        entries.first { $0.precision == precision }
    }

    /// Whether the precision's pictures are as good as those of fp32, as far as was measured.
    package func isGoodEnough(_ precision: Precision) -> Bool {
        if precision == .fp32 { return true }
        guard let own = self[precision], let judge = self[.fp32] else { return false }
        guard own.psnr >= judge.psnr - Self.largestLoss else { return false }
        guard let error = own.temporalError, let judged = judge.temporalError else { return true }
        return error <= judged * Self.largestTemporalGrowth
    }

    /// All that are good enough, fp32 last.
    package var goodEnough: [Precision] {
        Precision.allCases.filter { $0 != .fp32 && isGoodEnough($0) } + [.fp32]
    }

    /// The first of these that is good enough.
    package func automatic(fastestFirst precisions: [Precision]) -> Precision {
        precisions.first(where: isGoodEnough) ?? .fp32
    }
}

/// Which precision a model is to be computed at.
package enum PrecisionChoice: Sendable, Equatable {
    /// The fastest that the model was measured to be good enough at: by the processor's instructions
    /// where nobody times it.
    case automatic
    case exactly(Precision)

    /// "auto" or a precision's name.
    package init?(name: String) {
        if name == "auto" {
            self = .automatic
        } else if let precision = Precision(rawValue: name) {
            self = .exactly(precision)
        } else {
            return nil
        }
    }

    package var name: String {
        switch self {
        case .automatic: "auto"
        case .exactly(let precision): precision.rawValue
        }
    }
}

extension ManifestReader {
    /// The list `precisions`, if there is one. What it says of `auto` has to follow from its
    /// figures: a hand-made "true" would otherwise serve what nobody accepted.
    func precisions() throws(ModelError) -> PrecisionTable {
        var table = PrecisionTable()
        guard let list = root["precisions"] else { return table }
        guard let items = list.array else { throw refuse("precisions", "a list", list.summary) }
        for (index, item) in items.enumerated() {
            let entry = try precision(item, "precisions[\(index)]")
            guard !table.entries.contains(where: { $0.precision == entry.precision }) else {
                throw refuse(
                    "precisions[\(index)].precision", "each precision once",
                    "\"\(entry.precision.rawValue)\" again")
            }
            table.entries.append(entry)
        }
        guard items.isEmpty || table.entries.contains(where: { $0.precision == .fp32 }) else {
            throw refuse("precisions", "fp32 among them", "nothing to compare with")
        }
        for (index, item) in items.enumerated() {
            let expected = table.isGoodEnough(table.entries[index].precision)
            guard let stated = item["auto"], stated == .bool(expected) else {
                throw refuse(
                    "precisions[\(index)].auto", "\(expected), by its figures",
                    item["auto"]?.summary ?? "nothing")
            }
        }
        return table
    }

    private func precision(
        _ item: JSON, _ field: String
    ) throws(ModelError) -> PrecisionTable.Entry {
        guard let name = item["precision"]?.string, let precision = Precision(rawValue: name) else {
            throw refuse(
                "\(field).precision", Precision.allCases.map(\.rawValue).joined(separator: ", "),
                item["precision"]?.summary ?? "nothing")
        }
        guard let psnr = item["psnr"]?.double, psnr.isFinite else {
            throw refuse("\(field).psnr", "a number", item["psnr"]?.summary ?? "nothing")
        }
        var entry = PrecisionTable.Entry(precision: precision, psnr: psnr)
        if let error = item["temporalError"], error != .null {
            guard let value = error.double, value.isFinite, value >= 0 else {
                throw refuse("\(field).temporalError", "a number from 0", error.summary)
            }
            entry.temporalError = value
        }
        return entry
    }
}
