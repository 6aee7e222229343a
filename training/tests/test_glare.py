# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
from dataclasses import replace

import numpy as np
import torch

from clip import Encodings
from color import srgb_from_linear
from dataset import load
from glare import MOST_OF_GLOSSY, MOST_OF_ROUGH, glare
from history import Without, rendered
from model import CompactDenoiser, ModelConfig
from samples import Sample, Sampler

CONFIG = ModelConfig(channels=[8, 8], blocks=[1, 1], probe_grid=[2, 2, 2],
                     place_sides=[0.64, 0.32, 0.16], place_rows=[256, 256, 256], place_fine=2,
                     place_min=[-4.0, -1.0, -5.0], place_max=[4.0, 3.0, 2.0])


def lit(frame, light: float):
    """The frame under one light everywhere, dim enough for the picture not to be cut at white."""
    base = torch.full_like(frame.base, 0.2)
    linear = (((0.2 + 0.055) / 1.055) ** 2.4 + 1 / 256) * light
    return replace(frame, base=base, picture=srgb_from_linear(torch.full_like(base, linear)),
                   roughness=torch.full_like(frame.roughness, 0.6),
                   metallic=torch.zeros_like(frame.metallic), emissive=None)


def test_only_more_light_than_a_surface_gives_off_is_glare(clip_folder):
    frame = load(clip_folder, Encodings())[0].frame(0)
    assert not glare(lit(frame, MOST_OF_ROUGH * 0.97)).any()
    bright = lit(frame, MOST_OF_ROUGH * 1.03)
    assert glare(bright).all()
    assert not glare(replace(bright, metallic=torch.ones_like(bright.metallic))).any()
    glossy = lambda light: replace(lit(frame, light), roughness=torch.full_like(frame.roughness, 0.2))
    assert not glare(glossy(MOST_OF_GLOSSY * 0.97)).any()
    assert glare(glossy(MOST_OF_GLOSSY * 1.03)).all()
    # What shines by itself is no mirror image.
    assert not glare(replace(bright, emissive=bright.picture)).any()
    one = lit(frame, 1.0)
    one.picture[0, :, 9, 20] = 1.0
    assert glare(one).nonzero().tolist() == [[0, 0, 4, 10]]


def test_glare_teaches_the_network_but_no_place(clip_folder):
    clips = load(clip_folder, Encodings())
    sampler = Sampler(clips, CONFIG, Without())
    frame, history, known = sampler.assembled(np.random.default_rng(1), [Sample(0, 0, 0, 0)], 32,
                                              "cpu")
    assert known.glare.shape == (1, 1, 16, 16)
    torch.manual_seed(3)
    network = CompactDenoiser(CONFIG)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-0.2, 0.2)
    taught = {}
    for everywhere in (False, True):
        network.zero_grad(set_to_none=True)
        marked = replace(known, glare=torch.full_like(known.glare, everywhere))
        rendered(network, frame, history, Without(), marked).square().mean().backward()
        taught[everywhere] = [table.grad is not None and bool(table.grad.abs().sum() > 0)
                              for table in network.place]
        taught[everywhere].append(bool(network.probes.grad.abs().sum() > 0))
        assert network.get_submodule("stem").weight.grad.abs().sum() > 0
    assert taught == {False: [True] * 4, True: [False] * 4}
