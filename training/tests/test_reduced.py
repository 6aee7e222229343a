# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Training on frames as the levels of quality show them."""

import numpy as np
import torch
from clip import Encodings
from dataset import load
from history import Without
from levels import reduced, reduced_clip
from loss import picture_loss
from model import ModelConfig
from samples import HALF_OF_REDUCED, Sampler, generator_for


def test_a_reduced_clip_holds_what_a_session_of_the_level_shows(clip_folder):
    clip = load(clip_folder, Encodings())[0]
    for side in (2, 4):
        small = reduced_clip(clip, side)
        assert small.size == (clip.size[0] // side, clip.size[1] // side)
        for index in range(len(clip)):
            held, shown = small.frame(index), reduced(clip.frame(index), side)
            for plane in ("base", "normal", "depth", "roughness", "metallic", "picture"):
                assert torch.equal(getattr(held, plane), getattr(shown, plane)), plane
            assert held.cameras == shown.cameras


def test_so_many_crops_are_of_reduced_frames_as_asked(data_folder):
    clips, share, drawn = load(data_folder, Encodings()), 0.4, 4000
    sampler = Sampler(clips, ModelConfig(), Without(), share)
    rng, side = generator_for(7, 0, 0), clips[0].size[0]
    sizes = np.array([sampler.clips[sampler.window(rng, side // 4).clip].size[0]
                      for _ in range(drawn)])
    for size, wanted in ((side, 1 - share), (side // 2, share * HALF_OF_REDUCED),
                         (side // 4, share * (1 - HALF_OF_REDUCED))):
        # Five standard deviations of a share among so many draws.
        assert abs((sizes == size).mean() - wanted) < 5 * (wanted * (1 - wanted) / drawn) ** 0.5
    assert {sampler.clips[sampler.window(rng, side).clip].size[0] for _ in range(50)} == {side}
    assert sampler.frame_count == sum(map(len, clips))


def test_the_squared_error_is_weighed_as_asked():
    generator = torch.Generator().manual_seed(3)
    linear = torch.rand(2, 3, 8, 8, generator=generator)
    target = torch.rand(2, 3, 8, 8, generator=generator) * 0.9
    weights = torch.tensor([0.5, 1.5])
    plain, shown = picture_loss(linear, target, weights)
    squared, _ = picture_loss(linear, target, weights, square_weight=3)
    wanted = ((shown - target) ** 2 * weights[:, None, None, None]).mean() * 3
    assert torch.allclose(squared - plain, wanted, rtol=1e-5)
