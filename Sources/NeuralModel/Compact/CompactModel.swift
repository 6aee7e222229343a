// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps

/// A compact model read from its folder: the network and the numbers around it.
package struct CompactModel: Sendable {
    package let manifest: ModelManifest
    package let network: CompactNetwork
    package let pixels: PixelModel
    package let kernelPath: KernelPath
    package let precision: Precision

    private static let maxFileBytes = 4 << 30

    package init(
        folder: String, kernelPath: KernelPath, precision: Precision = .fp32
    ) throws(ModelError) {
        try self.init(ModelSource(folder), kernelPath: kernelPath, choosing: .exactly(precision))
    }

    /// Checks size and SHA-256 of every file before it looks inside.
    package init(
        _ folder: ModelSource, kernelPath: KernelPath, choosing choice: PrecisionChoice
    ) throws(ModelError) {
        if let reason = kernelPath.refusal {
            throw .kernelPath(kernelPath.rawValue, reason: reason)
        }
        let manifest = try ModelManifest(folder.manifest)
        let precision =
            switch choice {
            case .exactly(let precision): precision
            case .automatic:
                manifest.precisions.automatic(fastestFirst: kernelPath.precisionsBySpeed)
            }
        var bytes: [UInt8] = []
        var calibration: Calibration?
        for file in manifest.files {
            let content = try Self.checked(file, in: folder.path)
            if file.name == ModelManifest.weightsName { bytes = content }
            if file.name == Calibration.fileName, precision != .fp32 {
                calibration = try Calibration(parsing: content)
            }
        }
        guard precision != .int8 || calibration != nil else {
            throw .precision(
                precision.rawValue, reason: "the model has no \(Calibration.fileName)")
        }
        var weights = try Weights(file: ModelManifest.weightsName, bytes: bytes)
        let settings = manifest.pixels
        let grid = settings.probeGrid
        let probes = try weights.take(
            "probes", shape: [settings.probeChannels, grid.z, grid.y, grid.x])
        var places: [PlaceTable] = []
        if let placeGrid = settings.placeGrid {
            for (level, rows) in placeGrid.rows.enumerated() {
                places.append(try weights.takePlaces("place.\(level)", rows: rows))
            }
        }
        network = try CompactNetwork(
            &weights, manifest: manifest, kernelPath: kernelPath, precision: precision,
            calibration: calibration,
            featureScale: precision == .int8
                ? settings.featureScale(probes: probes, places: places) : nil)
        pixels = PixelModel(
            settings: settings, probes: probes, places: places, kernelPath: kernelPath)
        try weights.checkAllTaken()
        self.manifest = manifest
        self.kernelPath = kernelPath
        self.precision = precision
    }

    package var weightBytes: Int { network.weightBytes + pixels.byteCount }

    /// Only what the model's own description says.
    package static func manifest(in folder: String) throws(ModelError) -> ModelManifest {
        try ModelManifest(ModelSource(folder).manifest)
    }

    private static func read(
        _ name: String, in folder: String, limit: Int
    ) throws(ModelError) -> [UInt8] {
        do {
            return try FileBytes.read("\(folder)/\(name)", limit: limit)
        } catch {
            throw ModelError.unreadable(file: "\(folder)/\(name)", reason: error.reason)
        }
    }

    private static func checked(
        _ file: ModelManifest.File, in folder: String
    ) throws(ModelError) -> [UInt8] {
        let content = try read(file.name, in: folder, limit: maxFileBytes)
        guard content.count == file.byteCount else {
            throw ModelError.fileDiffers(
                file: file.name, property: "its size in bytes", expected: "\(file.byteCount)",
                found: "\(content.count)")
        }
        let sum = FileDigest.sha256(content) ?? "not computable"
        guard sum == file.sha256 else {
            throw ModelError.fileDiffers(
                file: file.name, property: "its SHA-256", expected: file.sha256, found: sum)
        }
        return content
    }
}
