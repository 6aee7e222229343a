// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// The families of models, as model.json names them.
package enum ModelFamily: String, Sendable, CaseIterable {
    case compact, framediffuser
}

/// One model as it lies in its folder, its model.json read once for everything that is in it.
package struct ModelSource: Sendable {
    package let path: String
    package let family: ModelFamily
    let manifest: ManifestReader

    private static let maxManifestBytes = 1 << 20

    package init(_ path: String) throws(ModelError) {
        self.path = path
        manifest = try ManifestReader(
            file: "\(path)/\(ModelManifest.fileName)", named: ModelManifest.fileName,
            limit: Self.maxManifestBytes)
        family = try manifest.choice("family", ModelFamily.self)
    }
}
