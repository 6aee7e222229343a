# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The network and the geometry against the committed goldens, in the Swift tests' tolerances."""

import json

import pytest
import torch
from conftest import REPOSITORY
from safetensors.torch import load_file

import make_goldens
import make_place_goldens
from geometry import motion, trust
from model_files import read_model

MODEL = REPOSITORY / "Models" / "atrium"


@pytest.fixture(scope="module")
def network():
    return read_model(MODEL)[0]


@pytest.mark.parametrize("name", ["network", "geometry", "padding"])
def test_remakes_the_committed_goldens(network, name):
    tensors, cameras = make_goldens.made(network, name, make_goldens.GOLDENS, None)
    path = make_goldens.GOLDENS / f"goldens_{name}.safetensors"
    assert make_goldens.compared(tensors, load_file(path)) == []
    if cameras:
        assert cameras == json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("name", ["geometry", "padding"])
def test_float32_geometry_decides_as_float64_where_decided(name):
    path = make_goldens.GOLDENS / f"goldens_{name}.safetensors"
    golden, cameras = load_file(path), json.loads(path.with_suffix(".json").read_text())
    depth, before = golden["in.depth_m"][None], golden["in.previous_depth_m"][None]
    pixel, z = motion(depth, [make_goldens.camera_from(cameras["current"])],
                      [make_goldens.camera_from(cameras["previous"])], torch.float32)
    apart = (pixel[0] - golden["out.previous_pixel"]).abs() * golden["out.in_front"]
    assert float(apart.max()) < 0.01
    decided = golden["out.undecided"] == 0
    valid = trust(pixel, z, depth, before)[0]
    assert bool((valid == golden["out.valid"].bool())[decided].all())


def test_comparison_notices_a_changed_weight(network):
    import copy
    changed = copy.deepcopy(network)
    changed.decoder[0][0].conv1.weight.data[0, 0, 0, 0] += 0.05
    tensors, _ = make_goldens.made(changed, "network", make_goldens.GOLDENS, None)
    path = make_goldens.GOLDENS / "goldens_network.safetensors"
    said = make_goldens.compared(tensors, load_file(path))
    assert any("out.decoder.0" in line for line in said)
    assert not any("out.encoder" in line for line in said)


def test_remakes_the_committed_goldens_of_the_place_grid():
    network = read_model(make_place_goldens.FOLDER / "model")[0]
    for name, (tensors, _) in make_place_goldens.made(network).items():
        path = make_place_goldens.FOLDER / f"goldens_{name}.safetensors"
        assert make_goldens.compared(tensors, load_file(path)) == []
