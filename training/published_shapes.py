# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Which tensors of which shapes the daemon will ask a published part for, from its config.json: the
same walk as NeuralModel's `UNet`, `ControlNet`, `Autoencoder` and `TinyAutoencoder`."""

from math import prod
from pathlib import Path

from published_files import ImportFailed, Tensor

PLANES = 10  # that a ControlNet reads
MAX_CHANNELS = 1 << 14


class Layers:
    """Collects `name: shape`."""

    def __init__(self):
        self.shapes: dict[str, list[int]] = {}

    def add(self, name: str, *weight: int, bias: bool = True) -> None:
        self.shapes[f"{name}.weight"] = list(weight)
        if bias:
            self.shapes[f"{name}.bias"] = [weight[0]]

    def conv(self, name: str, inputs: int, outputs: int, size: int = 3, bias: bool = True) -> None:
        self.add(name, outputs, inputs, size, size, bias=bias)

    def resnet(self, name: str, inputs: int, outputs: int, time: int | None) -> None:
        self.add(f"{name}.norm1", inputs)
        self.conv(f"{name}.conv1", inputs, outputs)
        if time:
            self.add(f"{name}.time_emb_proj", outputs, time)
        self.add(f"{name}.norm2", outputs)
        self.conv(f"{name}.conv2", outputs, outputs)
        if inputs != outputs:
            self.conv(f"{name}.conv_shortcut", inputs, outputs, 1)

    def attention(self, name: str, width: int, context: int, bias: bool) -> None:
        self.add(f"{name}.to_q", width, width, bias=bias)
        self.add(f"{name}.to_k", width, context, bias=bias)
        self.add(f"{name}.to_v", width, context, bias=bias)
        self.add(f"{name}.to_out.0", width, width)

    def transformer(self, name: str, width: int, text: int) -> None:
        self.add(f"{name}.norm", width)
        self.conv(f"{name}.proj_in", width, width, 1)
        block = f"{name}.transformer_blocks.0"
        for index, context in (("1", width), ("2", text)):
            self.add(f"{block}.norm{index}", width)
            self.attention(f"{block}.attn{index}", width, context, bias=False)
        self.add(f"{block}.norm3", width)
        self.add(f"{block}.ff.net.0.proj", 8 * width, width)
        self.add(f"{block}.ff.net.2", width, 4 * width)
        self.conv(f"{name}.proj_out", width, width, 1)


# Configs


def number(path: Path, config: dict, key: str, low: int, high: int) -> int:
    value = config.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ImportFailed(f"{path}: {key}: expected {low} to {high}, found {value}")
    return value


def numbers(path: Path, config: dict, key: str, low: int = 1, longest: int = 8) -> list[int]:
    value = config.get(key)
    if not isinstance(value, list) or not 1 <= len(value) <= longest or any(
            isinstance(v, bool) or not isinstance(v, int) or not low <= v <= MAX_CHANNELS
            for v in value):
        raise ImportFailed(f"{path}: {key}: expected a list of {low} to {MAX_CHANNELS}, found "
                           f"{value}")
    return value


def crossed(path: Path, config: dict, key: str, direction: str, count: int) -> list[bool]:
    names = [f"{direction}Block2D", f"CrossAttn{direction}Block2D"]
    value = config.get(key)
    if not isinstance(value, list) or len(value) != count or any(v not in names for v in value):
        raise ImportFailed(f"{path}: {key}: expected {count} times {names[1]} or {names[0]}, found "
                           f"{value}")
    return [v == names[1] for v in value]


def heads(path: Path, config: dict, levels: int) -> list[int]:
    """`attention_head_dim` holds the number of heads, by an old mistake that diffusers keeps; a
    ControlNet's `num_attention_heads` goes before it."""
    key = "attention_head_dim" if config.get("num_attention_heads") is None \
        else "num_attention_heads"
    value = config.get(key)
    if isinstance(value, list):
        if len(value) != levels:
            raise ImportFailed(f"{path}: {key}: expected {levels} counts, found {len(value)}")
        return numbers(path, config, key)
    return [number(path, config, key, 1, MAX_CHANNELS)] * levels


def checked_unet(path: Path, config: dict) -> dict:
    """Sizes of a UNet or ControlNet, each checked as in `UNetConfig`."""
    widths = numbers(path, config, "block_out_channels")
    groups = number(path, config, "norm_num_groups", 1, MAX_CHANNELS)
    found = {"inputs": number(path, config, "in_channels", 1, MAX_CHANNELS), "widths": widths,
             "blocks": number(path, config, "layers_per_block", 1, 16),
             "text": number(path, config, "cross_attention_dim", 1, MAX_CHANNELS),
             "crossed": crossed(path, config, "down_block_types", "Down", len(widths))}
    for width, count in zip(widths, heads(path, config, len(widths))):
        if width % groups or width % count or width % 2:
            raise ImportFailed(f"{path}: block_out_channels: expected even widths that divide by "
                               f"{groups} groups and {count} heads, found {width}")
    return found


# Parts


def encoder(layers: Layers, found: dict) -> list[int]:
    """The half that UNet and ControlNet share; gives the widths of what it hands on."""
    widths, time = found["widths"], 4 * found["widths"][0]
    layers.add("time_embedding.linear_1", time, widths[0])
    layers.add("time_embedding.linear_2", time, time)
    inputs, skips = widths[0], [widths[0]]
    for level, width in enumerate(widths):
        name = f"down_blocks.{level}"
        for block in range(found["blocks"]):
            layers.resnet(f"{name}.resnets.{block}", inputs, width, time)
            if found["crossed"][level]:
                layers.transformer(f"{name}.attentions.{block}", width, found["text"])
            inputs = width
            skips.append(width)
        if level < len(widths) - 1:
            layers.conv(f"{name}.downsamplers.0.conv", width, width)
            skips.append(width)
    layers.resnet("mid_block.resnets.0", inputs, inputs, time)
    layers.transformer("mid_block.attentions.0", inputs, found["text"])
    layers.resnet("mid_block.resnets.1", inputs, inputs, time)
    return skips


def unet_shapes(path: Path, config: dict) -> tuple[dict, dict[str, list[int]]]:
    found, layers = checked_unet(path, config), Layers()
    widths, time = found["widths"], 4 * found["widths"][0]
    outputs = number(path, config, "out_channels", 1, MAX_CHANNELS)
    if crossed(path, config, "up_block_types", "Up", len(widths)) != found["crossed"][::-1]:
        raise ImportFailed(f"{path}: up_block_types: expected attention at the levels where "
                           "down_block_types has it, found it at others")
    layers.conv("conv_in", found["inputs"], widths[0])
    skips = encoder(layers, found)
    inputs = widths[-1]
    for index, level in enumerate(reversed(range(len(widths)))):
        name = f"up_blocks.{index}"
        for block in range(found["blocks"] + 1):
            layers.resnet(f"{name}.resnets.{block}", inputs + skips.pop(), widths[level], time)
            if found["crossed"][level]:
                layers.transformer(f"{name}.attentions.{block}", widths[level], found["text"])
            inputs = widths[level]
        if level > 0:
            layers.conv(f"{name}.upsamplers.0.conv", inputs, inputs)
    layers.add("conv_norm_out", widths[0])
    layers.conv("conv_out", widths[0], outputs)
    return found | {"outputs": outputs}, layers.shapes


def controlnet_shapes(path: Path, config: dict) -> tuple[dict, dict[str, list[int]]]:
    found, layers = checked_unet(path, config), Layers()
    key = "gbuffer_channels" if config.get("gbuffer_channels") is not None \
        else "conditioning_channels"
    planes = number(path, config, key, 1, MAX_CHANNELS)
    if planes != PLANES:
        raise ImportFailed(f"{path}: {key}: expected {PLANES}, found {planes}")
    stem = numbers(path, config, "conditioning_embedding_out_channels")
    pairs = [(planes, stem[0])]
    for width, following in zip(stem, stem[1:]):
        pairs += [(width, width), (width, following)]
    pairs += [(stem[-1], stem[-1]), (stem[-1], found["widths"][0])]
    for index, (inputs, outputs) in enumerate(pairs):
        layers.conv(f"controlnet_cond_embedding.{2 * index}", inputs, outputs)
    layers.conv("conv_in", found["inputs"], found["widths"][0])
    for index, width in enumerate(encoder(layers, found)):
        layers.conv(f"controlnet_down_blocks.{index}", width, width, 1)
    layers.conv("controlnet_mid_block", found["widths"][-1], found["widths"][-1], 1)
    return found | {"reduction": 1 << (len(stem) - 1)}, layers.shapes


def vae_shapes(path: Path, config: dict) -> tuple[dict, dict[str, list[int]]]:
    layers = Layers()
    widths = numbers(path, config, "block_out_channels")
    blocks = number(path, config, "layers_per_block", 1, 16)
    latent = number(path, config, "latent_channels", 1, MAX_CHANNELS)
    groups = number(path, config, "norm_num_groups", 1, MAX_CHANNELS)
    for width in widths:
        if width % groups or width % 2:
            raise ImportFailed(f"{path}: block_out_channels: expected even widths that divide by "
                               f"{groups} groups, found {width}")

    def middle(name: str) -> None:
        width = widths[-1]
        layers.resnet(f"{name}.resnets.0", width, width, None)
        layers.add(f"{name}.attentions.0.group_norm", width)
        layers.attention(f"{name}.attentions.0", width, width, bias=True)
        layers.resnet(f"{name}.resnets.1", width, width, None)

    layers.conv("encoder.conv_in", 3, widths[0])
    inputs = widths[0]
    for level, width in enumerate(widths):
        name = f"encoder.down_blocks.{level}"
        for block in range(blocks):
            layers.resnet(f"{name}.resnets.{block}", inputs, width, None)
            inputs = width
        if level < len(widths) - 1:
            layers.conv(f"{name}.downsamplers.0.conv", width, width)
    middle("encoder.mid_block")
    layers.add("encoder.conv_norm_out", inputs)
    layers.conv("encoder.conv_out", inputs, 2 * latent)
    layers.conv("quant_conv", 2 * latent, 2 * latent, 1)
    layers.conv("post_quant_conv", latent, latent, 1)
    layers.conv("decoder.conv_in", latent, inputs)
    middle("decoder.mid_block")
    for index, width in enumerate(reversed(widths)):
        name = f"decoder.up_blocks.{index}"
        for block in range(blocks + 1):
            layers.resnet(f"{name}.resnets.{block}", inputs, width, None)
            inputs = width
        if index < len(widths) - 1:
            layers.conv(f"{name}.upsamplers.0.conv", width, width)
    layers.add("decoder.conv_norm_out", inputs)
    layers.conv("decoder.conv_out", inputs, 3)
    return {"latent": latent, "reduction": 1 << (len(widths) - 1)}, layers.shapes


def tiny_shapes(path: Path, config: dict) -> tuple[dict, dict[str, list[int]]]:
    layers = Layers()
    latent = number(path, config, "latent_channels", 1, MAX_CHANNELS)
    counts = {}
    for half in ("encoder", "decoder"):
        widths = numbers(path, config, f"{half}_block_out_channels")
        counts[half] = numbers(path, config, f"num_{half}_blocks", 0)
        if len(set(widths)) != 1 or widths[0] % 2 or len(widths) != len(counts[half]):
            raise ImportFailed(f"{path}: {half}_block_out_channels: expected "
                               f"{len(counts[half])} times the same even width, found {widths}")
    width = widths[0]

    def block(name: str) -> None:
        for index in (0, 2, 4):
            layers.conv(f"{name}.conv.{index}", width, width)

    index = 0
    for level, count in enumerate(counts["encoder"]):
        layers.conv(f"encoder.layers.{index}", 3 if level == 0 else width, width, bias=level == 0)
        index += 1
        for _ in range(count):
            block(f"encoder.layers.{index}")
            index += 1
    layers.conv(f"encoder.layers.{index}", width, latent)
    layers.conv("decoder.layers.0", latent, width)
    index = 2
    for level, count in enumerate(counts["decoder"]):
        for _ in range(count):
            block(f"decoder.layers.{index}")
            index += 1
        is_last = level == len(counts["decoder"]) - 1
        index += 0 if is_last else 1
        layers.conv(f"decoder.layers.{index}", width, 3 if is_last else width, bias=is_last)
        index += 1
    return {"latent": latent, "reduction": 1 << (len(counts["encoder"]) - 1)}, layers.shapes


SHAPES = {"unet": unet_shapes, "controlnet": controlnet_shapes, "vae": vae_shapes,
          "tiny": tiny_shapes}


def matrix(shape: list[int]) -> list[int]:
    """A 1x1 convolution and a matrix hold the same numbers."""
    return shape[:2] if len(shape) == 4 and shape[2:] == [1, 1] else shape


def check_shapes(folder: Path, tensors: dict[str, Tensor], wanted: dict[str, list[int]]) -> None:
    for name, shape in wanted.items():
        if name not in tensors:
            raise ImportFailed(f"{folder}: tensor {name}: expected shape {shape}, found no such "
                               "tensor")
        found = tensors[name]
        if matrix(found.shape) != matrix(shape) or prod(found.shape) != prod(shape):
            raise ImportFailed(f"{found.file}: tensor {name}: expected shape {shape}, found shape "
                               f"{found.shape}")
    for name in sorted(tensors.keys() - wanted.keys()):
        raise ImportFailed(f"{tensors[name].file}: tensor {name}: expected no such tensor in this "
                           f"network, found shape {tensors[name].shape}")
