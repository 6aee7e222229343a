# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Where a picture's error lies: by the kind of surface that a pixel shows.

The first six kinds share a frame out among themselves; edges of depth and of light lie across
them."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from color import log_light
from history import FrameBatch

EMITTING = 0.1  # sRGB: what shines more is emissive
METAL, SMOOTH = 0.5, 0.3  # of metallic; of roughness
DEPTH_STEP = 0.05  # of the nearer depth, between neighbours: an edge
LIGHT_STEP = 0.5  # of log light between neighbours on one surface: the edge of a shadow
EDGE_REACH = 2  # pixels on both sides

KINDS = ("sky", "emissive", "metal", "smooth", "rough", "depth edges", "light edges")


@dataclass
class Share:
    """Of one kind of surface, over a whole clip: how much of it is seen and how wrong it is."""

    pixels: float  # of all pixels, 0..1
    error: float  # of all squared error, 0..1
    psnr: float | None  # dB over its own pixels; None where there are none


def across(step: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """Bool steps between horizontal and vertical neighbours, widened to both sides."""
    edge = torch.zeros(step.shape[0], down.shape[1] + 1, step.shape[2] + 1)
    edge[:, :, :-1] += step
    edge[:, :-1] += down
    return F.max_pool2d(edge[:, None], 2 * EDGE_REACH + 1, 1, EDGE_REACH)[:, 0] > 0


def kinds(frame: FrameBatch) -> dict[str, torch.Tensor]:
    """Masks `[B, H, W]`, bool, by the names of `KINDS`."""
    sky = frame.depth <= 0
    shines = torch.zeros_like(sky) if frame.emissive is None \
        else (frame.emissive.amax(1) > EMITTING) & ~sky
    lit = ~sky & ~shines
    metal = lit & (frame.metallic[:, 0] > METAL)
    smooth = lit & ~metal & (frame.roughness[:, 0] < SMOOTH)
    depth = torch.where(sky, 1e6, frame.depth)
    light = log_light(frame.picture, frame.base).mean(1)

    def steps(a, b, light_a, light_b, same):
        far = (a - b).abs() > DEPTH_STEP * torch.minimum(a, b)
        return far, ((light_a - light_b).abs() > LIGHT_STEP) & ~far & same

    base = frame.base
    flat_x = (base[..., 1:] - base[..., :-1]).abs().amax(1) < 0.05
    flat_y = (base[..., 1:, :] - base[..., :-1, :]).abs().amax(1) < 0.05
    far_x, lit_x = steps(depth[..., 1:], depth[..., :-1], light[..., 1:], light[..., :-1], flat_x)
    far_y, lit_y = steps(depth[:, 1:], depth[:, :-1], light[:, 1:], light[:, :-1], flat_y)
    return {"sky": sky, "emissive": shines, "metal": metal, "smooth": smooth,
            "rough": lit & ~metal & ~smooth, "depth edges": across(far_x, far_y),
            "light edges": across(lit_x, lit_y)}


class SurfaceErrors:
    """Squared errors of a clip's pictures, summed by kind."""

    def __init__(self):
        self.pixels, self.errors = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0.0)
        self.all_pixels = self.all_errors = 0.0

    def add(self, frame: FrameBatch, picture: torch.Tensor) -> None:
        squared = ((picture - frame.picture).double() ** 2).mean(1)
        for name, mask in kinds(frame).items():
            self.pixels[name] += float(mask.sum())
            self.errors[name] += float(squared[mask].sum())
        self.all_pixels += squared.numel()
        self.all_errors += float(squared.sum())

    def shares(self) -> dict[str, Share]:
        found = {}
        for name in KINDS:
            pixels, error = self.pixels[name], self.errors[name]
            ratio = None
            if pixels > 0:
                ratio = float(-10 * torch.log10(torch.tensor(max(error, 1e-12) / pixels)))
            found[name] = Share(pixels / max(self.all_pixels, 1),
                                error / max(self.all_errors, 1e-12), ratio)
        return found


def surface_table(by_way: dict[str, dict[str, Share]]) -> str:
    lines = ["| | " + " | ".join(KINDS) + " |", "|---" * (len(KINDS) + 1) + "|"]
    first = next(iter(by_way.values()))
    lines.append("| share of pixels | " + " | ".join(
        f"{first[name].pixels:.1%}" for name in KINDS) + " |")
    for way, shares in by_way.items():
        cells = [f"{s.error:.1%}, " + ("-" if s.psnr is None else f"{s.psnr:.2f} dB")
                 for s in (shares[name] for name in KINDS)]
        lines.append(f"| {way}: share of the error, PSNR | " + " | ".join(cells) + " |")
    return "\n".join(lines)
