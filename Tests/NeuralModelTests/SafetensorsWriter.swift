// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import Foundation

/// Writes safetensors files for tests, broken ones too.
struct SafetensorsWriter {
    struct Entry {
        var name: String
        var type = "F32"
        var shape: [Int]
        var bytes: [UInt8]
    }

    var entries: [Entry] = []
    /// Values are written with their quotes escaped.
    var metadata: [String: String] = [:]

    mutating func add(_ name: String, _ shape: [Int], _ values: [Float]) {
        entries.append(
            Entry(name: name, shape: shape, bytes: values.withUnsafeBytes { Array($0) }))
    }

    /// The number's upper half, as bfloat16 has it.
    mutating func addBF16(_ name: String, _ shape: [Int], _ values: [Float]) {
        let bytes = values.flatMap { value -> [UInt8] in
            let half = UInt16(truncatingIfNeeded: value.bitPattern >> 16)
            return [UInt8(half & 255), UInt8(half >> 8)]
        }
        entries.append(Entry(name: name, type: "BF16", shape: shape, bytes: bytes))
    }

    func bytes(offsets change: (Int, Range<Int>) -> Range<Int> = { $1 }) -> [UInt8] {
        var header: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map { name, text in
                let escaped = text.replacingOccurrences(of: "\"", with: "\\\"")
                return "\"\(name)\":\"\(escaped)\""
            }
            header.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var data: [UInt8] = []
        for (index, entry) in entries.enumerated() {
            let range = change(index, data.count..<data.count + entry.bytes.count)
            header.append(
                "\"\(entry.name)\":{\"dtype\":\"\(entry.type)\",\"shape\":\(entry.shape),"
                    + "\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}")
            data += entry.bytes
        }
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) } + text + data
    }
}

/// A folder that goes with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "frameloom-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }
}
