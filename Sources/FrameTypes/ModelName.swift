// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// The rule for names of models: clients send them and the daemon makes paths of them.
package enum ModelName {
    /// For sentences.
    package static let rule = "1 to 63 of [a-z0-9._-], not starting with '.'"

    /// A name, never a path: no "/", and nothing hidden, so neither "." nor "..".
    package static func isValid(_ name: String) -> Bool {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return allowed && (1...63).contains(name.utf8.count) && name.first != "."
    }
}
