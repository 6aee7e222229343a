# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Surfaces of a training in other colors than the data has."""

import numpy as np
import torch

from clip import Encodings
from color import linear_from_srgb
from dataset import load
from geometry import motion, trust
from history import Without, carried
from model import ModelConfig
from paint import LEAST_BASE, SHEEN, Paint, drawn_paint, painted
from samples import PAINTED_SHARE, Sample, Sampler, Walker, generator_for
from schedule import Phase


def room(data_folder):
    clip = load(data_folder, Encodings())[0]
    return clip.frame(0), clip.frame(1), clip


def paint_for(clip, seed: int) -> Paint:
    paint = drawn_paint(np.random.default_rng(seed), clip.cameras[0], clip.depth[0])
    return paint or paint_for(clip, seed + 100)


def test_paint_keeps_the_light_and_touches_its_ball_alone(data_folder):
    frame, _, clip = room(data_folder)
    paint = paint_for(clip, 1)
    new = painted(frame, [paint])
    changed = (new.base != frame.base).any(1)[0]
    assert 20 < changed.sum() < changed.numel() - 20
    assert not changed[frame.depth[0] <= 0].any()
    for name in ("base", "picture"):
        before, after = getattr(frame, name), getattr(new, name)
        assert torch.equal(before[:, :, ~changed], after[:, :, ~changed])
    assert frame.base[:, :, changed].min() > LEAST_BASE
    light = linear_from_srgb(frame.picture) / linear_from_srgb(frame.base).clamp(min=0.01)
    expected = ((linear_from_srgb(new.base) + SHEEN) * light).clamp(max=1)
    found = linear_from_srgb(new.picture)
    step = 1 / 255 * 2.3  # a byte of sRGB is at most so much of linear light
    assert (found - expected).abs()[:, :, changed].max() < step
    assert painted(frame, [None]) is frame


def test_paint_stays_on_its_surface_as_the_camera_moves(data_folder):
    first, second, clip = room(data_folder)
    paint = paint_for(clip, 2)
    before, after = painted(first, [paint]), painted(second, [paint])
    pixel, reprojected = motion(after.depth, after.cameras, before.cameras)
    valid = trust(pixel, reprojected, after.depth, before.depth)
    moved = carried(after, before, before.base, 0.05).source
    error = (moved - after.base).abs().mean(1)[valid]
    unpainted = (moved - second.base).abs().mean(1)[valid]
    assert error.median() < 0.02 and error.mean() < 0.6 * unpainted.mean()


def test_paint_is_not_put_on_sky(data_folder):
    clip = load(data_folder, Encodings())[0]
    nothing = torch.zeros_like(clip.depth[0])
    assert drawn_paint(np.random.default_rng(0), clip.cameras[0], nothing) is None


def test_a_walk_keeps_its_paint(data_folder):
    sampler = Sampler(load(data_folder, Encodings()), ModelConfig(), Without())
    phase = Phase("own", 1, "own", 32, 1, 5)
    paint = paint_for(sampler.clips[0], 3)
    start = Walker(Sample(0, 1, 0, 0, paint=paint), 1, 3,
                   torch.zeros(3, 32, 32, dtype=torch.uint8))
    for step in range(20):
        sample = sampler.advanced(generator_for(1, 0, step), start, phase).sample
        assert sample.paint is paint and sample.previous == 1 and sample.own is start.picture
    drawn = [sampler.window(generator_for(2, 0, step), 32).paint for step in range(200)]
    assert 0.15 < sum(p is not None for p in drawn) / 200 <= PAINTED_SHARE + 0.1
