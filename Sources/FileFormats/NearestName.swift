// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// The known name that is nearest to one that is not, for sentences of refusal.
package enum NearestName {
    /// - Returns: the first of the nearest ones; nil if none is known.
    package static func of(_ name: String, among known: [String]) -> String? {
        let short = String(String.UnicodeScalarView(name.unicodeScalars.prefix(64)))
        return known.min { distance(short, $0) < distance(short, $1) }
    }

    /// Letters to insert, remove or replace, upper and lower case being one.
    package static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.lowercased().unicodeScalars), Array(b.lowercased().unicodeScalars))
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var last = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let replaced = last + (x == y ? 0 : 1)
                last = row[j + 1]
                row[j + 1] = min(row[j + 1] + 1, row[j] + 1, replaced)
            }
        }
        return row[b.count]
    }
}
