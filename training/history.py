# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What a frame gets from the one before it: the previous picture and its light, moved to where
their surfaces are now, and how far they may be believed."""

import math
from dataclasses import dataclass, fields, replace

import torch

from accumulation import Kept, accumulated, eye_moved, kept, mirrors
from color import linear_from_srgb, log_light, rounded_to_bytes
from geometry import Camera, Cells, cells, motion, trust, warp
from model import CompactDenoiser, FramePlanes, ModelConfig, composed, picture

# The mean of base color where nothing moved: over so many frames; of 255, how far one may be off it.
MEAN_FRAMES, MEAN_TOLERANCE = 8, 12
# Linear emission of the brightest channel beyond which a pixel has no history: what shines by itself
# would be carried as light on its base color, and its emission is added again.
SHINING = 1 / 64


@dataclass
class FrameBatch:
    """A batch of G-buffers and their finished pictures, in floats."""

    base: torch.Tensor  # [B, 3, H, W] sRGB 0..1
    normal: torch.Tensor  # [B, 3, H, W] world
    depth: torch.Tensor  # [B, H, W] metres, 0 is sky
    roughness: torch.Tensor  # [B, 1, H, W]
    metallic: torch.Tensor  # [B, 1, H, W]
    picture: torch.Tensor  # [B, 3, H, W] sRGB 0..1, what the frame should look like
    cameras: list[Camera] | None
    base_frames: torch.Tensor | None = None  # [B, H, W] frames in base's mean; None: 1
    emissive: torch.Tensor | None = None  # [B, 3, H, W] sRGB 0..1; None: nothing, or not read

    def read_by(self, config: ModelConfig, without: "Without") -> "FrameBatch":
        """The frame as a model of this config sees it."""
        reads = config.emissive and not without.emissive
        return self if reads or self.emissive is None else replace(self, emissive=None)

    def __len__(self) -> int:
        return self.base.shape[0]

    def to(self, device) -> "FrameBatch":
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        return FrameBatch(**{name: value.to(device) if isinstance(value, torch.Tensor) else value
                             for name, value in moved.items()})


@dataclass
class Carried:
    """The history as the network reads it, and the motion that it came by."""

    source: torch.Tensor  # [B, 3, H, W]
    sigma: torch.Tensor  # [B, 1, H, W]
    light: torch.Tensor  # [B, 3, H, W]
    valid: torch.Tensor  # [B, H, W] bool
    pixel: torch.Tensor | None  # [B, 2, H, W] where it was; None: nothing was carried
    truth: torch.Tensor | None = None  # [B, 3, H, W] what the source should be, for training
    kept: Kept | None = None  # what the picture may keep of the one before; None: nothing


def nothing_carried(frame: FrameBatch) -> Carried:
    """A first frame: the base color as the source, not trusted at all."""
    one = torch.ones_like(frame.roughness)
    return Carried(frame.base, one, torch.zeros_like(frame.base), one[:, 0] < 0, None)


def carried(frame: FrameBatch, previous: FrameBatch, picture: torch.Tensor, own_trust: float,
            light: torch.Tensor | None = None, truth: torch.Tensor | None = None) -> Carried:
    """The history `picture` `[B, 3, H, W]` of the frame `previous`, moved into `frame`.

    `light` replaces the log light that the picture and its base color give. `truth` is moved
    alike.
    """
    if frame.cameras is None or previous.cameras is None:
        return nothing_carried(frame)
    pixel, reprojected = motion(frame.depth, frame.cameras, previous.cameras)
    valid = trust(pixel, reprojected, frame.depth, previous.depth)
    if frame.emissive is not None:
        valid &= linear_from_srgb(frame.emissive).amax(1) <= SHINING
    if light is None:
        light = log_light(picture, previous.base)
    moved = warp(torch.cat([picture, light] + ([] if truth is None else [truth]), 1), pixel)
    history = masked(frame, moved[:, :3], moved[:, 3:6], valid, pixel, own_trust)
    return history if truth is None else replace(history, truth=moved[:, 6:])


def served(config: ModelConfig, frame: FrameBatch, previous: FrameBatch,
           picture: torch.Tensor) -> Carried:
    """The history as the daemon carries it: `carried`, less the mirror images that have moved, and what
    the picture may keep."""
    history = carried(frame, previous, picture, config.own_trust)
    if history.pixel is None:
        return history
    found = history
    if math.isfinite(config.mirror_parallax):
        moved = eye_moved(frame.cameras, previous.cameras, frame.depth.device)
        mirror = mirrors(frame.roughness, frame.metallic, frame.depth, frame.base_frames, moved,
                         config.mirror_parallax)
        history = masked(frame, found.source, found.light, found.valid & ~mirror[:, 0],
                         found.pixel, config.own_trust)
    if config.accumulation > 0:
        history.kept = kept(frame.base, frame.base_frames, frame.roughness, found.source,
                            found.light, found.valid, config.accumulation)
    return history


def averaged(frame: FrameBatch, previous: FrameBatch) -> FrameBatch:
    """`frame` with the running mean of base color where a camera stands.

    An engine's anti-aliasing draws base color a little different each frame, and the picture would
    flicker with it. Whole numbers of 255, as the daemon keeps them; a pixel beyond the tolerance
    shows something else, and its mean begins anew.
    """
    if frame.cameras is None or previous.cameras is None:
        return frame
    stands = torch.tensor([a == b for a, b in zip(frame.cameras, previous.cameras)])
    if not bool(stands.any()):
        return frame
    valid = trust(*motion(frame.depth, frame.cameras, previous.cameras), frame.depth,
                  previous.depth)
    before = (previous.base * 255).round()
    change = (frame.base * 255).round() - before
    stays = valid & stands.to(valid.device)[:, None, None] \
        & (change.abs().amax(1) <= MEAN_TOLERANCE)
    frames = torch.ones_like(frame.depth)
    seen = frames if previous.base_frames is None else previous.base_frames
    count = (seen + 1).clamp(max=MEAN_FRAMES)
    part = change.sign() * (change.abs() / count[:, None] + 0.5).floor()
    return replace(frame, base=torch.where(stays[:, None], (before + part) / 255, frame.base),
                   base_frames=torch.where(stays, count, frames))


def masked(frame: FrameBatch, source: torch.Tensor, light: torch.Tensor, valid: torch.Tensor,
           pixel: torch.Tensor | None, sigma) -> Carried:
    """Where the history does not hold, a first frame's inputs. `sigma`: one number for all, or
    `[B, 1, 1, 1]`."""
    here = valid[:, None]
    trusted = torch.where(here, torch.as_tensor(sigma, dtype=source.dtype, device=source.device),
                          torch.ones_like(frame.roughness))
    return Carried(torch.where(here, source, frame.base), trusted,
                   torch.where(here, light, 0.0), valid, pixel)


@dataclass(frozen=True)
class Without:
    """Inputs held back, to see what each is worth."""

    history: bool = False
    carried_light: bool = False
    probes: bool = False
    camera: bool = False  # probes, place grid and view direction
    place: bool = False  # the place grid
    fine_place: bool = False  # its levels that are read in each 2x2 block; only in training
    emissive: bool = False

    def held_back(self, planes: FramePlanes,
                  place: Cells | None) -> tuple[FramePlanes, Cells | None]:
        if self.carried_light:
            planes.light = torch.zeros_like(planes.light)
        if self.camera:
            place = None
        if place is not None and self.probes:
            place.has_surface = torch.zeros_like(place.has_surface)
        if place is not None and self.place and place.block_has_surface is not None:
            place.block_has_surface = torch.zeros_like(place.block_has_surface)
        return planes, place

    @staticmethod
    def named(names: list[str]) -> "Without":
        return Without(**{name.replace("-", "_"): True for name in names})


@dataclass(frozen=True)
class Known:
    """What the frames of a training batch know of their places."""

    inputs: torch.Tensor  # [B, 2, 1, 1]: 0 where one does without its camera, without the grid
    nearness: torch.Tensor | None = None  # [B, 1, H/2, W/2]: where the grid is read, see samples.py
    glare: torch.Tensor | None = None  # [B, 1, H/2, W/2] bool: see glare.py


WITHOUT_NAMES = [f.name.replace("_", "-") for f in fields(Without)]
# What a network of its own sizes does without: a trained one cannot be asked to.
TRAINED_WITHOUT = {"fine-place"}


def rendered(network: CompactDenoiser, frame: FrameBatch, history: Carried,
             without: Without = Without(), known: Known | None = None,
             forward=None) -> torch.Tensor:
    """The linear picture `[B, 3, H, W]`. `forward` stands in for the network where it is wrapped
    (several devices, autocast)."""
    planes, place = model_inputs(network, frame, history, without, known)
    return composed((forward or network)(planes, place, known and known.inputs), planes)


def model_inputs(network: CompactDenoiser, frame: FrameBatch, history: Carried,
                 without: Without = Without(),
                 known: Known | None = None) -> tuple[FramePlanes, Cells | None]:
    """What the network reads of a frame and of its place."""
    if without.history:
        history = nothing_carried(frame)
    planes = FramePlanes(frame.base, frame.normal, frame.depth[:, None], frame.roughness,
                         frame.metallic, history.source, history.sigma, history.light,
                         frame.emissive)
    config, place = network.config, None
    if frame.cameras is not None:
        bounds = torch.tensor([config.bounds_min, config.bounds_max])
        place = cells(frame.depth, frame.normal, frame.cameras, bounds, config.normal_offset,
                      config.multiple, config.place_offset if config.place_sides else None)
    if known is not None and known.nearness is not None and place is not None:
        place.float_blocks(known.nearness, frame.cameras)
    if known is not None and place is not None:
        place.block_glares = known.glare
    return without.held_back(planes, place)


class Session:
    """Renders frames one after the other, each from the picture before it, as the daemon does."""

    def __init__(self, network: CompactDenoiser, without: Without = Without()):
        self.network, self.without = network, without
        self.frame: FrameBatch | None = None  # the last one, base color averaged
        self.picture: torch.Tensor | None = None  # [B, 3, H, W] what the next history shows
        self.history: Carried | None = None  # that the last picture was made from

    @torch.no_grad()
    def render(self, frame: FrameBatch) -> torch.Tensor:
        """The picture `[B, 3, H, W]`, rounded to 8 bits."""
        frame = frame.read_by(self.network.config, self.without)
        if self.frame is None or self.picture is None:
            self.history = nothing_carried(frame)
        else:
            frame = averaged(frame, self.frame)
            self.history = served(self.network.config, frame, self.frame, self.picture)
        self.frame, self.picture = frame, from_history(self.network, frame, self.history,
                                                       self.without)
        return self.picture


@torch.no_grad()
def from_history(network: CompactDenoiser, frame: FrameBatch, history: Carried,
                 without: Without = Without()) -> torch.Tensor:
    """The picture `[B, 3, H, W]`, rounded to 8 bits, as served."""
    frame = frame.read_by(network.config, without)
    made = picture(rendered(network, frame, history, without))
    return rounded_to_bytes(made if without.history else accumulated(made, history.kept))
