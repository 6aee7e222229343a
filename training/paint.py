# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Surfaces of an environment in other colors than it has.

A data set shows each surface in its own color alone. On one that it never saw, or only from afar, a
network's own pictures may drift from frame to frame (figures in docs/model.md); paint gives it
surfaces whose look it cannot know by heart.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from color import linear_from_srgb, rounded_to_bytes, srgb_from_linear
from geometry import Camera, camera_rays, matrices, rotated
from history import FrameBatch

LEAST_BASE = 0.25  # sRGB: darker surfaces do not tell how much light falls on them
LEAST_EMISSION = 0.1  # sRGB
SHEEN = 0.02  # of the light, that a painted surface gives back whatever its color


Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Paint:
    """Dark ground with bright dashes, in a ball around a point of a surface."""

    center: Triple  # world
    radius: float  # metres
    over: Triple  # world direction over the lines of dashes
    along: Triple
    period: tuple[float, float]  # metres, over the lines and along them
    filled: tuple[float, float]  # of a period
    ground: Triple  # linear base color
    dash: Triple


def drawn_paint(rng: np.random.Generator, camera: Camera, depth: torch.Tensor) -> Paint | None:
    """On a surface that the crop shows; `depth` `[h, w]`, `camera` that of the crop."""
    height, width = depth.shape
    x, y = int(rng.integers(width)), int(rng.integers(height))
    z = float(depth[y, x])
    if z <= 0:
        return None
    ray = camera_rays([camera], height, width)[0, :, y, x].numpy()
    matrix = camera.matrix()
    span = z * width / camera.fx
    radius = span * float(rng.uniform(0.1, 0.5))
    period = radius * np.exp(rng.uniform(np.log(0.04), np.log(0.6), 2))
    over, along, _ = np.linalg.qr(rng.normal(size=(3, 3)))[0].tolist()
    filled = rng.uniform((0, 0.3), (0.7, 1))
    darkness = np.exp(rng.uniform(np.log(0.001), np.log(0.2)))
    ground = np.clip(darkness * np.exp(rng.normal(0, 0.4, 3)), 0, 0.9)
    return Paint(tuple((matrix[:3, :3] @ (ray * z) + matrix[:3, 3]).tolist()), radius,
                 tuple(over), tuple(along), tuple((period * (1, 3)).tolist()),
                 tuple(filled.tolist()), tuple(ground.tolist()),
                 tuple(rng.uniform(0.02, 0.9, 3).tolist()))


def painted(frame: FrameBatch, paints: list[Paint | None]) -> FrameBatch:
    """The frames with their painted surfaces in new colors under the light that fell on the old."""
    if frame.cameras is None or not any(paints):
        return frame
    base, picture = frame.base.clone(), frame.picture.clone()
    for i, paint in enumerate(paints):
        if paint is not None:
            base[i], picture[i] = one_painted(frame, i, paint)
    return replace(frame, base=base, picture=picture)


def one_painted(frame: FrameBatch, i: int, paint: Paint) -> tuple[torch.Tensor, torch.Tensor]:
    device, depth = frame.base.device, frame.depth[i]
    triple = lambda values: torch.tensor(values, device=device)[:, None]
    matrix = matrices([frame.cameras[i].matrix()], device)
    rays = camera_rays([frame.cameras[i]], *depth.shape, device)
    position = (rotated(matrix[:, :3, :3], rays * depth) + matrix[:, :3, 3, None, None])[0]
    offset = position - triple(paint.center)[:, None]
    here = ((offset.square().sum(0) < paint.radius ** 2) & (depth > 0)
            & (frame.metallic[i, 0] < 0.5) & (frame.base[i].amin(0) > LEAST_BASE))
    if frame.emissive is not None:  # what shines is not lit
        here &= frame.emissive[i].amax(0) < LEAST_EMISSION
    offset = offset[:, here]
    line = (offset * triple(paint.over)).sum(0) / paint.period[0]
    way = (offset * triple(paint.along)).sum(0) / paint.period[1] + 0.37 * line.floor()
    is_dash = (line % 1 < paint.filled[0]) & (way % 1 < paint.filled[1])
    color = as_bytes(torch.where(is_dash, triple(paint.dash), triple(paint.ground)))
    light = linear_from_srgb(frame.picture[i][:, here]) / linear_from_srgb(frame.base[i][:, here])
    base, picture = frame.base[i].clone(), frame.picture[i].clone()
    base[:, here] = color
    picture[:, here] = as_bytes((linear_from_srgb(color) + SHEEN) * light)
    return base, picture


def as_bytes(linear: torch.Tensor) -> torch.Tensor:
    return rounded_to_bytes(srgb_from_linear(linear))
