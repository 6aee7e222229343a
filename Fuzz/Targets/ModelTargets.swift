// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import Foundation

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

    /// A LoRA: header, metadata and names of another program's file. Its reader takes a path.
    static func adapter(_ input: [UInt8]) {
        guard ftruncate(adapterFile, 0) == 0 else { return }
        let written = input.withUnsafeBytes { pwrite(adapterFile, $0.baseAddress, $0.count, 0) }
        precondition(written == input.count, "no room for the file that is tried")
        let path = "/proc/self/fd/\(adapterFile)"
        guard let adapter = try? LowRankAdapter(file: path, layerNames: ["conv_in"]) else { return }
        try? adapter.check(layers: ["conv_in.weight": [3, 4, 1, 1]])
    }

    private static let adapterFile = {
        let path = "/dev/shm/frameloom-fuzz-\(getpid())"
        defer { unlink(path) }
        return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    }()
}
