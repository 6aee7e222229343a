# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Training samples: crops with no history, with a true but spoiled one, or with the model's own.

Everything drawn at random comes from a generator made anew for each step from (seed, process,
step): a resumed training draws what the uninterrupted one would have drawn.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from color import EPS, LIGHT_LIMIT, linear_from_srgb, log_light, srgb_from_linear
from dataset import LoadedClip, batch
from history import Carried, FrameBatch, carried, masked, nothing_carried
from schedule import Phase

NOISE_LIMIT = 0.2  # the most that spoiling adds to sigma
NOISE_GAIN = 1.5  # standard deviation of the log light's noise per unit of added sigma
HOLES_SHARE, STAINED_SHARE, FORGET_CAMERA, STAY = 0.3, 0.3, 0.1, 0.1
TRUE_START = 0.5  # walks that begin on a true picture; the others begin with no history


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


@dataclass
class Walker:
    """A crop window walking forth and back over its clip, drawing on its own pictures."""

    sample: Sample
    direction: int
    left: int  # frames still to walk
    picture: torch.Tensor | None = None  # [3, h, w] bytes: what the model made of the last frame


def generator_for(seed: int, process: int, step: int) -> np.random.Generator:
    return np.random.default_rng([seed, process, step])


class Sampler:
    def __init__(self, clips: list[LoadedClip]):
        self.clips = clips
        weights = np.array([len(clip) for clip in clips], float)
        self.chance = weights / weights.sum()

    def window(self, rng: np.random.Generator, crop: int) -> Sample:
        clip = int(rng.choice(len(self.clips), p=self.chance))
        width, height = self.clips[clip].size
        return Sample(clip, int(rng.integers(len(self.clips[clip]))),
                      int(rng.integers(width - crop + 1)), int(rng.integers(height - crop + 1)),
                      knows_camera=bool(rng.random() >= FORGET_CAMERA))

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
        """A true previous frame, moved by noise and holes towards what a model would leave."""
        if self.clips[sample.clip].cameras is None:
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
        sample = self.window(rng, phase.crop)
        if rng.random() < TRUE_START:
            sample = self.spoiled(rng, sample, phase.crop)
        length = int(rng.integers(min(3, phase.longest), phase.longest + 1))
        return Walker(sample, int(rng.choice([-1, 1])), length - 1)

    def advanced(self, rng: np.random.Generator, walker: Walker, phase: Phase) -> Walker:
        """The walker one frame on, or a new one where its walk is over."""
        here = walker.sample
        if walker.left <= 0 or walker.picture is None or self.clips[here.clip].cameras is None:
            return self.started(rng, phase)
        frame, direction = self.neighbour(rng, here.clip, here.frame, walker.direction)
        sample = Sample(here.clip, frame, here.x, here.y, here.frame, walker.picture,
                        knows_camera=here.knows_camera)
        return Walker(sample, direction, walker.left - 1)

    def walkers(self, rng: np.random.Generator, phase: Phase,
                walkers: list[Walker] | None) -> list[Walker]:
        if walkers is None:
            started = [self.started(rng, phase) for _ in range(phase.batch - phase.single)]
            for walker in started:  # spread their ends, or all walks would start together for good
                walker.left = int(rng.integers(walker.left + 1))
            return started
        return [self.advanced(rng, walker, phase) for walker in walkers]

    def assembled(self, rng: np.random.Generator, samples: list[Sample], crop: int,
                  own_trust: float, device) -> tuple[FrameBatch, Carried, torch.Tensor,
                                                     FrameBatch | None]:
        """The frames, their history, which of them know their camera, and the frames before."""
        at = lambda s, frame: (self.clips[s.clip], frame, s.x, s.y)
        frame = batch([at(s, s.frame) for s in samples], crop, crop).to(device)
        known = torch.tensor([float(s.knows_camera) for s in samples], device=device)
        known = known[:, None, None, None]
        if frame.cameras is None or all(s.previous is None for s in samples):
            return frame, nothing_carried(frame), known, None
        previous = batch([at(s, s.frame if s.previous is None else s.previous) for s in samples],
                         crop, crop).to(device)
        truth = previous.picture
        picture = torch.stack([truth[i] if s.own is None else s.own.to(device).float() / 255
                               for i, s in enumerate(samples)])
        picture = stained_picture(rng, picture, [s.stained for s in samples])
        picture, light = spoiled_picture(rng, picture, previous.base, [s.noise for s in samples])
        sigma = torch.tensor([own_trust + s.noise for s in samples], device=device)
        history = carried(frame, previous, picture, own_trust, light)
        usable = torch.ones(len(samples), crop, crop, dtype=torch.bool)
        for i, s in enumerate(samples):
            usable[i] = s.previous is not None
            for x, y, w, h in s.holes:
                usable[i, y:y + h, x:x + w] = False
        valid = history.valid & usable.to(device)
        return frame, masked(frame, history.source, history.light, valid, history.pixel,
                             sigma[:, None, None, None]), known, previous


def stained_picture(rng: np.random.Generator, picture: torch.Tensor,
                    stained: list[bool]) -> torch.Tensor:
    """Soft spots of a wrong color in some pictures.

    A small error of the picture is a large one of the light where the base color is dark, and
    noise on the light never makes it: without these a dark surface that once comes out too
    bright grows brighter from frame to frame."""
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
