# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What a training changes about its data, so that a network learns more than it holds."""

import numpy as np
import pytest
import torch

from clip import Encodings
from color import linear_from_srgb
from dataset import load
from geometry import motion, trust
from history import carried
from paint import LEAST_BASE, SHEEN, Paint, drawn_paint, painted
from samples import STAY, Sample, Sampler, Walker, generator_for, shown
from schedule import Phase
from spoil import shaken_base


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


def test_shaken_base_color_differs_at_edges_by_its_seed():
    base = torch.zeros(3, 3, 32, 32)
    base[..., 16:] = 128 / 255
    out = shaken_base(base, [None, 7, 8])
    assert torch.equal(out[0], base[0]) and torch.equal(out[1:, ..., :14], base[1:, ..., :14])
    assert (out[1] != base[1]).any() and (out[1] != out[2]).any()
    assert torch.equal(shaken_base(base, [None, 7, 8]), out)
    assert torch.equal(out, (out * 255).round() / 255)  # bytes, as an engine sends them


def test_a_walker_that_stands_sees_new_noise_on_the_same_paint(data_folder):
    sampler, phase = Sampler(load(data_folder, Encodings())), Phase("own", 1, "own", 32, 1, 5)
    paint = paint_for(sampler.clips[0], 3)
    start = Walker(Sample(0, 1, 0, 0, paint=paint, shake=5), 1, 3,
                   torch.zeros(3, 32, 32, dtype=torch.uint8))
    stood = 0
    for step in range(200):
        sample = sampler.advanced(generator_for(1, 0, step), start, phase).sample
        assert sample.paint is paint and sample.previous == 1 and sample.previous_shake == 5
        assert (sample.shake is not None) == (sample.frame == 1)
        stood += sample.frame == 1
    assert stood == pytest.approx(200 * STAY, abs=25)
    frame = sampler.clips[0].frame(1)
    still = shown(frame, [start.sample], [11]).base
    assert (still != shown(frame, [start.sample], [12]).base).any()
