# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Which frames a training sees, and with which history."""

from dataclasses import replace

from clip import Encodings
from dataset import LoadedClip, load
from history import Without
from model import ModelConfig
from samples import Sampler, generator_for
from schedule import Phase

OWN = Phase("own", 1.0, "own", 32, 8, longest=5, single=3)


def first_frame(clip: LoadedClip) -> LoadedClip:
    return replace(clip, planes=clip.planes[:1], depth=clip.depth[:1], cameras=clip.cameras[:1])


def test_a_frame_alone_teaches_a_place_and_no_history(data_folder):
    longer, alone = load(data_folder, Encodings())[:2]
    sampler = Sampler([longer, first_frame(alone)], ModelConfig(), Without())
    rng = generator_for(3, 0, 0)
    walkers, singles = None, []
    for _ in range(40):
        walkers = sampler.walkers(rng, OWN, walkers)
        assert {walker.sample.clip for walker in walkers} == {0}
        singles += sampler.singles(rng, OWN, OWN.single)
    assert {sample.clip for sample in singles} == {0, 1}
    assert all(sample.previous is None for sample in singles if sample.clip == 1)
    assert any(sample.previous is not None for sample in singles if sample.clip == 0)


def test_of_crops_on_their_own_a_place_seen_once_gets_more_than_a_frame_of_a_walk(data_folder):
    longer, alone = load(data_folder, Encodings())[:2]
    sampler = Sampler([longer, first_frame(alone)], ModelConfig(), Without())
    wanted = 1 / (1 + len(longer) ** 0.5)
    assert abs(sampler.chance(32)[1] - wanted) < 1e-12
    assert sampler.chance(32, walks=True)[1] == 0


def test_frames_alone_are_walked_on_where_there_is_nothing_else(data_folder):
    clips = [first_frame(clip) for clip in load(data_folder, Encodings())]
    sampler = Sampler(clips, ModelConfig(), Without())
    walkers = sampler.walkers(generator_for(3, 0, 0), OWN, None)
    assert len(walkers) == OWN.batch - OWN.single
