# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Where errors lie, how changes are judged, and means of weights."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from conftest import REPOSITORY

from average import averaged_networks
from clip import Encodings
from dataset import load
from metrics import change_psnr
from model import CompactDenoiser, ModelConfig
from model_files import ModelError, read_model, write_model
from surfaces import KINDS, SurfaceErrors, kinds

SIZES = ModelConfig(channels=[8, 8], blocks=[1, 1], probe_grid=[2, 2, 2])


def test_kinds_share_a_frame_out(clip_folder):
    frame = load(clip_folder, Encodings())[0].frame(0)
    frame.metallic[..., 40:50, :20] = 1
    frame.roughness[..., 40:50, 20:30] = 0.1
    frame = replace(frame, emissive=torch.zeros_like(frame.base))
    frame.emissive[..., 55:60, 40:50] = 0.5
    found = kinds(frame)
    total = sum(found[name].int() for name in KINDS[:5])
    assert tuple(found) == KINDS and bool((total == 1).all())
    assert torch.equal(found["sky"], frame.depth <= 0)
    assert int(found["metal"].sum()) == 200 and int(found["smooth"].sum()) == 100
    assert int(found["emissive"].sum()) == 50
    top = (frame.depth[0, :, 32] > 0).float().argmax()
    assert bool(found["depth edges"][0, top, 32]) and not bool(found["depth edges"][0, 58, 32])


def test_shares_of_the_error(clip_folder):
    frame = load(clip_folder, Encodings())[0].frame(0)
    wrong = frame.picture.clone()
    sky = (frame.depth <= 0)[:, None].expand_as(wrong)
    wrong[sky] = (wrong[sky] + 0.1)
    errors = SurfaceErrors()
    errors.add(frame, wrong)
    shares = errors.shares()
    assert shares["sky"].error == pytest.approx(1) and shares["rough"].error == 0
    assert shares["sky"].psnr == pytest.approx(20, abs=1e-3)
    assert shares["metal"].psnr is None and shares["metal"].pixels == 0


def test_a_change_of_its_own_costs_and_a_constant_error_does_not():
    truth = torch.full((1, 3, 8, 8), 0.5)
    assert change_psnr(truth + 0.1, truth + 0.1, truth, truth) == float("inf")
    assert change_psnr(truth + 0.1, truth, truth, truth) == pytest.approx(20, abs=1e-3)


def test_mean_of_weights(tmp_path):
    torch.manual_seed(1)
    first, second = CompactDenoiser(SIZES), CompactDenoiser(SIZES)
    mean = averaged_networks([first, second], [1.0, 3.0])
    for name, value in mean.state_dict().items():
        expected = 0.25 * first.state_dict()[name] + 0.75 * second.state_dict()[name]
        assert torch.allclose(value, expected, atol=1e-6), name
    other = CompactDenoiser(replace(SIZES, channels=[8, 16]))
    with pytest.raises(ModelError, match="channels is .* only models of equal sizes"):
        averaged_networks([first, other], [1.0, 1.0])
    for name, network in (("a", first), ("b", second)):
        write_model(network, tmp_path / name, name, "1", "a test", "CC0-1.0", "nothing")
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "training" / "average.py"), str(tmp_path / "a"),
         str(tmp_path / "b"), "--shares", "1", "3", "--to", str(tmp_path / "c"),
         "--licence", "CC0-1.0", "--source", "nothing"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written, _ = read_model(tmp_path / "c")
    assert all(torch.equal(written.state_dict()[k], v) for k, v in mean.state_dict().items())


def test_weights_can_be_read_by_the_daemons_user(tmp_path):
    write_model(CompactDenoiser(SIZES), tmp_path, "room", "1", "a test", "CC0-1.0", "nothing")
    assert (tmp_path / "weights.safetensors").stat().st_mode & 0o444 == 0o444
