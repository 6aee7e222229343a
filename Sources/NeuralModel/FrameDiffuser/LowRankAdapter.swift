// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps

/// A LoRA: for some layers two thin matrices whose product is added to the layer's weight.
///
/// Reads the namings of peft and diffusers (`unet.conv_in.lora_A.weight`, `….lora.down.weight`,
/// `….processor.to_q_lora.down.weight`) and of kohya (`lora_unet_conv_in.lora_down.weight`).
package struct LowRankAdapter: Sendable {
    package struct Factors: Sendable {
        /// `[rank, input channels, …]`.
        var down: Part
        /// `[output channels, rank, …]`.
        var up: Part
        /// alpha / rank.
        var scale: Float
        package var rank: Int
    }

    struct Part: Sendable {
        var name: String
        var shape: [Int]
        var values: [Float]
    }

    /// The layer that gets the previous latent's channels: the adapter decides how many.
    static let widenedLayer = "conv_in"

    package let file: String
    /// By layer, in the network's naming ("down_blocks.0.resnets.0.conv1").
    package private(set) var layers: [String: Factors] = [:]

    /// - Parameter layerNames: the network's layers; kohya's names cannot be read without them.
    package init(file path: String, layerNames: [String]) throws(ModelError) {
        file = path
        let container = try PartWeights.open(path)
        let names = LayerNames(layerNames)
        var downs: [String: Part] = [:]
        var ups: [String: Part] = [:]
        var alphas: [String: Float] = [:]
        for tensor in container.tensors {
            guard let (layer, kind) = names.parse(tensor.name) else {
                throw .tensor(
                    file: path, name: tensor.name, expected: "a LoRA factor of a layer of the UNet",
                    found: "shape \(tensor.shape)")
            }
            let part = try Self.read(tensor, from: container, path)
            let previous: Part?
            switch kind {
            case .down: previous = downs.updateValue(part, forKey: layer)
            case .up: previous = ups.updateValue(part, forKey: layer)
            case .alpha:
                guard let alpha = part.values.first, part.values.count == 1 else {
                    throw .tensor(
                        file: path, name: tensor.name, expected: "one number",
                        found: "shape \(tensor.shape)")
                }
                alphas[layer] = alpha
                previous = nil
            }
            if let previous {
                throw .tensor(
                    file: path, name: tensor.name, expected: "the layer's factor once",
                    found: "\(previous.name) too")
            }
        }
        let stated = try AdapterStatement(
            container.metadata, hasAlphas: !alphas.isEmpty, file: path)
        for (layer, down) in downs.sorted(by: { $0.key < $1.key }) {
            guard let up = ups.removeValue(forKey: layer) else {
                throw Self.lonely(down, in: path)
            }
            layers[layer] = try Self.paired(
                down: down, up: up, alpha: alphas.removeValue(forKey: layer) ?? stated?.alpha,
                in: path)
            try stated?.check(rank: down.shape[0], of: down.name, file: path)
        }
        if let (_, up) = ups.min(by: { $0.key < $1.key }) { throw Self.lonely(up, in: path) }
        if let (layer, _) = alphas.min(by: { $0.key < $1.key }) {
            throw .tensor(
                file: path, name: "\(layer).alpha", expected: "factors for this alpha",
                found: "none")
        }
    }

    /// Input channels of the widened first convolution; nil if the adapter leaves it alone.
    package var widenedInputs: Int? {
        layers[Self.widenedLayer].flatMap { $0.down.shape.count > 1 ? $0.down.shape[1] : nil }
    }

    /// Every layer must be one of the network's and of its size.
    func check(layers known: [String: [Int]]) throws(ModelError) {
        for (layer, factors) in layers.sorted(by: { $0.key < $1.key }) {
            guard let shape = known["\(layer).weight"], shape.count >= 2 else {
                throw .tensor(
                    file: file, name: factors.down.name, expected: "a layer of this network",
                    found: "layer \(layer)")
            }
            let isWidened = layer == Self.widenedLayer
            let inputs = shape[1...].reduce(1, *)
            let columns = factors.down.values.count / factors.rank
            let isFitting =
                isWidened
                ? columns >= inputs && columns % (inputs / max(shape[1], 1)) == 0
                : columns == inputs
            guard isFitting else {
                throw .tensor(
                    file: file, name: factors.down.name,
                    expected: "\(inputs) values per rank for a weight of shape \(shape)",
                    found: "shape \(factors.down.shape)")
            }
            guard factors.up.values.count / factors.rank == shape[0] else {
                throw .tensor(
                    file: file, name: factors.up.name, expected: "\(shape[0]) outputs",
                    found: "shape \(factors.up.shape)")
            }
        }
    }

    /// weight += scale * up * down, for a weight `[outputs, inputs, …]`.
    func add(to weight: inout [Float], layer: String, shape: [Int]) throws(ModelError) {
        guard let factors = layers[layer] else { return }
        guard factors.down.values.count == factors.rank * shape[1...].reduce(1, *) else {
            throw .tensor(
                file: file, name: factors.down.name, expected: "factors for a weight of \(shape)",
                found: "shape \(factors.down.shape)")
        }
        LowRank.add(
            to: &weight, up: factors.up.values, down: factors.down.values, rank: factors.rank,
            scale: factors.scale)
    }

    private static func lonely(_ part: Part, in path: String) -> ModelError {
        .tensor(
            file: path, name: part.name, expected: "the layer's other factor too",
            found: "this one alone")
    }

    private static func paired(
        down: Part, up: Part, alpha: Float?, in path: String
    ) throws(ModelError) -> Factors {
        guard let rank = down.shape.first, rank > 0, down.shape.count >= 2 else {
            throw .tensor(
                file: path, name: down.name, expected: "[rank, inputs, …]",
                found: "shape \(down.shape)")
        }
        guard up.shape.count >= 2, up.shape[1...].reduce(1, *) == rank else {
            throw .tensor(
                file: path, name: up.name, expected: "[outputs, \(rank)]",
                found: "shape \(up.shape)")
        }
        let scale = (alpha ?? Float(rank)) / Float(rank)
        return Factors(down: down, up: up, scale: scale, rank: rank)
    }

    private static func read(
        _ tensor: Safetensors.Tensor, from file: SafetensorsFile, _ path: String
    ) throws(ModelError) -> Part {
        let values: [Float]?
        do {
            values = try file.floats(tensor)
        } catch {
            throw ModelError(error, file: path)
        }
        guard let values else {
            throw .tensor(
                file: path, name: tensor.name, expected: "dtype F32, F16 or BF16",
                found: tensor.type)
        }
        guard Safetensors.areFinite(values) else {
            throw .tensor(
                file: path, name: tensor.name, expected: "finite numbers", found: "NaN or infinity")
        }
        return Part(name: tensor.name, shape: tensor.shape, values: values)
    }
}

/// Tells which layer a tensor of a LoRA file belongs to, and as what.
private struct LayerNames {
    enum Kind {
        case down, up, alpha
    }

    private let known: Set<String>
    /// Kohya writes "." as "_".
    private let underscored: [String: String]

    private static let suffixes: [(text: String, kind: Kind)] = [
        (".lora_A.weight", .down), (".lora_B.weight", .up), (".lora_A.default.weight", .down),
        (".lora_B.default.weight", .up), (".lora.down.weight", .down), (".lora.up.weight", .up),
        (".lora_down.weight", .down), (".lora_up.weight", .up), ("_lora.down.weight", .down),
        ("_lora.up.weight", .up), (".alpha", .alpha),
    ]
    private static let prefixes = ["unet.", "base_model.model.unet.", "base_model.model.", ""]

    init(_ layers: [String]) {
        known = Set(layers)
        underscored = Dictionary(
            layers.map { (String($0.map { $0 == "." ? "_" : $0 }), $0) },
            uniquingKeysWith: { first, _ in first })
    }

    func parse(_ name: String) -> (layer: String, kind: Kind)? {
        for (suffix, kind) in Self.suffixes where name.hasSuffix(suffix) {
            let layer = String(name.dropLast(suffix.utf8.count))
            if let found = find(layer) { return (found, kind) }
        }
        return nil
    }

    private func find(_ name: String) -> String? {
        if name.hasPrefix("lora_unet_") { return underscored[String(name.dropFirst(10))] }
        for prefix in Self.prefixes where name.hasPrefix(prefix) {
            var layer = String(name.dropFirst(prefix.utf8.count))
            // "attn1.processor.to_q" is "attn1.to_q"; its output layer has a number since.
            if let range = layer.firstRange(of: ".processor.to_") {
                layer.replaceSubrange(range, with: ".to_")
                if layer.hasSuffix(".to_out") { layer += ".0" }
            }
            if known.contains(layer) { return layer }
        }
        return nil
    }
}
