# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""How far a picture is from the reference, and how much of its change is its own fault.

Pictures are `[1, 3, H, W]`, 8-bit values scaled to 0..1; masks are bool `[1, H, W]`."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from geometry import motion, trust, warp_bilinear
from history import FrameBatch

SSIM_RADIUS, SSIM_SIGMA = 5, 1.5  # 11x11 gaussian


@dataclass
class Score:
    psnr: float
    ssim: float
    flip: float | None


def psnr(picture: torch.Tensor, reference: torch.Tensor, mask: torch.Tensor | None = None) -> float:
    squared = (picture.double() - reference.double()) ** 2
    error = squared.mean(1)[mask].mean() if mask is not None else squared.mean()
    return math.inf if error == 0 else float(-10 * torch.log10(error))


def ssim_map(picture: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """`[1, H-10, W-10]`: gaussian window, population covariance, mean over the channels; only
    where the whole window is inside."""
    a, b = picture.double(), reference.double()
    offset = torch.arange(-SSIM_RADIUS, SSIM_RADIUS + 1, dtype=torch.float64, device=a.device)
    window = torch.exp(-0.5 * (offset / SSIM_SIGMA) ** 2)
    window = (window / window.sum()).expand(3, 1, 1, -1)

    def blurred(x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.conv2d(x, window, groups=3), window.transpose(2, 3), groups=3)

    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a ** 2, blurred(b * b) - mean_b ** 2
    both = blurred(a * b) - mean_a * mean_b
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    result = ((2 * mean_a * mean_b + c1) * (2 * both + c2)
              / ((mean_a ** 2 + mean_b ** 2 + c1) * (var_a + var_b + c2)))
    return result.mean(1)


def ssim(picture: torch.Tensor, reference: torch.Tensor, mask: torch.Tensor | None = None) -> float:
    values = ssim_map(picture, reference)
    if mask is None:
        return float(values.mean())
    r = SSIM_RADIUS
    return float(values[mask[:, r:-r, r:-r]].mean())


def flip_map(picture: torch.Tensor, reference: torch.Tensor) -> torch.Tensor | None:
    """`[1, H, W]` by the flip-evaluator package (LDR, default viewing distance); None without."""
    try:
        import flip_evaluator
    except ImportError:
        return None
    as_array = lambda t: t[0].permute(1, 2, 0).float().cpu().numpy().copy()
    errors, _, _ = flip_evaluator.evaluate(as_array(reference), as_array(picture), "LDR",
                                           applyMagma=False)
    return torch.from_numpy(errors[..., 0].copy())[None]


def score(picture: torch.Tensor, reference: torch.Tensor, mask: torch.Tensor | None = None,
          with_flip: bool = True) -> Score:
    flips = flip_map(picture, reference) if with_flip else None
    if flips is not None:
        flips = float(flips.mean() if mask is None else flips[mask.cpu()].mean())
    return Score(psnr(picture, reference, mask), ssim(picture, reference, mask), flips)


def temporal_error(frame: FrameBatch, previous: FrameBatch, picture: torch.Tensor,
                   previous_picture: torch.Tensor,
                   mask: torch.Tensor | None = None) -> float | None:
    """Mean |picture - previous picture moved bilinearly| over pixels with history, x1000.

    None without cameras, or where nothing of the frame was seen before."""
    if frame.cameras is None:
        return None
    pixel, reprojected = motion(frame.depth, frame.cameras, previous.cameras)
    valid = trust(pixel, reprojected, frame.depth, previous.depth)
    if mask is not None:
        valid = valid & mask
    if not bool(valid.any()):
        return None
    change = (picture - warp_bilinear(previous_picture, pixel)).abs().mean(1)
    return 1000 * float(change[valid].mean())


def change_psnr(picture: torch.Tensor, previous: torch.Tensor, reference: torch.Tensor,
                previous_reference: torch.Tensor) -> float:
    """tPSNR: PSNR of the change from frame to frame against the reference's change, not moved; it
    holds a picture to blame for flicker and for lagging behind alike."""
    apart = (picture.double() - previous.double()) \
        - (reference.double() - previous_reference.double())
    error = (apart ** 2).mean()
    return math.inf if error == 0 else float(-10 * torch.log10(error))


def video_quality(pictures: list[torch.Tensor], references: list[torch.Tensor],
                  frames_per_second: float) -> float | None:
    """ColorVideoVDP in JOD (10: no difference; a standard 4K display at its default distance), by
    the package cvvdp; None where it is not installed."""
    try:
        import pycvvdp
    except ImportError:
        return None
    stacked = lambda frames: torch.cat(frames).permute(1, 0, 2, 3)[None].float()
    metric = pycvvdp.cvvdp(display_name="standard_4k", heatmap=None)
    value, _ = metric.predict(stacked(pictures), stacked(references), dim_order="BCFHW",
                              frames_per_second=frames_per_second)
    return float(value)
