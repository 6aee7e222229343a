// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameTypes

/// A folder of models, each in a folder of its own.
package enum ModelFolders {
    /// Names of the folders that hold a model.json, sorted.
    package static func names(in folder: String) throws(ModelError) -> [String] {
        let entries: [String]
        do {
            entries = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw ModelError.unreadable(file: folder, reason: "\(error)")
        }
        return entries.filter { ModelName.isValid($0) && holdsModel("\(folder)/\($0)") }.sorted()
    }

    package static func holdsModel(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder)/\(ModelManifest.fileName)")
    }
}
