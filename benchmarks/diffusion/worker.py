# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""diffusers in a process of its own: loads the parts of a model folder, runs each once uncounted and
then so many times; prints the seconds of each part as one line of JSON.

    python benchmarks/diffusion/worker.py MODEL_DIR bf16 --threads 2 --passes 2 --size 512
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "training"))
from framediffuser_parts import STABLE_DIFFUSION, make_controlnet  # noqa: E402

KINDS = {"bf16": torch.bfloat16, "fp32": torch.float32}


def parts(folder: Path, kind: torch.dtype, size: int) -> dict:
    """What a frame of one step runs, by name. Times do not depend on weights: the ControlNet's are
    drawn anew, conv_in is widened by zeros, and no adapter is merged."""
    unet = UNet2DConditionModel.from_pretrained(folder / "unet")
    controlnet: ControlNetModel = make_controlnet(unet, STABLE_DIFFUSION)
    wide = nn.Conv2d(8, unet.conv_in.out_channels, 3, padding=1)
    unet.conv_in = wide
    vae = AutoencoderKL.from_pretrained(folder / "vae")
    for module in (unet, controlnet, vae):
        module.eval().requires_grad_(False).to(kind).to(memory_format=torch.channels_last)

    def random(*shape: int) -> torch.Tensor:
        values = torch.randn(*shape, dtype=kind)
        return values.to(memory_format=torch.channels_last) if len(shape) == 4 else values

    cells = size // 8
    latent, wide_latent = random(1, 4, cells, cells), random(1, 8, cells, cells)
    planes, picture, text = random(1, 10, size, size), random(1, 3, size, size), random(1, 77, 768)
    step = torch.tensor([500])
    added = {}

    def control() -> None:
        added["down"], added["middle"] = controlnet(
            latent, step, encoder_hidden_states=text, controlnet_cond=planes, return_dict=False)

    def predict() -> None:
        unet(wide_latent, step, encoder_hidden_states=text, return_dict=False,
             down_block_additional_residuals=added["down"],
             mid_block_additional_residual=added["middle"])

    return {"controlnet": control, "unet": predict,
            "encode": lambda: vae.encode(picture, return_dict=False)[0].mode(),
            "decode": lambda: vae.decode(latent, return_dict=False)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("precision", choices=KINDS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    times: dict[str, list[float]] = {}
    with torch.inference_mode():
        for name, run in parts(options.model, KINDS[options.precision], options.size).items():
            for index in range(options.passes + 1):
                started = time.perf_counter()
                run()
                if index > 0:
                    times.setdefault(name, []).append(time.perf_counter() - started)
    print(json.dumps(times))
    return 0


if __name__ == "__main__":
    sys.exit(main())
