# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What a picture keeps of the one before it beside what the network says of it (temporal accumulation),
and which surfaces the network is not told the history of. The numbers here are the model's contract:
the daemon computes the same. A model is trained without either; `model.json` turns them on."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from color import EPS, linear_from_srgb, rounded_to_bytes, srgb_from_linear
from geometry import Camera

# Surfaces smoother than this that are no metal show mirror images, which do not stay on them when the
# eye moves. Metal was better off with its history (docs/model.md).
MIRROR_ROUGHNESS, MIRROR_METALLIC = 0.3, 0.5
# What a newly trained model states (docs/model.md).
ACCUMULATION, MIRROR_PARALLAX = 0.6, 0.025
# Such surfaces keep so much less while the eye moves.
SMOOTH_SHARE = 0.5
# Of log light on a base color, from that of black to that of white.
STEPS = 4096
# sRGB: where the network's picture is so far from the kept one, nothing is kept.
REACH = 0.3


@dataclass
class Kept:
    """The previous picture as it would look in this frame, and how much of it is kept."""

    picture: torch.Tensor  # [B, 3, H, W] sRGB 0..1, whole numbers of 255
    share: torch.Tensor  # [B, 1, H, W] 0..1, whole numbers of 255


def eye_moved(current: list[Camera], previous: list[Camera], device) -> torch.Tensor:
    """Metres, `[B, 1, 1, 1]`."""
    moved = [float(np.linalg.norm(c.matrix()[:3, 3] - p.matrix()[:3, 3]))
             for c, p in zip(current, previous)]
    return torch.tensor(moved, device=device, dtype=torch.float32)[:, None, None, None]


def mirrors(roughness: torch.Tensor, metallic: torch.Tensor, depth: torch.Tensor,
            base_frames: torch.Tensor | None, moved: torch.Tensor,
            parallax: float) -> torch.Tensor:
    """Smooth surfaces whose history the network is not told: where the eye has moved more than
    `parallax` radians around them, and where a pixel stayed, since what it still makes of its own
    picture there gets worse with each frame (docs/model.md). Bool `[B, 1, H, W]`; `depth` `[B, H, W]`
    metres, 0 is sky."""
    far = depth[:, None]
    moves = far * parallax < moved
    if base_frames is not None:
        moves |= base_frames[:, None] > 1
    return (roughness < MIRROR_ROUGHNESS) & (metallic < MIRROR_METALLIC) & (far > 0) & moves


def kept(base: torch.Tensor, base_frames: torch.Tensor | None, roughness: torch.Tensor,
         source: torch.Tensor, light: torch.Tensor, valid: torch.Tensor,
         accumulation: float) -> Kept:
    """What is there to be kept of a moved picture `source` and its log light.

    Where a pixel stayed (`base_frames` `[B, H, W]` is how many frames are in base color's mean), the
    picture itself, so that the next one is the mean over the stand; elsewhere its light on the base
    color of now, so that textures stay as sharp as they are drawn.
    """
    frames = torch.ones_like(valid, dtype=base.dtype) if base_frames is None else base_frames
    frames = frames[:, None]
    shown = torch.where(frames > 1, source, lit(base, light))
    moving = torch.where(roughness < MIRROR_ROUGHNESS, accumulation * SMOOTH_SHARE, accumulation)
    share = torch.where(frames > 1, (frames - 1) / frames, moving)
    share = (share * 255 + 0.5).floor() / 255
    here = valid[:, None]
    return Kept(torch.where(here, rounded_to_bytes(shown), 0.0), torch.where(here, share, 0.0))


def lit(base: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """sRGB of log light on a base color, which is told apart in `STEPS` steps."""
    low, high = math.log(EPS), math.log1p(EPS)
    step = ((torch.log(linear_from_srgb(base) + EPS) + light - low) * (STEPS / (high - low)))
    middle = step.clamp(0, STEPS - 1).floor() + 0.5
    return srgb_from_linear(torch.exp(middle.double() * ((high - low) / STEPS) + low) - EPS).float()


def accumulated(picture: torch.Tensor, previous: Kept | None) -> torch.Tensor:
    """sRGB 0..1 in and out, not rounded."""
    if previous is None:
        return picture
    apart = previous.picture - picture
    near = (1 - apart.abs().amax(1, keepdim=True) / REACH).clamp(min=0)
    return picture + apart * previous.share * near
