// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation

/// The goldens' framediffuser model with another model.json, in a folder that goes with this value.
package final class ChangedModel: Sendable {
    package static let source = PackageFolder.goldens + "/framediffuser/model"

    package struct NotFound: Error {
        var text: String
    }

    package let path = NSTemporaryDirectory() + "frameloom-changed-\(UUID().uuidString)"

    /// - Parameter changes: texts of model.json, and what stands in their place.
    package init(_ changes: [(old: String, new: String)]) throws {
        let manager = FileManager.default
        var manifest = try String(contentsOfFile: "\(Self.source)/model.json", encoding: .utf8)
        for (old, new) in changes {
            guard manifest.contains(old) else { throw NotFound(text: old) }
            manifest = manifest.replacingOccurrences(of: old, with: new)
        }
        try manager.createDirectory(atPath: path, withIntermediateDirectories: false)
        for name in try manager.contentsOfDirectory(atPath: Self.source) where name != "model.json"
        {
            try manager.createSymbolicLink(
                atPath: "\(path)/\(name)", withDestinationPath: "\(Self.source)/\(name)")
        }
        try manifest.write(toFile: "\(path)/model.json", atomically: false, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The adapter kept apart, as sessions that scale it need it.
    package static let keepsApart = (
        old: "\"lora\": 1.0", new: "\"lora\": 1.0, \"loraPerSession\": true"
    )

    /// What model.json says about the scales.
    package static func scales(control: String, adapter: String) -> [(old: String, new: String)] {
        [
            ("\"controlnet\": 1.0", "\"controlnet\": \(control)"),
            ("\"lora\": 1.0", "\"lora\": \(adapter)"),
        ]
    }
}
