# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What a served picture keeps of the one before it, and whose history the network is not told."""

import math
from dataclasses import replace

import pytest
import torch

from accumulation import MIRROR_PARALLAX, REACH, Kept, accumulated, kept, mirrors
from clip import Encodings
from color import log_light
from dataset import load
from history import Session, carried, served
from model import CompactDenoiser, ModelConfig
from model_files import read_model, write_model

SMALL = ModelConfig(channels=[8, 8], blocks=[1, 1], probe_grid=[2, 2, 2])
SERVED = replace(SMALL, accumulation=0.6, mirror_parallax=MIRROR_PARALLAX)


def test_a_moved_picture_keeps_its_light_and_the_texture_of_now():
    generator = torch.Generator().manual_seed(1)
    before, now = (torch.rand(2, 1, 3, 4, 4, generator=generator) * 0.5 + 0.2).unbind(0)
    light = torch.full_like(before, math.log(0.5))
    rough = torch.tensor([0.9, 0.1]).repeat(8).reshape(1, 1, 4, 4)
    valid = torch.ones(1, 4, 4, dtype=torch.bool)
    valid[0, 0, 0] = False
    found = kept(now, None, rough, before, light, valid, 0.6)
    assert float((log_light(found.picture, now) - light)[..., 1:, :].abs().max()) < 0.03  # of 255ths
    assert float(found.share[0, 0, 1, 0]) == pytest.approx(0.6)
    assert float(found.share[0, 0, 1, 1]) == pytest.approx(0.3, abs=1 / 255)  # smooth
    assert float(found.share[0, 0, 0, 0]) == 0


def test_a_stand_shows_the_mean_of_its_frames():
    pictures = [torch.full((1, 3, 2, 2), value) for value in (0.50, 0.52, 0.47, 0.51)]
    valid, rough = torch.ones(1, 2, 2, dtype=torch.bool), torch.full((1, 1, 2, 2), 0.1)
    shown = pictures[0]
    for count, picture in enumerate(pictures[1:], 2):
        frames = torch.full((1, 2, 2), float(count))
        previous = kept(torch.zeros_like(shown), frames, rough, shown, torch.zeros_like(shown), valid, 0.6)
        shown = accumulated(picture, previous)
    # Less is kept of what is far off; a rounding a frame.
    assert float((shown - 0.5).abs().max()) < 0.006


def test_nothing_is_kept_of_what_is_far_from_the_networks_picture():
    previous = Kept(torch.full((1, 3, 1, 2), 0.2), torch.ones(1, 1, 1, 2))
    picture = torch.full((1, 3, 1, 2), 0.2)
    picture[0, 1, 0, 0] += REACH  # one color is enough
    picture[..., 1] += REACH / 2
    shown = accumulated(picture, previous)
    assert torch.equal(shown[..., 0], picture[..., 0])
    assert torch.allclose(shown[..., 1], torch.tensor(0.2 + REACH / 4), atol=1e-6)
    assert accumulated(picture, None) is picture


def test_mirrors_are_smooth_near_and_no_metal():
    rough = torch.tensor([0.1, 0.5, 0.1, 0.1, 0.1])[None, None, None]
    metal = torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0])[None, None, None]
    depth = torch.tensor([2.0, 2.0, 2.0, 8.0, 0.0])[None, None]
    moved = torch.full((1, 1, 1, 1), 0.1)  # 0.05 radians at 2 m
    found = lambda frames, moved: mirrors(rough, metal, depth, frames, moved, 0.025)[0, 0, 0].tolist()
    assert found(None, moved) == [True, False, False, False, False]
    assert found(None, moved * 0) == [False] * 5
    assert found(torch.full((1, 1, 5), 2.0), moved * 0) == [True, False, False, True, False]


def test_a_session_keeps_by_its_models_word(clip_folder):
    clip = load(clip_folder, Encodings())[0]
    first, second = clip.frame(0), clip.frame(1)
    plain = carried(second, first, first.picture, SMALL.own_trust)
    untold = served(SMALL, second, first, first.picture)
    assert untold.kept is None and torch.equal(untold.sigma, plain.sigma)
    told = served(SERVED, second, first, first.picture)
    assert torch.equal(told.kept.share[:, 0] > 0, plain.valid)
    assert bool((told.valid <= plain.valid).all())

    torch.manual_seed(2)
    network = CompactDenoiser(SMALL).eval()
    torch.nn.init.normal_(network.head.weight, std=0.05)
    sessions = {}
    for config in (SMALL, replace(SMALL, accumulation=0.6)):
        network.config = config
        session = Session(network)
        sessions[config.accumulation] = [session.render(f) for f in (first, second)]
    assert torch.equal(sessions[0.0][0], sessions[0.6][0])
    assert not torch.equal(sessions[0.0][1], sessions[0.6][1])


def test_model_json_says_what_is_kept(tmp_path):
    for name, config in (("plain", SMALL), ("served", SERVED)):
        write_model(CompactDenoiser(config), tmp_path / name, name, "1", "d", "CC0-1.0", "s")
        assert read_model(tmp_path / name)[0].config == config
    history = read_model(tmp_path / "plain")[1]["history"]
    assert "accumulation" not in history and "mirrorParallax" not in history
