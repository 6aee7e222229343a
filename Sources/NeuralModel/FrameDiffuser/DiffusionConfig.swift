// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// Groups of channels that are normalised together.
package struct GroupNormConfig: Sendable, Equatable {
    package var groups: Int
    package var epsilon: Float

    package init(groups: Int, epsilon: Float) {
        self.groups = groups
        self.epsilon = epsilon
    }
}

/// Sizes of a UNet or a ControlNet, from its config.json. Every value is checked, so that a network
/// of these sizes can be built.
package struct UNetConfig: Sendable, Equatable {
    package var inputChannels = 4
    package var outputChannels = 4
    /// From the finest level to the coarsest.
    package var channels = [320, 640, 1280, 1280]
    /// Whether a level has attention; its decoder has too.
    package var hasAttention = [true, true, true, false]
    /// Attention heads of each level.
    package var heads = [8, 8, 8, 8]
    package var blocksPerLevel = 2
    package var textChannels = 768
    package var norm = GroupNormConfig(groups: 32, epsilon: 1e-5)
    /// The timestep's embedding: whether sines come first, and the shift of its rates.
    package var sinesFirst = false
    package var rateShift: Float = 0
    /// Of a ControlNet: its planes and the widths of its stem.
    package var conditioningChannels = 10
    package var stemChannels = [16, 32, 96, 256]

    /// Stable Diffusion 1.5 and its ControlNets.
    package init() {}

    package var timeChannels: Int { channels[0] * 4 }

    private static let maxChannels = 1 << 14
}

extension UNetConfig {
    /// - Parameter isControlNet: reads what only a ControlNet has, and not what only a UNet has.
    init(_ file: ManifestReader, isControlNet: Bool) throws(ModelError) {
        try (isControlNet ? ConfigKeys.controlNet : .unet).check(file)
        let counts = 1...Self.maxChannels
        inputChannels = try file.count("in_channels", counts)
        channels = try file.counts("block_out_channels", counts)
        guard (1...8).contains(channels.count) else {
            throw file.refuse("block_out_channels", "1 to 8 levels", "\(channels.count)")
        }
        blocksPerLevel = try file.count("layers_per_block", 1...16)
        textChannels = try file.count("cross_attention_dim", counts)
        norm = GroupNormConfig(
            groups: try file.count("norm_num_groups", counts),
            epsilon: try file.positive("norm_eps"))
        sinesFirst = try !file.flag("flip_sin_to_cos")
        rateShift = try file.number("freq_shift")
        try file.require("act_fn", ["silu"])
        hasAttention = try Self.attention(file, "down_block_types", "Down", channels.count)
        if isControlNet {
            // FrameDiffuser's own key wins: its config keeps diffusers' default of 3 beside it.
            let key = file.has("gbuffer_channels") ? "gbuffer_channels" : "conditioning_channels"
            conditioningChannels = try file.count(key, counts)
            stemChannels = try file.counts("conditioning_embedding_out_channels", counts)
            guard (1...8).contains(stemChannels.count) else {
                throw file.refuse(
                    "conditioning_embedding_out_channels", "1 to 8 widths",
                    "\(stemChannels.count)")
            }
        } else {
            outputChannels = try file.count("out_channels", counts)
            let up = try Self.attention(file, "up_block_types", "Up", channels.count)
            guard up == hasAttention.reversed() else {
                throw file.refuse(
                    "up_block_types", "attention at the levels where down_block_types has it",
                    "it at others")
            }
        }
        heads = try Self.heads(file, channels.count, isControlNet: isControlNet)
        for (level, width) in channels.enumerated() {
            guard width % norm.groups == 0, width % heads[level] == 0, width % 2 == 0 else {
                throw file.refuse(
                    "block_out_channels",
                    "even widths that divide by \(norm.groups) groups and \(heads[level]) heads",
                    "\(width)")
            }
        }
    }

    private static func attention(
        _ file: ManifestReader, _ field: String, _ direction: String, _ count: Int
    ) throws(ModelError) -> [Bool] {
        let crossed = "CrossAttn\(direction)Block2D"
        let plain = "\(direction)Block2D"
        let types = try file.strings(field, [crossed, plain])
        guard types.count == count else {
            throw file.refuse(field, "\(count) block types", "\(types.count)")
        }
        return types.map { $0 == crossed }
    }

    /// `attention_head_dim` holds the number of heads, by an old mistake that diffusers keeps; a
    /// ControlNet's `num_attention_heads` goes before it, a UNet must not have one.
    private static func heads(
        _ file: ManifestReader, _ levels: Int, isControlNet: Bool
    ) throws(ModelError) -> [Int] {
        var field = "attention_head_dim"
        if file.has("num_attention_heads") {
            field = "num_attention_heads"
            guard isControlNet else {
                throw file.refuse(field, "null in a UNet", try file.value(field).summary)
            }
        }
        let counts = 1...maxChannels
        if try file.value(field).array == nil {
            return Array(repeating: try file.count(field, counts), count: levels)
        }
        let heads = try file.counts(field, counts)
        guard heads.count == levels else {
            throw file.refuse(field, "\(levels) counts", "\(heads.count)")
        }
        return heads
    }
}

/// Sizes of an AutoencoderKL.
package struct AutoencoderConfig: Sendable, Equatable {
    package var pictureChannels = 3
    package var latentChannels = 4
    /// From the finest level to the coarsest.
    package var channels = [128, 256, 512, 512]
    package var blocksPerLevel = 2
    package var norm = GroupNormConfig(groups: 32, epsilon: 1e-6)
    /// Latents are multiplied with it.
    package var scale: Float = 0.18215

    /// Stable Diffusion 1.5's.
    package init() {}

    init(_ file: ManifestReader) throws(ModelError) {
        try ConfigKeys.autoencoder.check(file)
        let counts = 1...(1 << 14)
        pictureChannels = try file.count("in_channels", 3...3)
        latentChannels = try file.count("latent_channels", counts)
        channels = try file.counts("block_out_channels", counts)
        guard (1...8).contains(channels.count) else {
            throw file.refuse("block_out_channels", "1 to 8 levels", "\(channels.count)")
        }
        blocksPerLevel = try file.count("layers_per_block", 1...16)
        norm.groups = try file.count("norm_num_groups", counts)
        // Stable Diffusion 1.5's file is older than the key.
        if file.has("scaling_factor") { scale = try file.positive("scaling_factor") }
        try file.require("act_fn", ["silu"])
        for width in channels where width % norm.groups != 0 || width % 2 != 0 {
            throw file.refuse(
                "block_out_channels", "even widths that divide by \(norm.groups) groups",
                "\(width)")
        }
    }
}

/// Sizes of a tiny autoencoder (TAESD).
package struct TinyAutoencoderConfig: Sendable, Equatable {
    package var latentChannels = 4
    package var channels = 64
    /// Blocks of each level, from the finest to the coarsest.
    package var encoderBlocks = [1, 3, 3, 3]
    /// From the coarsest to the finest.
    package var decoderBlocks = [3, 3, 3, 1]
    package var scale: Float = 1

    package init() {}

    init(_ file: ManifestReader) throws(ModelError) {
        try ConfigKeys.tinyAutoencoder.check(file)
        let counts = 1...(1 << 14)
        latentChannels = try file.count("latent_channels", counts)
        encoderBlocks = try file.counts("num_encoder_blocks", 0...64)
        decoderBlocks = try file.counts("num_decoder_blocks", 0...64)
        scale = try file.positive("scaling_factor")
        try file.require("act_fn", ["relu"])
        for (field, blocks) in [
            ("encoder_block_out_channels", encoderBlocks),
            ("decoder_block_out_channels", decoderBlocks),
        ] {
            let widths = try file.counts(field, counts)
            guard let width = widths.first, Set(widths).count == 1, width % 2 == 0,
                widths.count == blocks.count, widths.count <= 8
            else {
                throw file.refuse(
                    field, "\(blocks.count) times the same even width", "\(widths)")
            }
            channels = width
        }
    }
}
