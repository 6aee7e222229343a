// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats

@testable import NeuralModel

/// Files of a model folder.
enum ModelTargets {
    /// Header and values. Every tensor that is let in must be readable.
    static func safetensors(_ input: [UInt8]) {
        guard let file = try? Safetensors(input) else { return }
        for tensor in file.tensors {
            precondition(tensor.bytes.upperBound <= input.count, "a tensor outside of its file")
            _ = file.floats(tensor)
            _ = file.halfPairs(tensor)
            _ = file.bytes(tensor)
            _ = file.tensor(named: tensor.name)
        }
    }

    /// model.json of both families.
    static func manifest(_ input: [UInt8]) {
        _ = try? ModelManifest(parsing: input)
        guard let root = try? JSON(parsing: input) else { return }
        let reader = ManifestReader(root: root)
        _ = try? reader.choice("family", ModelFamily.self)
        _ = try? FrameDiffuserManifest(reader)
    }
}
