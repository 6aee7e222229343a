// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats

/// The keys of a part's config.json: read, needed at one value because nothing else is computed, or
/// without meaning for the picture. Others are refused with the nearest known name, so that no
/// statement of a file is passed over. Keys that begin with `_` are diffusers' own notes. The same lists
/// as in `training/published_configs.py`; names and defaults are diffusers' (0.42).
struct ConfigKeys {
    var read: Set<String>
    var fixed: [String: [JSON]]
    var harmless: Set<String>

    func check(_ file: ManifestReader) throws(ModelError) {
        let known = read.union(fixed.keys).union(harmless).sorted()
        for member in file.root.members ?? [] where !member.name.hasPrefix("_") {
            guard known.contains(member.name) else {
                throw file.refuse(
                    member.name,
                    "a known key (the nearest is \(NearestName.of(member.name, among: known) ?? ""))",
                    member.value.summary)
            }
            guard let allowed = fixed[member.name] else { continue }
            // A list of equal entries, one a level, counts as one of them.
            let entries = member.value.array.flatMap { $0.isEmpty ? nil : $0 } ?? [member.value]
            guard entries.allSatisfy({ entry in allowed.contains { Self.isSame(entry, $0) } })
            else {
                throw file.refuse(
                    member.name, allowed.map(\.summary).joined(separator: " or "),
                    member.value.summary)
            }
        }
    }

    private static func isSame(_ a: JSON, _ b: JSON) -> Bool {
        if let a = a.double, let b = b.double { return a == b }
        return a == b
    }
}

extension ConfigKeys {
    static let unet = ConfigKeys(
        read: encoderRead.union(["out_channels", "up_block_types"]),
        fixed: encoderFixed.merging([
            "num_attention_heads": [.null],
            "mid_block_only_cross_attention": [.null, .bool(false)],
            "dual_cross_attention": [.bool(false)],
            "reverse_transformer_layers_per_block": [.null],
            "time_embedding_type": [.string("positional")],
            "time_embedding_dim": [.null],
            "time_embedding_act_fn": [.null],
            "timestep_post_act": [.null],
            "time_cond_proj_dim": [.null],
            "conv_in_kernel": [.number("3")],
            "conv_out_kernel": [.number("3")],
            "attention_type": [.string("default")],
            "class_embeddings_concat": [.bool(false)],
            "cross_attention_norm": [.null],
            "resnet_skip_time_act": [.bool(false)],
            "resnet_out_scale_factor": [.number("1")],
        ]) { $1 },
        harmless: encoderHarmless)

    static let controlNet = ConfigKeys(
        read: encoderRead.union([
            "gbuffer_channels", "conditioning_channels", "conditioning_embedding_out_channels",
            "num_attention_heads",
        ]),
        fixed: encoderFixed.merging([
            "global_pool_conditions": [.bool(false)],
            "controlnet_conditioning_channel_order": [.string("rgb")],
        ]) { $1 },
        harmless: encoderHarmless)

    static let autoencoder = ConfigKeys(
        read: [
            "in_channels", "latent_channels", "block_out_channels", "layers_per_block",
            "norm_num_groups", "scaling_factor", "act_fn",
        ],
        fixed: [
            "out_channels": [.number("3")],
            "mid_block_add_attention": [.bool(true)],
            "use_quant_conv": [.bool(true)],
            "use_post_quant_conv": [.bool(true)],
            "latents_mean": [.null],
            "latents_std": [.null],
            "shift_factor": [.null, .number("0")],
            "down_block_types": [.string("DownEncoderBlock2D")],
            "up_block_types": [.string("UpDecoderBlock2D")],
        ],
        harmless: ["sample_size", "force_upcast"])

    static let tinyAutoencoder = ConfigKeys(
        read: [
            "latent_channels", "num_encoder_blocks", "num_decoder_blocks", "scaling_factor",
            "act_fn", "encoder_block_out_channels", "decoder_block_out_channels",
        ],
        fixed: [
            "in_channels": [.number("3")],
            "out_channels": [.number("3")],
            "shift_factor": [.null, .number("0")],
            "upsampling_scaling_factor": [.number("2")],
            "upsample_fn": [.string("nearest")],
        ],
        harmless: ["force_upcast", "block_out_channels", "latent_magnitude", "latent_shift"])

    /// What UNet and ControlNet have in common.
    private static let encoderRead: Set<String> = [
        "in_channels", "block_out_channels", "layers_per_block", "cross_attention_dim",
        "norm_num_groups", "norm_eps", "flip_sin_to_cos", "freq_shift", "act_fn",
        "down_block_types", "attention_head_dim",
    ]

    private static let encoderFixed: [String: [JSON]] = [
        "center_input_sample": [.bool(false)],
        "mid_block_scale_factor": [.number("1")],
        "downsample_padding": [.number("1")],
        "mid_block_type": [.string("UNetMidBlock2DCrossAttn")],
        "only_cross_attention": [.bool(false)],
        "transformer_layers_per_block": [.number("1")],
        "encoder_hid_dim": [.null],
        "encoder_hid_dim_type": [.null],
        "class_embed_type": [.null],
        "addition_embed_type": [.null],
        "num_class_embeds": [.null],
        "resnet_time_scale_shift": [.string("default")],
        "projection_class_embeddings_input_dim": [.null],
    ]

    /// Sizes at training, dropout, the precision of sums, and counts for what is refused above.
    private static let encoderHarmless: Set<String> = [
        "sample_size", "dropout", "upcast_attention", "use_linear_projection",
        "addition_time_embed_dim", "addition_embed_type_num_heads",
    ]
}
