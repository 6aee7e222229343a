# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The parts of a FrameDiffuser model with random weights, in the published layout of files.

Stable Diffusion's UNet with a ControlLoRA that reads the previous frame's latent beside the noisy
one, a ControlNet with a stem of its own for ten planes, the VAE, and a tiny autoencoder.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, StableDiffusionPipeline, \
    UNet2DConditionModel
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from torch import nn

PLANES = 10
STEM = (16, 32, 96, 256)
TARGETS_SKIPPED = ("to_q", "to_k", "to_v", "to_out.0")
# The scheduler of Stable Diffusion 1.5 as it is published.
SCHEDULER = {
    "_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "beta_start": 0.00085, "num_train_timesteps": 1000, "set_alpha_to_one": False,
    "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None, "clip_sample": False}


@dataclass(frozen=True)
class Size:
    """What the parts' config.json files say about their sizes."""

    widths: tuple[int, ...]
    layers: int
    heads: int
    groups: int
    embedding: int
    vae_widths: tuple[int, ...]
    vae_layers: int
    vae_groups: int
    tiny_width: int
    tiny_blocks: tuple[int, ...]
    stem: tuple[int, ...]
    rank: int


SMALL = Size((32, 64, 64), 1, 4, 8, 40, (16, 32, 32, 32), 1, 8, 16, (1, 1, 1, 1), (8, 16, 24, 32),
             4)
STABLE_DIFFUSION = Size((320, 640, 1280, 1280), 2, 8, 32, 768, (128, 256, 512, 512), 2, 32, 64,
                        (1, 3, 3, 3), STEM, 64)


@dataclass
class Parts:
    unet: UNet2DConditionModel
    controlnet: ControlNetModel
    vae: AutoencoderKL
    tiny: AutoencoderTiny

    def modules(self) -> tuple[nn.Module, ...]:
        return self.unet, self.controlnet, self.vae, self.tiny


def make_unet(size: Size) -> UNet2DConditionModel:
    crossed = len(size.widths) - 1
    return UNet2DConditionModel(
        in_channels=4, out_channels=4, block_out_channels=size.widths,
        layers_per_block=size.layers, norm_num_groups=size.groups, attention_head_dim=size.heads,
        cross_attention_dim=size.embedding, sample_size=64,
        down_block_types=("CrossAttnDownBlock2D",) * crossed + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * crossed)


def stem(size: Size) -> nn.Sequential:
    """From the ten planes to the UNet's first width at an eighth of the picture's size."""
    channels = [PLANES, size.stem[0]]
    strides = [1]
    for width, next_width in zip(size.stem, size.stem[1:]):
        channels += [width, next_width]
        strides += [1, 2]
    channels += [size.stem[-1], size.widths[0]]
    strides += [1, 1]
    layers: list[nn.Module] = []
    for i, stride in enumerate(strides):
        layers += [nn.Conv2d(channels[i], channels[i + 1], 3, stride, 1), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


def make_controlnet(unet: UNet2DConditionModel, size: Size) -> ControlNetModel:
    controlnet = ControlNetModel.from_unet(
        unet, conditioning_channels=PLANES, conditioning_embedding_out_channels=size.stem)
    controlnet.controlnet_cond_embedding = stem(size)
    return controlnet


def make_vae(size: Size) -> AutoencoderKL:
    count = len(size.vae_widths)
    return AutoencoderKL(
        block_out_channels=size.vae_widths, layers_per_block=size.vae_layers, latent_channels=4,
        norm_num_groups=size.vae_groups, down_block_types=("DownEncoderBlock2D",) * count,
        up_block_types=("UpDecoderBlock2D",) * count, scaling_factor=0.18215)


def make_tiny(size: Size) -> AutoencoderTiny:
    widths = (size.tiny_width,) * 4
    return AutoencoderTiny(
        encoder_block_out_channels=widths, decoder_block_out_channels=widths,
        num_encoder_blocks=size.tiny_blocks, num_decoder_blocks=size.tiny_blocks[::-1])


def randomize(module: nn.Module, seed: int, dtype: torch.dtype) -> None:
    """Weights under which every layer matters, rounded to what a file of `dtype` keeps."""
    draw = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(module.named_parameters()):
        random = torch.empty_like(tensor).normal_(generator=draw)
        if tensor.dim() == 1 and name.endswith("weight"):
            random = 1 + 0.2 * random  # a norm's gain
        elif tensor.dim() == 1:
            random *= 0.05
        else:
            random /= tensor[0].numel() ** 0.5
        tensor.data = random.to(dtype).to(tensor.dtype)


def add_lora(unet: UNet2DConditionModel, size: Size, seed: int) -> None:
    """Widens conv_in for the previous latent and adds an adapter to all but the attentions."""
    first = unet.conv_in
    wide = nn.Conv2d(8, first.out_channels, 3, padding=1)
    wide.weight.data = torch.zeros_like(wide.weight)
    wide.weight.data[:, :4] = first.weight.data
    wide.bias.data = first.bias.data
    unet.conv_in = wide
    targets = [
        name for name, module in unet.named_modules()
        if isinstance(module, (nn.Linear, nn.Conv2d)) and not name.endswith(TARGETS_SKIPPED)]
    unet.add_adapter(
        LoraConfig(r=size.rank, lora_alpha=size.rank, target_modules=targets), "default")
    draw = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(unet.named_parameters()):
        if ".lora_" in name:
            random = torch.empty_like(tensor).normal_(generator=draw)
            spread = tensor[0].numel() ** 0.5
            random = random / spread if ".lora_A." in name else 0.2 * random
            tensor.data = random.to(torch.float16).float()


def set_lora_scale(unet: UNet2DConditionModel, scale: float) -> None:
    for module in unet.modules():
        if hasattr(module, "lora_A"):
            module.set_scale("default", scale)


def make_parts(size: Size, seed: int, dtypes: tuple[torch.dtype, ...]) -> Parts:
    """Without the LoRA, which is added once the UNet has been saved."""
    torch.manual_seed(seed)
    unet = make_unet(size)
    parts = Parts(unet, make_controlnet(unet, size), make_vae(size), make_tiny(size))
    for i, (module, dtype) in enumerate(zip(parts.modules(), dtypes)):
        randomize(module.eval(), seed + i, dtype)
    return parts


def save_controlnet(controlnet: ControlNetModel, folder: Path, dtype: torch.dtype) -> None:
    """As FrameDiffuser saves it: one file, the number of planes in the config."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.to(dtype).contiguous()
             for name, tensor in controlnet.state_dict().items()}
    save_file(state, folder / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
    config = {key: value for key, value in controlnet.config.items()
              if key != "_use_default_values"}
    config |= {"_class_name": "ControlNetModelEx", "gbuffer_channels": PLANES}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def save_module(module: nn.Module, folder: Path, dtype: torch.dtype, shard: str = "10GB") -> None:
    module.to(dtype).save_pretrained(folder, max_shard_size=shard)
    module.to(torch.float32)


def save_lora(unet: UNet2DConditionModel, folder: Path, name: str) -> None:
    layers = {key: tensor.to(torch.float16) for key, tensor in convert_state_dict_to_diffusers(
        get_peft_model_state_dict(unet)).items()}
    StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=layers, weight_name=name)


def save_kohya_lora(unet: UNet2DConditionModel, path: Path) -> None:
    """The same adapter in kohya's naming, with an alpha of half the rank."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in get_peft_model_state_dict(unet).items():
        layer, factor = name.removesuffix(".weight").rsplit(".", 1)
        prefix = "lora_unet_" + layer.replace(".", "_")
        if factor == "lora_A":
            tensors[f"{prefix}.lora_down.weight"] = tensor.to(torch.float16).contiguous()
            tensors[f"{prefix}.alpha"] = torch.tensor(tensor.shape[0] / 2)
        else:
            tensors[f"{prefix}.lora_up.weight"] = (2 * tensor).to(torch.float16).contiguous()
    save_file(tensors, path)
