# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Runs the pipeline of a checkout of FrameDiffuser beside our statement of what it computes."""

import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UniPCMultistepScheduler
from PIL import Image

from framediffuser_parts import SCHEDULER


class ReferenceDiffers(Exception):
    """The checkout's pipeline returned other pictures."""


def pipeline(checkout: Path, model: Path):
    sys.path.insert(0, str(checkout))
    from model import ControlNetModelEx, UNet2DConditionModelEx
    from pipeline import StableDiffusionDualControlPipeline
    unet = UNet2DConditionModelEx.from_pretrained(model / "unet").float()
    unet = unet.add_extra_conditions(["gbuffer"])
    vae = AutoencoderKL.from_pretrained(model / "vae").float()
    # The reference draws a sample of the latent; a comparison needs what it is drawn around.
    encode = vae.encode
    def encode_to_mode(picture):
        encoded = encode(picture)
        encoded.latent_dist.sample = encoded.latent_dist.mode
        return encoded
    vae.encode = encode_to_mode
    made = StableDiffusionDualControlPipeline(
        vae=vae, text_encoder=None, tokenizer=None, unet=unet,
        controlnet=ControlNetModelEx.from_pretrained(model / "controlnet").float(),
        scheduler=UniPCMultistepScheduler.from_config(
            DDPMScheduler.from_config(SCHEDULER).config),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    made.load_lora_weights(str(model), weight_name="controllora.safetensors",
                           adapter_name="gbuffer")
    made.unet.set_adapter("gbuffer")
    made.unet.float()
    made.set_progress_bar_config(disable=True)
    return made


def compare(checkout: Path, model: Path, controls: list[torch.Tensor], first: np.ndarray,
            noise: torch.Tensor, embedding: torch.Tensor, steps: int,
            pictures: torch.Tensor) -> None:
    """- Parameter controls: the ten planes of each frame."""
    reference = pipeline(checkout, model)
    previous = Image.fromarray(first)
    for i, control in enumerate(controls):
        output = reference(
            prompt_embeds=embedding, lora_images=previous, controlnet_images=control,
            num_inference_steps=steps, latents=noise[i:i + 1].clone(), guidance_scale=1.0,
            height=control.shape[2], width=control.shape[3])
        previous = output.images[0]
        apart = np.abs(np.asarray(previous).astype(int) - pictures[i].numpy().astype(int))
        print(f"frame {i}: largest difference from the reference {apart.max()}/255, "
              f"{(apart > 0).mean():.2%} of values differ")
        if apart.max() > 1:
            raise ReferenceDiffers(f"frame {i} differs by {apart.max()}/255")
