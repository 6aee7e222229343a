# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Training samples: crops with no history, with a true but spoiled one, or with the model's own.

Everything drawn at random comes from a generator made anew for each step from (seed, process,
step): a resumed training draws what the uninterrupted one would have drawn.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from dataset import LoadedClip, batch
from glare import glare
from history import Carried, FrameBatch, Known, Without, carried, masked, nothing_carried
from levels import reduced_clip
from model import ModelConfig
from paint import Paint, drawn_paint, painted
from schedule import Phase
from spoil import spoiled_picture, stained_picture

NOISE_LIMIT = 0.2  # the most that spoiling adds to sigma
HOLES_SHARE, STAINED_SHARE, PAINTED_SHARE, STAY = 0.3, 0.3, 0.3, 0.1
FORGET_CAMERA, FORGET_PLACE = 0.1, 0.1
HALF_OF_REDUCED = 0.75  # of the crops of reduced frames; the others are of quarter size
FLOATING_SHARE, FLOATING_WHOLE = 0.2, 0.3  # crops with surfaces where none was; of them, all of it
TRUE_START = 0.3  # walks that begin on a true picture; the others begin with no history
STANDS = 0.3  # walks that end in a stand, long enough for rest to be learned


@dataclass(frozen=True)
class Floating:
    """A part of a crop whose surfaces the place grid takes for others: on the way to the camera,
    where nothing was seen in training, as a thing that a player holds."""

    left: int  # pixels, as the others
    top: int
    width: int
    height: int
    share: float  # of the way from the camera to the surface


@dataclass
class Sample:
    clip: int
    frame: int
    x: int
    y: int
    previous: int | None = None  # the frame that the history shows
    own: torch.Tensor | None = None  # [3, h, w] bytes: the model's picture of it; else the truth
    noise: float = 0.0
    stained: bool = False  # spots of a wrong color in the history, which sigma does not tell of
    holes: list[tuple[int, int, int, int]] = ()
    knows_camera: bool = True
    knows_place: bool = True
    floating: Floating | None = None
    ends_stand: bool = False  # the last frame of a stand: what is left there stays
    paint: Paint | None = None


@dataclass
class Walker:
    """A crop window walking forth and back over its clip, drawing on its own pictures."""

    sample: Sample
    direction: int
    left: int  # frames still to walk
    picture: torch.Tensor | None = None  # [3, h, w] bytes: what the model made of the last frame
    stands_at: int = -1  # it stands from where so many frames are left


def generator_for(seed: int, process: int, step: int) -> np.random.Generator:
    return np.random.default_rng([seed, process, step])


def drawn_floating(rng: np.random.Generator, crop: int) -> Floating:
    share = float(rng.uniform(0.1, 0.85))
    if rng.random() < FLOATING_WHOLE:
        return Floating(0, 0, crop, crop, share)
    width, height = (int(side) for side in rng.integers(crop // 6, 2 * crop // 3, 2))
    return Floating(int(rng.integers(crop - width)), int(rng.integers(crop - height)), width,
                    height, share)


def nearness(samples: list[Sample], crop: int) -> torch.Tensor | None:
    """`[B, 1, crop/2, crop/2]`, for each 2x2 block the share of the way from the camera to its
    surface at which the place grid is read; None where all are read in their places."""
    if all(s.floating is None for s in samples):
        return None
    shares = torch.ones(len(samples), 1, crop // 2, crop // 2)
    for at, floats in ((i, s.floating) for i, s in enumerate(samples) if s.floating):
        shares[at, :, floats.top // 2:(floats.top + floats.height) // 2,
               floats.left // 2:(floats.left + floats.width) // 2] = floats.share
    return shares


class Sampler:
    """`reduced_share` of the crops are of frames reduced to half and quarter size, as sessions of
    these levels of quality show them: a network that saw none loses 2 dB there."""

    def __init__(self, clips: list[LoadedClip], config: ModelConfig, without: Without,
                 reduced_share: float = 0.0):
        self.config, self.without = config, without
        self.frame_count = sum(map(len, clips))
        self.clips, self.weights = [], []
        shares = ((1, 1 - reduced_share), (2, HALF_OF_REDUCED * reduced_share),
                  (4, (1 - HALF_OF_REDUCED) * reduced_share))
        for side, share in shares:
            if share > 0:
                self.clips += clips if side == 1 else [reduced_clip(c, side) for c in clips]
                self.weights += [share * len(clip) for clip in clips]

    def chance(self, crop: int, walks: bool = False) -> np.ndarray:
        """Of each clip that crops of this size fit into. A walk takes one of two frames or more,
        if there is any: one frame alone shows how a place looks, not what moving does to it."""
        fits = np.array([min(clip.size) >= crop for clip in self.clips])
        moves = np.array([len(clip) > 1 for clip in self.clips])
        if walks and (fits & moves).any():
            fits &= moves
        weights = np.where(fits, self.weights, 0.0)
        if not walks:
            # A clip's frames show much the same: four times as many count twice.
            weights /= np.sqrt([len(clip) for clip in self.clips])
        return weights / weights.sum()

    def window(self, rng: np.random.Generator, crop: int, walks: bool = False) -> Sample:
        clip = int(rng.choice(len(self.clips), p=self.chance(crop, walks)))
        width, height = self.clips[clip].size
        sample = Sample(clip, int(rng.integers(len(self.clips[clip]))),
                        int(rng.integers(width - crop + 1)), int(rng.integers(height - crop + 1)),
                        knows_camera=bool(rng.random() >= FORGET_CAMERA),
                        knows_place=bool(rng.random() >= FORGET_PLACE))
        if rng.random() < FLOATING_SHARE:
            sample.floating = drawn_floating(rng, crop)
        if self.clips[clip].cameras is not None and rng.random() < PAINTED_SHARE:
            x, y = sample.x, sample.y
            camera = self.clips[clip].cameras[sample.frame].cropped(x, y, crop, crop)
            depth = self.clips[clip].depth[sample.frame, y:y + crop, x:x + crop]
            sample.paint = drawn_paint(rng, camera, depth)
        return sample

    def neighbour(self, rng: np.random.Generator, clip: int, frame: int,
                  direction: int) -> tuple[int, int]:
        """The next frame of a walk forth and back, and the direction it leaves that in."""
        count = len(self.clips[clip])
        if count == 1 or rng.random() < STAY:
            return frame, direction
        if not 0 <= frame + direction < count:
            direction = -direction
        return frame + direction, direction

    def spoiled(self, rng: np.random.Generator, sample: Sample, crop: int) -> Sample:
        """A true previous frame, moved by noise and holes towards what a model would leave; none
        where a frame stands alone, whose history would be the very picture that is asked for."""
        if self.clips[sample.clip].cameras is None or len(self.clips[sample.clip]) == 1:
            return sample
        direction = int(rng.choice([-1, 1]))
        sample.previous, _ = self.neighbour(rng, sample.clip, sample.frame, direction)
        sample.noise = float(rng.uniform(0, NOISE_LIMIT))
        sample.stained = bool(rng.random() < STAINED_SHARE)
        if rng.random() < HOLES_SHARE:
            sample.holes = []
            for _ in range(int(rng.integers(1, 5))):
                w, h = rng.integers(crop // 16, crop // 3, 2)
                sample.holes.append((int(rng.integers(crop - w)), int(rng.integers(crop - h)),
                                     int(w), int(h)))
        return sample

    def singles(self, rng: np.random.Generator, phase: Phase, count: int) -> list[Sample]:
        samples = [self.window(rng, phase.crop) for _ in range(count)]
        if phase.history == "none":
            return samples
        # One in six keeps no history: the first frame must not be unlearned.
        return [self.spoiled(rng, s, phase.crop) if rng.random() >= 1 / 6 else s for s in samples]

    def started(self, rng: np.random.Generator, phase: Phase) -> Walker:
        sample = self.window(rng, phase.crop, walks=True)
        if rng.random() < TRUE_START:
            sample = self.spoiled(rng, sample, phase.crop)
        direction = int(rng.choice([-1, 1]))
        if rng.random() < STANDS:
            left = phase.longest - 1
            return Walker(sample, direction, left,
                          stands_at=int(rng.integers(left // 2, left + 1)))
        length = int(rng.integers(min(3, phase.longest), phase.longest + 1))
        return Walker(sample, direction, length - 1)

    def advanced(self, rng: np.random.Generator, walker: Walker, phase: Phase) -> Walker:
        """The walker one frame on, or a new one where its walk is over."""
        here = walker.sample
        if walker.left <= 0 or walker.picture is None or self.clips[here.clip].cameras is None:
            return self.started(rng, phase)
        frame, direction = self.neighbour(rng, here.clip, here.frame, walker.direction)
        stands = walker.left <= walker.stands_at
        if stands:
            frame = here.frame
        sample = replace(here, frame=frame, previous=here.frame, own=walker.picture, noise=0.0,
                         stained=False, holes=(), ends_stand=stands and walker.left == 1)
        return Walker(sample, direction, walker.left - 1, stands_at=walker.stands_at)

    def walkers(self, rng: np.random.Generator, phase: Phase,
                walkers: list[Walker] | None) -> list[Walker]:
        if walkers is None:
            started = [self.started(rng, phase) for _ in range(phase.batch - phase.single)]
            for walker in started:  # spread their ends, or all walks would start together for good
                walker.left = int(rng.integers(walker.left + 1))
            return started
        return [self.advanced(rng, walker, phase) for walker in walkers]

    def assembled(self, rng: np.random.Generator, samples: list[Sample], crop: int,
                  device) -> tuple[FrameBatch, Carried, Known]:
        """The frames, their history, and which of them know what."""
        own_trust = self.config.own_trust
        at = lambda s, frame: (self.clips[s.clip], frame, s.x, s.y)
        paints = [s.paint for s in samples]
        frame = painted(batch([at(s, s.frame) for s in samples], crop, crop).to(device), paints)
        frame = frame.read_by(self.config, self.without)
        inputs = torch.tensor([[float(s.knows_camera), float(s.knows_place)] for s in samples],
                              device=device)[:, :, None, None]
        shares = nearness(samples, crop)
        known = Known(inputs, shares if shares is None else shares.to(device),
                      glare(frame) if self.config.place_sides else None)
        if frame.cameras is None or all(s.previous is None for s in samples):
            return frame, nothing_carried(frame), known
        previous = batch([at(s, s.frame if s.previous is None else s.previous) for s in samples],
                         crop, crop).to(device)
        previous = painted(previous, paints)
        truth = previous.picture
        picture = torch.stack([truth[i] if s.own is None else s.own.to(device).float() / 255
                               for i, s in enumerate(samples)])
        picture = stained_picture(rng, picture, [s.stained for s in samples])
        picture, light = spoiled_picture(rng, picture, previous.base, [s.noise for s in samples])
        sigma = torch.tensor([own_trust + s.noise for s in samples], device=device)
        history = carried(frame, previous, picture, own_trust, light, truth)
        usable = torch.ones(len(samples), crop, crop, dtype=torch.bool)
        for i, s in enumerate(samples):
            usable[i] = s.previous is not None
            for x, y, w, h in s.holes:
                usable[i, y:y + h, x:x + w] = False
        valid = history.valid & usable.to(device)
        spoiled = masked(frame, history.source, history.light, valid, history.pixel,
                         sigma[:, None, None, None])
        return frame, replace(spoiled, truth=history.truth), known
