// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import NeuralOps
import TestSupport
import Testing

@testable import NeuralModel

/// A small model with random weights in a temporary folder, to be spoiled by tests.
struct ModelFolder {
    var channels = [24, 16]
    var blocks = [1, 2]
    var probeChannels = 5
    var grid = [4, 3, 2]
    /// In the order of the file.
    var tensors: [(name: String, shape: [Int], values: [Float])] = []
    /// What int8 needs; nil: the folder has none.
    var calibration: [UInt8]?
    /// Applied to model.json before it is written.
    var edits: [(String, String)] = []
    let path = NSTemporaryDirectory() + "frameloom-model-\(UUID().uuidString)"

    init(seed: UInt64 = 1, channels: [Int] = [24, 16], blocks: [Int] = [1, 2]) {
        self.channels = channels
        self.blocks = blocks
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
        convolution("stem", 16 * 16 + probeChannels + 3, channels[0], 1)
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
    }

    var safetensors: [UInt8] {
        var header: [String] = []
        var data: [UInt8] = []
        for (name, shape, values) in tensors {
            let bytes = values.withUnsafeBytes(Array.init)
            header.append(
                "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),"
                    + "\"data_offsets\":[\(data.count),\(data.count + bytes.count)]}")
            data += bytes
        }
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) } + text + data
    }

    func manifest(weights: [UInt8]) throws -> String {
        let atrium = try String(
            contentsOfFile: PackageFolder.defaultModel + "/model.json", encoding: .utf8)
        let root = try #require(
            try JSONSerialization.jsonObject(with: Data(atrium.utf8)) as? [String: Any])
        var json = root
        json["name"] = "test"
        var files = ["weights.safetensors": Self.entry(weights)]
        if let calibration { files["calibration.json"] = Self.entry(calibration) }
        json["files"] = files
        var network = root["network"] as? [String: Any] ?? [:]
        network["channels"] = channels
        network["blocks"] = blocks
        json["network"] = network
        var probes = root["probes"] as? [String: Any] ?? [:]
        probes["channels"] = probeChannels
        probes["grid_xyz"] = grid
        json["probes"] = probes
        var text = String(
            decoding: try JSONSerialization.data(
                withJSONObject: json, options: [.sortedKeys, .withoutEscapingSlashes]),
            as: UTF8.self)
        for (old, new) in edits {
            try #require(text.contains(old), "\(old) is not in \(text)")
            text = text.replacingOccurrences(of: old, with: new)
        }
        return text
    }

    private static func entry(_ content: [UInt8]) -> [String: Any] {
        ["sha256": FileDigest.sha256(content) ?? "", "bytes": content.count]
    }

    func write() throws {
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

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// Why the folder is refused; nil if it is not.
    func refusal() throws -> ModelError? {
        try write()
        defer { remove() }
        return Self.refusal(path)
    }

    static func refusal(_ path: String) -> ModelError? {
        do throws(ModelError) {
            _ = try CompactModel(folder: path, kernelPath: .best)
            return nil
        } catch {
            return error
        }
    }
}
