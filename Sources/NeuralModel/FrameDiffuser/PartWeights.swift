// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps

/// The tensors of one part of a published model (`unet/`, `vae/` …): one safetensors file, or
/// several tied together by an index. Read one at a time, as floats, with a LoRA merged in.
package struct PartWeights {
    /// For messages: the folder as the user knows it.
    package let folder: String
    private let tensors: [String: Place]
    private var taken: Set<String> = []
    private var adapter: LowRankAdapter?

    private struct Place {
        var file: SafetensorsFile
        var fileName: String
        var tensor: Safetensors.Tensor
    }

    private static let stem = "diffusion_pytorch_model"
    private static let maxIndexBytes = 1 << 24

    /// - Parameter files: opened ones, each with the name that messages give it.
    init(folder: String, files: [(name: String, file: SafetensorsFile)]) throws(ModelError) {
        self.folder = folder
        var tensors: [String: Place] = [:]
        for (fileName, file) in files {
            for tensor in file.tensors {
                let name = Self.currentName(tensor.name)
                guard tensors[name] == nil else {
                    throw .tensor(
                        file: fileName, name: tensor.name, expected: "the tensor once",
                        found: "it in several files")
                }
                tensors[name] = Place(file: file, fileName: fileName, tensor: tensor)
            }
        }
        self.tensors = tensors
    }

    /// Opens the weights in a folder as diffusers saves them.
    package init(folder: String) throws(ModelError) {
        var files: [(name: String, file: SafetensorsFile)] = []
        for name in try Self.fileNames(in: folder) {
            let path = "\(folder)/\(name)"
            files.append((path, try Self.open(path)))
        }
        try self.init(folder: folder, files: files)
        try checkIndex()
    }

    package func has(_ name: String) -> Bool { tensors[name] != nil }

    package var names: [String] { tensors.keys.sorted() }

    package func shape(of name: String) -> [Int]? { tensors[name]?.tensor.shape }

    /// Names of everything that has a weight, as adapters name layers.
    package var layerNames: [String] {
        names.filter { $0.hasSuffix(".weight") }.map { String($0.dropLast(7)) }
    }

    /// Adds the adapter to each layer's weight when it is taken.
    package mutating func merge(_ adapter: LowRankAdapter) throws(ModelError) {
        try check(adapter)
        self.adapter = adapter
    }

    /// Whether the adapter is one for this part.
    package func check(_ adapter: LowRankAdapter) throws(ModelError) {
        try adapter.check(layers: tensors.mapValues { $0.tensor.shape })
    }

    /// Values, row-major. Every number must be finite. A first convolution may be asked for with
    /// more input channels than the file has if an adapter is merged: those begin at zero.
    package mutating func take(_ name: String, shape: [Int]) throws(ModelError) -> [Float] {
        guard let place = tensors[name] else {
            throw .tensor(
                file: folder, name: name, expected: "shape \(shape)", found: "no such tensor")
        }
        func refuse(_ expected: String, _ found: String) -> ModelError {
            .tensor(file: place.fileName, name: name, expected: expected, found: found)
        }
        let found = place.tensor.shape
        let layer = name.hasSuffix(".weight") ? String(name.dropLast(7)) : nil
        let isWidened =
            adapter != nil && layer == LowRankAdapter.widenedLayer && shape.count == 4
            && found.count == 4 && shape[0] == found[0] && shape[1] > found[1]
            && shape[2...] == found[2...]
        guard found == shape || isWidened || Self.isSameMatrix(found, shape) else {
            throw refuse("shape \(shape)", "shape \(found)")
        }
        guard var values = try Self.read(place) else {
            throw refuse("dtype F32, F16 or BF16", place.tensor.type)
        }
        guard Safetensors.areFinite(values) else {
            throw refuse("finite numbers", "NaN or infinity")
        }
        if isWidened { values = Self.widened(values, from: found, to: shape) }
        if let layer {
            try adapter?.add(to: &values, layer: layer, shape: shape)
        }
        taken.insert(name)
        return values
    }

    /// Every tensor of the files must have been asked for, and every layer of the adapter.
    package func checkAllTaken() throws(ModelError) {
        for (name, place) in tensors.sorted(by: { $0.key < $1.key }) where !taken.contains(name) {
            throw .tensor(
                file: place.fileName, name: name, expected: "no such tensor in this network",
                found: "shape \(place.tensor.shape)")
        }
    }

    /// A 1x1 convolution and a matrix hold the same numbers.
    private static func isSameMatrix(_ a: [Int], _ b: [Int]) -> Bool {
        func matrix(_ shape: [Int]) -> [Int] {
            shape.count == 4 && shape[2...] == [1, 1] ? Array(shape[..<2]) : shape
        }
        return matrix(a) == matrix(b)
    }

    private static func read(_ place: Place) throws(ModelError) -> [Float]? {
        do {
            return try place.file.floats(place.tensor)
        } catch {
            throw ModelError(error, file: place.fileName)
        }
    }

    /// [out, in, y, x] with zeros for the new input channels.
    private static func widened(_ values: [Float], from: [Int], to: [Int]) -> [Float] {
        let taps = from[2] * from[3]
        var result = [Float](repeating: 0, count: to[0] * to[1] * taps)
        for output in 0..<from[0] {
            for index in 0..<from[1] * taps {
                result[output * to[1] * taps + index] = values[output * from[1] * taps + index]
            }
        }
        return result
    }
}

// MARK: Files of a folder

extension PartWeights {
    /// The whole file is preferred over shards, full numbers over halves.
    package static func fileNames(in folder: String) throws(ModelError) -> [String] {
        for variant in ["", ".fp16", ".bf16"] {
            let whole = "\(stem)\(variant).safetensors"
            if FileBytes.exists("\(folder)/\(whole)") { return [whole] }
            let index = "\(stem).safetensors.index\(variant).json"
            if FileBytes.exists("\(folder)/\(index)") {
                return Set(try indexed(index, in: folder).map(\.file)).sorted()
            }
        }
        throw .unreadable(
            file: "\(folder)/\(stem).safetensors", reason: "no such file, nor an index of shards")
    }

    static func open(_ path: String) throws(ModelError) -> SafetensorsFile {
        do {
            return try SafetensorsFile(path)
        } catch {
            throw ModelError(error, file: path)
        }
    }

    /// Which shard the index names for each tensor.
    private static func indexed(
        _ name: String, in folder: String
    ) throws(ModelError) -> [(tensor: String, file: String)] {
        let reader = try ManifestReader(file: "\(folder)/\(name)", limit: maxIndexBytes)
        let map = try reader.value("weight_map")
        guard let members = map.members, !members.isEmpty else {
            throw reader.refuse("weight_map", "an object of file names", map.summary)
        }
        var entries: [(tensor: String, file: String)] = []
        for member in members {
            guard let file = member.value.string, !file.contains("/"), !file.hasPrefix("."),
                file.hasSuffix(".safetensors")
            else {
                throw reader.refuse(
                    "weight_map.\(member.name)", "a safetensors file of the same folder",
                    member.value.summary)
            }
            entries.append((member.name, file))
        }
        return entries
    }

    /// What the index says must be where it says it is.
    private func checkIndex() throws(ModelError) {
        for variant in ["", ".fp16", ".bf16"] {
            let name = "\(Self.stem).safetensors.index\(variant).json"
            let files = Set(tensors.values.map(\.fileName))
            guard files.count > 1, FileBytes.exists("\(folder)/\(name)") else { continue }
            for entry in try Self.indexed(name, in: folder) {
                guard let place = tensors[Self.currentName(entry.tensor)],
                    place.fileName == "\(folder)/\(entry.file)"
                else {
                    throw .tensor(
                        file: "\(folder)/\(entry.file)", name: entry.tensor,
                        expected: "the tensor that \(name) promises", found: "no such tensor")
                }
            }
            return
        }
    }

    /// Stable Diffusion 1.5's VAE was published with older names of its attention layers.
    private static func currentName(_ name: String) -> String {
        guard name.contains(".attentions.") else { return name }
        for (old, new) in [
            ("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0"),
        ] {
            for kind in ["weight", "bias"] where name.hasSuffix(".\(old).\(kind)") {
                return name.dropLast(old.utf8.count + kind.utf8.count + 1) + "\(new).\(kind)"
            }
        }
        return name
    }
}

extension ModelError {
    init(_ error: SafetensorsFile.ReadError, file: String) {
        switch error {
        case .unreadable(let reason): self = .unreadable(file: file, reason: reason)
        case .format(let error):
            self = .container(
                file: file, tensor: error.tensor, expected: error.expected, found: error.found)
        }
    }
}
