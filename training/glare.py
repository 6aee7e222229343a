# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Where a training picture shows a mirror image of a lamp or of the sun."""

import torch
import torch.nn.functional as F

from color import EPS, linear_from_srgb
from history import FrameBatch

# Light over base color, both linear. On rough surfaces of the atrium's training clips 99 of 100
# pixels lie below 2.4 to 4, on glossy ones 95 of 100 below 2 to 3.7, single ones at 25 and more.
MOST_OF_ROUGH, MOST_OF_GLOSSY = 4.0, 2.0
GLOSSY = 0.35  # roughness


def glare(frame: FrameBatch) -> torch.Tensor:
    """`[B, 1, H/2, W/2]` bool, H and W even: the 2x2 blocks with a pixel that is brighter than its
    base color can be under any light that it gives off in all directions.

    Such a picture belongs to the direction of view and not to the place. A place grid or light
    probes that learn from it keep it as the place's own: a dark screen that the one training camera
    before it saw in a reflection of the sun was white from everywhere. Metals show nothing but
    mirror images, and no more of them than their base color lets through: they are left as they
    are."""
    shown = linear_from_srgb(frame.picture)
    if frame.emissive is not None:
        shown = shown - linear_from_srgb(frame.emissive)
    light = (shown / (linear_from_srgb(frame.base) + EPS)).amax(1, keepdim=True)
    most = torch.where(frame.roughness < GLOSSY, MOST_OF_GLOSSY, MOST_OF_ROUGH)
    bright = (light > most) & (frame.metallic < 0.5)
    return F.max_pool2d(bright.float(), 2) > 0
