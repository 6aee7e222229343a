// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import NeuralModel
import NeuralOps

/// A small model with random weights in a temporary folder, to be spoiled by tests.
package struct ModelFolder {
    package var name = "test"
    package var channels: [Int]
    package var blocks: [Int]
    package var probeChannels = 5
    package var grid = [4, 3, 2]
    package var placeGrid: PlaceGridSettings?
    package var readsEmissive = false
    /// In the order of the file. Tables of the place grid are stored as F16.
    package var tensors: [(name: String, shape: [Int], values: [Float])] = []
    /// What int8 needs; nil: the folder has none.
    package var calibration: [UInt8]?
    /// Applied to model.json before it is written.
    package var edits: [(String, String)] = []
    package let path: String

    package struct NotFound: Error {
        var text: String
    }

    /// - Parameter placeGrid: rows of random features in [-1, 1].
    package init(
        seed: UInt64 = 1, channels: [Int] = [24, 16], blocks: [Int] = [1, 2],
        placeGrid: PlaceGridSettings? = nil,
        path: String = NSTemporaryDirectory() + "frameloom-model-\(UUID().uuidString)"
    ) {
        self.channels = channels
        self.blocks = blocks
        self.placeGrid = placeGrid
        self.path = path
        var random = SeededGenerator(seed: seed)
        func add(_ name: String, _ shape: [Int]) {
            let count = shape.reduce(1, *)
            let range = 1 / Float(count / shape[0]).squareRoot()
            tensors.append((name, shape, random.floats(count, in: -range...range)))
        }
        func convolution(_ name: String, _ input: Int, _ output: Int, _ side: Int) {
            add("\(name).weight", [output, input, side, side])
            if !name.hasPrefix("skip") { add("\(name).bias", [output]) }
        }
        convolution(
            "stem", 16 * 16 + probeChannels + 3 + (placeGrid?.channels ?? 0), channels[0], 1)
        for level in channels.indices {
            let width = channels[level]
            for block in 0..<blocks[level] {
                for conv in ["conv1", "conv2"] {
                    convolution("encoder.\(level).\(block).\(conv)", width, width, 3)
                    if level + 1 < channels.count {
                        convolution("decoder.\(level).\(block).\(conv)", width, width, 3)
                    }
                }
            }
            guard level + 1 < channels.count else { break }
            convolution("down.\(level)", width, channels[level + 1], 2)
            convolution("up.\(level)", channels[level + 1], width, 1)
            convolution("skip.\(level)", width, width, 1)
        }
        convolution("head", channels[0], 7 * 16, 3)
        add("probes", [probeChannels, grid[2], grid[1], grid[0]])
        guard let placeGrid else { return }
        for (level, rows) in placeGrid.rows.enumerated() {
            // None below the normal halves, which threads that render and others tell apart.
            let values = random.floats(rows * 2, in: -1...1).map {
                abs($0) < 0x1p-13 ? 0 : Float(Float16($0))
            }
            tensors.append(("place.\(level)", [rows, 2], values))
        }
    }

    /// Values between layers of about 1, for every channel: enough for integers to be told apart.
    package mutating func calibrate() {
        var values: [String: Any] = [:]
        for tensor in tensors where tensor.name.hasSuffix(".weight") {
            let channels = [Double](repeating: 4, count: tensor.shape[0])
            values[String(tensor.name.dropLast(".weight".count))] = [
                "magnitude": channels, "relu": channels,
            ]
        }
        let root: [String: Any] = ["format": "frameloom-calibration-2", "values": values]
        calibration = (try? JSONSerialization.data(withJSONObject: root)).map(Array.init)
    }

    package var safetensors: [UInt8] {
        var header: [String] = []
        var data: [UInt8] = []
        for (name, shape, values) in tensors {
            let isHalf = name.hasPrefix("place.")
            let bytes =
                isHalf
                ? values.map { Float16($0).bitPattern }.withUnsafeBytes(Array.init)
                : values.withUnsafeBytes(Array.init)
            header.append(
                "\"\(name)\":{\"dtype\":\"\(isHalf ? "F16" : "F32")\",\"shape\":\(shape),"
                    + "\"data_offsets\":[\(data.count),\(data.count + bytes.count)]}")
            data += bytes
        }
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) } + text + data
    }

    package func manifest(weights: [UInt8]) throws -> String {
        let atrium = try Data(
            contentsOf: URL(fileURLWithPath: PackageFolder.defaultModel + "/model.json"))
        guard let root = try JSONSerialization.jsonObject(with: atrium) as? [String: Any] else {
            throw NotFound(text: "an object")
        }
        var json = root
        func set(_ object: String, _ members: [String: Any?]) {
            var value = root[object] as? [String: Any] ?? [:]
            for (name, member) in members { value[name] = member }
            json[object] = value
        }
        json["name"] = name
        json["precisions"] = nil
        json["format"] =
            placeGrid == nil && !readsEmissive ? "frameloom-model-1" : "frameloom-model-2"
        var files = ["weights.safetensors": Self.entry(weights)]
        if let calibration { files["calibration.json"] = Self.entry(calibration) }
        json["files"] = files
        set("network", ["channels": channels, "blocks": blocks])
        set("probes", ["channels": probeChannels, "grid_xyz": grid])
        set("output", ["emissive": readsEmissive ? true : nil])
        json["placeGrid"] = placeGrid.map { grid in
            func numbers(_ vector: SIMD3<Float>) -> [Double] { (0..<3).map { Double(vector[$0]) } }
            return [
                "rows": grid.rows, "features": PlaceGridSettings.features,
                "cell_sides": grid.cellSides.map(Double.init), "fine_levels": grid.fineLevels,
                "bounds_min": numbers(grid.boundsMin), "bounds_max": numbers(grid.boundsMax),
                "normal_offset": Double(grid.normalOffset),
            ]
        }
        var text = String(
            decoding: try JSONSerialization.data(
                withJSONObject: json, options: [.sortedKeys, .withoutEscapingSlashes]),
            as: UTF8.self)
        for (old, new) in edits {
            guard text.contains(old) else { throw NotFound(text: "\(old) in \(text)") }
            text = text.replacingOccurrences(of: old, with: new)
        }
        return text
    }

    private static func entry(_ content: [UInt8]) -> [String: Any] {
        ["sha256": FileDigest.sha256(content) ?? "", "bytes": content.count]
    }

    package func write() throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        let weights = safetensors
        try Data(weights).write(to: URL(fileURLWithPath: path + "/weights.safetensors"))
        if let calibration {
            try Data(calibration).write(to: URL(fileURLWithPath: path + "/calibration.json"))
        }
        try manifest(weights: weights).write(
            toFile: path + "/model.json", atomically: false, encoding: .utf8)
    }

    package func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// The model read from the folder, which is written and removed again.
    package func model(
        _ kernelPath: NeuralOps.KernelPath, precision: NeuralOps.Precision = .fp32
    ) throws -> CompactModel {
        try write()
        defer { remove() }
        return try CompactModel(folder: path, kernelPath: kernelPath, precision: precision)
    }

    /// Why the folder is refused; nil if it is not.
    package func refusal() throws -> ModelError? {
        try write()
        defer { remove() }
        return Self.refusal(path)
    }

    package static func refusal(_ path: String) -> ModelError? {
        do throws(ModelError) {
            _ = try CompactModel(folder: path, kernelPath: .best)
            return nil
        } catch {
            return error
        }
    }
}
