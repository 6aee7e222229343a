// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps

/// What model.json says: words, file sums, and the sizes of the network.
package struct ModelManifest: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        package var name: String
        package var sha256: String
        package var byteCount: Int
    }

    package var name, version, description, licence, source: String
    package var family: String
    package var files: [File]
    package var pixels: PixelSettings
    /// Channels and residual blocks of each level, from 1/4 of the size downwards.
    package var channels: [Int]
    package var blocks: [Int]
    /// What each measured precision costs.
    package var precisions: PrecisionTable

    package static let fileName = "model.json"
    static let weightsName = "weights.safetensors"

    /// Larger models are another family; the limits keep every later product far from overflow.
    private static let maxChannels = 4096
    private static let maxLevels = 6

    package init(parsing bytes: [UInt8]) throws(ModelError) {
        let root: JSON
        do {
            root = try JSON(parsing: bytes)
        } catch {
            throw ModelError.manifest(
                file: Self.fileName, field: "byte \(error.offset)", expected: error.expected,
                found: "something else")
        }
        try self.init(ManifestReader(root: root))
    }

    init(_ reader: ManifestReader) throws(ModelError) {
        try reader.require("format", ["frameloom-model-1", "frameloom-model-2"])
        try reader.require("family", ["compact"])
        family = "compact"
        name = try reader.modelName()
        version = try reader.string("version")
        description = try reader.string("description")
        licence = try reader.string("licence")
        source = try reader.string("source")
        files = try reader.files { !$0.contains("/") && !$0.hasPrefix(".") }
        guard files.contains(where: { $0.name == Self.weightsName }) else {
            throw reader.refuse(
                "files", Self.weightsName, files.map(\.name).joined(separator: ", "))
        }
        try Self.checkConventions(reader)
        pixels = try Self.pixels(reader)
        channels = try reader.counts("network.channels", 1...Self.maxChannels)
        guard (1...Self.maxLevels).contains(channels.count) else {
            throw reader.refuse(
                "network.channels", "1 to \(Self.maxLevels) levels", "\(channels.count)")
        }
        blocks = try reader.counts("network.blocks", 0...64)
        guard blocks.count == channels.count else {
            throw reader.refuse(
                "network.blocks", "one count for each of \(channels.count) levels",
                "\(blocks.count)")
        }
        precisions = try reader.precisions()
    }

    /// Whether its files hold what integers mean.
    package var hasCalibration: Bool { files.contains { $0.name == Calibration.fileName } }

    /// A frame is padded to a multiple of this many pixels.
    package var sizeMultiple: Int { 4 << (channels.count - 1) }

    /// What this program computes; anything else is refused rather than guessed.
    private static func checkConventions(_ reader: ManifestReader) throws(ModelError) {
        try reader.require("input.baseColor", ["srgb"])
        try reader.require("input.normals.space", ["world"])
        try reader.require("input.normals.axes", ["y-up right-handed"])
        try reader.require("input.depth.kind", ["planar"])
        try reader.require("input.depth.unit", ["metre"])
        try reader.require("input.depth.curve", ["log1p(z)/3-1"])
        guard try reader.number("input.depth.sky") == 1 else {
            throw reader.refuse(
                "input.depth.sky", "1", try reader.value("input.depth.sky").summary)
        }
        try reader.require("input.roughness", ["linear"])
        try reader.require("input.metallic", ["linear"])
        try reader.require("output.picture", ["srgb"])
        try reader.require("network.activation", ["relu"])
        try reader.require("history.resampling", ["catmull-rom-clamped"])
        guard try reader.count("network.patch", 1...64) == 4 else {
            throw reader.refuse("network.patch", "4", try reader.value("network.patch").summary)
        }
    }

    private static func pixels(_ reader: ManifestReader) throws(ModelError) -> PixelSettings {
        var inputs: [InputPlane] = []
        for plane in try reader.planes("network.inputPlanes") {
            guard let known = InputPlane(rawValue: plane.name), known.channels == plane.channels,
                !inputs.contains(known)
            else {
                throw reader.refuse(
                    "network.inputPlanes",
                    "each of " + names(InputPlane.allCases.map { ($0.rawValue, $0.channels) })
                        + " once", "\(plane.name) (\(plane.channels))")
            }
            inputs.append(known)
        }
        for plane in InputPlane.allCases where !inputs.contains(plane) {
            throw reader.refuse("network.inputPlanes", plane.rawValue, "no such plane")
        }
        var outputs: [OutputPlane] = []
        for plane in try reader.planes("network.outputPlanes") {
            guard let known = OutputPlane(rawValue: plane.name), known.channels == plane.channels,
                !outputs.contains(known)
            else {
                throw reader.refuse(
                    "network.outputPlanes",
                    "each of " + names(OutputPlane.allCases.map { ($0.rawValue, $0.channels) })
                        + " once", "\(plane.name) (\(plane.channels))")
            }
            outputs.append(known)
        }
        for plane in OutputPlane.allCases where !outputs.contains(plane) {
            throw reader.refuse("network.outputPlanes", plane.rawValue, "no such plane")
        }
        let boundsMin = try reader.vector("probes.bounds_min")
        let boundsMax = try reader.vector("probes.bounds_max")
        guard all(boundsMax .> boundsMin) else {
            throw reader.refuse("probes.bounds_max", "more than bounds_min", "\(boundsMax)")
        }
        let grid = try reader.counts("probes.grid_xyz", 1...1024)
        guard grid.count == 3 else {
            throw reader.refuse("probes.grid_xyz", "three counts", "\(grid.count)")
        }
        return PixelSettings(
            eps: try reader.positive("output.eps"),
            lightRange: try reader.positive("output.lightRange"),
            carriedLightLimit: try reader.positive("output.carriedLightLimit"),
            ownTrust: try reader.fraction("history.ownTrust"),
            depthRelative: try reader.positive("history.depthRelative"),
            depthAbsolute: try reader.positive("history.depthAbsolute"),
            skyDistance: try reader.positive("history.skyDistance"), boundsMin: boundsMin,
            boundsMax: boundsMax, normalOffset: try reader.number("probes.normal_offset"),
            inputs: inputs, outputs: outputs,
            probeChannels: try reader.count("probes.channels", 1...1024),
            probeGrid: SIMD3(grid[0], grid[1], grid[2]), placeGrid: try reader.placeGrid(),
            addsEmissive: reader.has("output.emissive")
                ? try reader.flag("output.emissive") : false,
            accumulation: reader.has("history.accumulation")
                ? try reader.fraction("history.accumulation") : 0,
            mirrorParallax: reader.has("history.mirrorParallax")
                ? try reader.positive("history.mirrorParallax") : .infinity
        )
    }

    private static func names(_ planes: [(String, Int)]) -> String {
        planes.map { "\($0.0) (\($0.1))" }.joined(separator: ", ")
    }
}
