# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Makes a model folder of Stable Diffusion 1.5's full size with random weights, for measurements.

    python training/make_random_sd15.py --out MODELS/random-sd15 [--steps 10] [--tiny]

The pictures are noise; sizes, files and times are those of FrameDiffuser's published models.
About 2.8 GB of files in bfloat16, 4 GB of memory while it runs.
"""

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from framediffuser_parts import SCHEDULER, STABLE_DIFFUSION, add_lora, make_controlnet, make_tiny, \
    make_unet, make_vae, randomize, save_controlnet, save_lora
from import_framediffuser import Recipe, write_manifest

TYPE = torch.bfloat16


def save(module: nn.Module, folder: Path, seed: int) -> None:
    randomize(module.eval(), seed, TYPE)
    module.to(TYPE).save_pretrained(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="New folder.")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--tiny", action="store_true", help="The tiny autoencoder in place of the VAE.")
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    size = STABLE_DIFFUSION
    torch.manual_seed(1)
    unet = make_unet(size)
    controlnet = make_controlnet(unet, size)
    randomize(controlnet.eval(), 2, TYPE)
    save_controlnet(controlnet, options.out / "controlnet", TYPE)
    del controlnet
    save(unet, options.out / "unet", 1)
    add_lora(unet, size, 3)
    save_lora(unet, options.out, "controllora.safetensors")
    del unet
    save(make_tiny(size) if options.tiny else make_vae(size), options.out / "vae", 4)
    save_file({"embedding": torch.randn(77, size.embedding)}, options.out / "prompt.safetensors")
    write_manifest(options.out, Recipe(
        options.out.name, SCHEDULER, description="Stable Diffusion 1.5's size, random weights",
        licence="CC0-1.0", source="generated", steps=options.steps,
        coder="AutoencoderTiny" if options.tiny else "AutoencoderKL"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
