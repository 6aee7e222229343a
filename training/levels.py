# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Light at half or quarter size: the network sees the planes reduced, and its light is brought back
to full size along depth and normals. The numbers here are the contract: the daemon computes the same
(docs/protocol.md, "Levels of quality")."""

from dataclasses import replace

import torch
import torch.nn.functional as F

from color import EPS, linear_from_srgb, rounded_to_bytes, srgb_from_linear
from dataset import LoadedClip
from geometry import DEPTH_ABSOLUTE, DEPTH_RELATIVE, padded
from history import Carried, FrameBatch, Session, Without, averaged, model_inputs, \
    nothing_carried, served
from model import CompactDenoiser, FramePlanes, picture, picture_parts

# Pixels of the frame along a pixel of its light.
SIDES = {"full": 1, "half": 2, "quarter": 4}
# How far a depth may be off, as a share of the farther one, before its light counts a quarter.
DEPTH_SPREAD = 0.03
# What a sample of the same depth counts whose normal is another.
LEAST_NORMAL = 0.02
# Samples that together count for less are of other surfaces.
LEAST_WEIGHT = 0.01


def members(planes: torch.Tensor, side: int) -> torch.Tensor:
    """`[B, C, H, W]` to `[B, C, side * side, h, w]`, row by row; edges are repeated."""
    return F.pixel_unshuffle(padded(planes, side), side).unflatten(1, (planes.shape[1], side * side))


def middle(planes: torch.Tensor, side: int) -> torch.Tensor:
    """Of each pixel of light the member that it stands for: the middle one, of four the last. On the
    validation clip 0.24 dB (half) and 0.6 dB (quarter) better than the nearest of them."""
    return members(planes, side)[:, :, side // 2 * side + side // 2]


def of_surface(depth: torch.Tensor, side: int) -> torch.Tensor:
    """`[B, 1, side * side, h, w]`: 1 for members on the middle one's surface."""
    each, own = members(depth, side), middle(depth, side)[:, :, None]
    close = (each > 0) & ((each - own).abs() <= own * DEPTH_RELATIVE + DEPTH_ABSOLUTE)
    return torch.where(own > 0, close, each <= 0).float()


def mean_color(color: torch.Tensor, over: torch.Tensor, side: int) -> torch.Tensor:
    """sRGB in and out, rounded to bytes; the mean is one of linear light."""
    linear = members(linear_from_srgb(color), side)
    return rounded_to_bytes(srgb_from_linear((linear * over).sum(2) / over.sum(2)))


def reduced(frame: FrameBatch, side: int) -> FrameBatch:
    """The frame as the network sees it. Depth, normals, roughness and metallic are the middle
    member's: their means would be of no surface; base color is the mean over its surface."""
    own = middle(frame.depth[:, None], side)
    same = of_surface(frame.depth[:, None], side)
    height, width = own.shape[-2:]
    return FrameBatch(
        mean_color(frame.base, same, side), middle(frame.normal, side), own[:, 0],
        middle(frame.roughness, side), middle(frame.metallic, side),
        mean_color(frame.picture, same, side),
        frame.cameras and [c.scaled(1 / side, width, height) for c in frame.cameras],
        emissive=None if frame.emissive is None
        else mean_color(frame.emissive, torch.ones_like(same), side))


def reduced_clip(clip: LoadedClip, side: int) -> LoadedClip:
    """The clip as sessions of this level show it to the network, its pictures reduced alike."""
    frames = [reduced(clip.frame(index), side) for index in range(len(clip))]
    byte = lambda unit: (unit * 255).round().to(torch.uint8)
    planes = [torch.cat([byte(f.base), ((f.normal + 1) * 127.5).round().to(torch.uint8),
                         byte(f.roughness), byte(f.metallic), byte(f.picture)]
                        + ([] if f.emissive is None else [byte(f.emissive)]), 1) for f in frames]
    cameras = clip.cameras and [camera for f in frames for camera in f.cameras]
    return LoadedClip(clip.name, torch.cat(planes), torch.cat([f.depth for f in frames]), cameras)


def likeness(frame: FrameBatch, depth: torch.Tensor, normal: torch.Tensor) -> torch.Tensor:
    """How far samples `[B, 1, H, W]`, `[B, 3, H, W]` show each pixel's surface, 0..1."""
    own = frame.depth[:, None]
    close = (torch.maximum(own, depth) * DEPTH_SPREAD) ** 2 + 1e-12
    match = close / (close + (own - depth) ** 2)
    facing = (frame.normal * normal).sum(1, keepdim=True).clamp(0, 1) ** 8
    facing = torch.where(own > 0, facing * (1 - LEAST_NORMAL) + LEAST_NORMAL, 1.0)
    return match * match * facing


def neighbours(count: int, size: int, side: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Along one axis the pixel of light that each of `count` pixels lies in and the next one on its
    side, with their bilinear weights; beyond the light nothing."""
    at = torch.arange(count)
    near, off = at // side, 2 * (at % side) + 1 - side
    part = off.abs().float() / (2 * side)
    outer = torch.where(off < 0, near - 1, near + 1)
    inside = (outer >= 0) & (outer < size)
    return [(near, 1 - part), (torch.where(inside, outer, near), torch.where(inside, part, 0.0))]


def raised(frame: FrameBatch, small: FrameBatch, light: torch.Tensor, side: int) -> torch.Tensor:
    """`light` `[1, C, h, w]` of the reduced frame at the pixels of the frame: of the four around
    each the mean, weighted by nearness, depth and normals; where they show other surfaces, of the
    nine around it the one that is nearest in depth and normal."""
    height, width = light.shape[-2:]
    rows, columns = frame.depth.shape[-2:]
    flat = torch.cat([small.depth[:, None], small.normal, light], 1).flatten(2)

    def samples(y: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        index = (y[:, None] * width + x[None]).flatten()
        taken = flat[:, :, index].unflatten(2, (rows, columns))
        return likeness(frame, taken[:, :1], taken[:, 1:4]), taken[:, 4:]

    total, sums = 0.0, 0.0
    for y, down in neighbours(rows, height, side):
        for x, across in neighbours(columns, width, side):
            like, value = samples(y, x)
            weight = like * (across[None] * down[:, None])
            total, sums = total + weight, sums + weight * value
    best, found = torch.full_like(total, -1.0), torch.zeros_like(sums)
    for dy in (0, -1, 1):
        for dx in (0, -1, 1):
            like, value = samples(
                (torch.arange(rows) // side + dy).clamp(0, height - 1),
                (torch.arange(columns) // side + dx).clamp(0, width - 1))
            found = torch.where(like > best, value, found)
            best = torch.maximum(like, best)
    return torch.where(total < LEAST_WEIGHT, found, sums / total)


@torch.no_grad()
def rendered_at(network: CompactDenoiser, frame: FrameBatch, small: FrameBatch, history: Carried,
                side: int, without: Without = Without()) -> tuple[torch.Tensor, torch.Tensor]:
    """The reduced frame's picture, which the next history shows, and the frame's; rounded to 8
    bits."""
    planes, place = model_inputs(network, small, history, without)
    light, added = picture_parts(network(planes, place), planes)
    both = raised(frame, small, torch.cat([light, added], 1), side)
    return composed_at(small, light, added), composed_at(frame, both[:, :3], both[:, 3:])


def composed_at(frame: FrameBatch, light: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
    linear = (linear_from_srgb(frame.base) + EPS) * torch.exp(light) + added
    if frame.emissive is not None:
        linear = linear + linear_from_srgb(frame.emissive)
    return rounded_to_bytes(picture(linear))


class LevelSession(Session):
    """Renders frames as a session of the daemon at this level does."""

    def __init__(self, network: CompactDenoiser, side: int, without: Without = Without()):
        super().__init__(network, without)
        self.side = side

    @torch.no_grad()
    def render(self, frame: FrameBatch) -> torch.Tensor:
        frame = frame.read_by(self.network.config, self.without)
        small = reduced(frame, self.side)
        if self.frame is None or self.picture is None:
            self.history = nothing_carried(small)
        else:
            small = averaged(small, self.frame)
            self.history = served(self.network.config, small, self.frame, self.picture)
        self.frame = small
        self.picture, shown = rendered_at(self.network, frame, small, self.history, self.side,
                                          self.without)
        return shown

    def from_history(self, frame: FrameBatch, previous: FrameBatch,
                     picture: torch.Tensor) -> torch.Tensor:
        """From a frame and a picture of full size, as after a change of level."""
        previous = reduced(replace(previous, picture=picture), self.side)
        self.frame, self.picture = previous, previous.picture
        return self.render(frame)
