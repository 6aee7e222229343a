# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What goes wrong with histories when a model is served, made on purpose."""

import numpy as np
import torch
import torch.nn.functional as F

from color import EPS, LIGHT_LIMIT, linear_from_srgb, log_light, srgb_from_linear

NOISE_GAIN = 1.5  # standard deviation of the log light's noise per unit of added sigma


def stained_picture(rng: np.random.Generator, picture: torch.Tensor,
                    stained: list[bool]) -> torch.Tensor:
    """Soft spots of a wrong color in some pictures.

    A small error of the picture is a large one of the light where the base color is dark, and
    noise on the light never makes it."""
    if not any(stained):
        return picture
    out = picture.clone()
    height, width = picture.shape[-2:]
    rows = torch.arange(height, device=picture.device)[:, None]
    columns = torch.arange(width, device=picture.device)[None]
    for i in (i for i, here in enumerate(stained) if here):
        for _ in range(int(rng.integers(1, 4))):
            y, x = rng.uniform(0, height), rng.uniform(0, width)
            radius = rng.uniform(min(height, width) / 16, min(height, width) / 3, 2)
            distance = ((rows - y) / radius[0]) ** 2 + ((columns - x) / radius[1]) ** 2
            strength = torch.exp(-(distance ** 2)) * rng.uniform(0.1, 1)
            color = np.clip(rng.uniform(0, 1) + rng.normal(0, 0.1, 3), 0, 1)
            color = torch.tensor(color, dtype=picture.dtype, device=picture.device)
            out[i] += (color[:, None, None] - out[i]) * strength
    return out


def spoiled_picture(rng: np.random.Generator, picture: torch.Tensor, base: torch.Tensor,
                    amounts: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise on the light of some pictures: two thirds smooth, a third per pixel. Gives the
    pictures and their log light."""
    light = log_light(picture, base)
    if not any(amounts):
        return picture, light
    batch_size, channels, height, width = picture.shape
    noise = torch.zeros_like(picture)
    draw = torch.Generator().manual_seed(int(rng.integers(2 ** 62)))
    for i, amount in enumerate(amounts):
        if amount == 0:
            continue
        cell = int(rng.choice([8, 16, 32]))
        coarse = torch.randn(1, channels, height // cell + 2, width // cell + 2, generator=draw)
        coarse = coarse * 0.5 + coarse.mean(1, keepdim=True)  # mostly a change of brightness
        smooth = F.interpolate(coarse, size=(height, width), mode="bilinear")[0]
        fine = torch.randn(channels, height, width, generator=draw)
        noise[i] = (smooth * 2 / 3 + fine / 3).to(noise.device) * (amount * NOISE_GAIN)
    spoiled = srgb_from_linear(((linear_from_srgb(picture) + EPS) * noise.exp() - EPS).clamp(0, 1))
    touched = torch.tensor([a > 0 for a in amounts], device=picture.device)[:, None, None, None]
    return (torch.where(touched, spoiled, picture),
            torch.where(touched, (light + noise).clamp(-LIGHT_LIMIT, LIGHT_LIMIT), light))
