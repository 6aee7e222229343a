// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps

/// What a LoRA's file says about its strength outside of its tensors, as diffusers writes it: the
/// metadata `lora_adapter_metadata`, a JSON text whose keys for the UNet begin with `unet.`.
///
/// One alpha for all layers is honoured; what would change single layers, or how the factors are
/// multiplied, is refused: the import writes it into tensors.
struct AdapterStatement {
    private static let name = "lora_adapter_metadata"
    private static let prefix = "unet."
    private static let remedy =
        "; training/import_framediffuser.py writes it into the file's tensors"

    /// nil: as large as each layer's rank.
    private(set) var alpha: Float?
    private var rank: Int?

    /// - Returns: nil where the file states nothing for the UNet.
    init?(
        _ metadata: [String: String], hasAlphas: Bool, file: String
    ) throws(ModelError) {
        guard let text = metadata[Self.name] else { return nil }
        guard let members = (try? JSON(parsing: text.utf8))?.members else {
            throw Self.refusal(file, "a JSON object", "something else")
        }
        let stated = members.filter { $0.name.hasPrefix(Self.prefix) }
        guard !stated.isEmpty else { return nil }
        for member in stated {
            try take(String(member.name.dropFirst(Self.prefix.count)), member.value, file: file)
        }
        if hasAlphas {
            throw Self.refusal(file, "alpha once", "it here and in tensors")
        }
    }

    private mutating func take(
        _ key: String, _ value: JSON, file: String
    ) throws(ModelError) {
        switch key {
        case "lora_alpha":
            guard let number = value.double, number.isFinite else {
                throw Self.refusal(file, "a number for lora_alpha", value.summary)
            }
            alpha = Float(number)
        case "r":
            guard let number = value.int, number > 0 else {
                throw Self.refusal(file, "a whole number for r", value.summary)
            }
            rank = number
        case "alpha_pattern", "rank_pattern", "use_rslora", "use_dora", "lora_bias",
            "fan_in_fan_out", "layer_replication", "modules_to_save":
            guard Self.isOff(value) else {
                throw Self.refusal(file, "no \(key)", value.summary + Self.remedy)
            }
        default:
            // How the training was set up: the import checks it key by key.
            break
        }
    }

    /// Off in whatever way it is written.
    private static func isOff(_ value: JSON) -> Bool {
        switch value {
        case .null, .bool(false): true
        case .object(let members): members.isEmpty
        case .array(let items): items.isEmpty
        default: false
        }
    }

    func check(rank found: Int, of tensor: String, file: String) throws(ModelError) {
        guard let rank, rank != found else { return }
        throw Self.refusal(file, "r \(found), the rank of \(tensor)", "\(rank)")
    }

    private static func refusal(_ file: String, _ expected: String, _ found: String) -> ModelError {
        .tensor(file: file, name: "metadata \(name)", expected: expected, found: found)
    }
}
