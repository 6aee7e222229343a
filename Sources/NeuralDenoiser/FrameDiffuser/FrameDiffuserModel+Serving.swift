// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

extension FrameDiffuserModel: ServedModel {
    var description: ModelDescription {
        ModelDescription(
            name: manifest.name, version: manifest.version,
            family: ModelFamily.framediffuser.rawValue, licence: manifest.licence,
            description: manifest.description, precision: manifest.precision.rawValue,
            kernelPath: kernelPath.name(at: manifest.precision), weightBytes: weightBytes)
    }

    var readsEmissive: Bool { false }

    func check(_ scales: ConditioningScales) throws(DenoiserError) {
        try ConditioningUse(self).check(scales)
    }

    /// It draws a picture, no light that could be brought to another size.
    var qualities: [FrameQuality] { [.full] }

    func workspaceByteCount(for size: FrameSize, at quality: FrameQuality) -> Int {
        DiffusionWorkspace.byteCount(size: size, model: self)
    }

    func makeWorkspace(
        for size: FrameSize, at quality: FrameQuality
    ) throws(MemoryRefusal) -> any FrameWorkspace {
        try DiffusionWorkspace(size: size, model: self)
    }

    var incremental: (any IncrementalModel)? { nil }
    var timedNetwork: CompactModel? { nil }
}
