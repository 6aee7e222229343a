# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The place grid and the emissive plane: what the model's contract says of them."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from clip import Encodings
from clip_files import ClipError
from color import linear_from_srgb
from dataset import load
from geometry import cells
from history import SHINING, Session, Without, carried, from_history, nothing_carried
from model import CompactDenoiser, ModelConfig
from model_files import ModelError, read_model, write_model
from samples import Sample, Sampler, generator_for, nearness
from schedule import Phase
from place_grid import Read, corners, level_read, level_sides
from place_levels import LEAST_ROWS, fitted_rows, give_levels, touched_corners
from conftest import write_clip

SIDES = [0.32, 0.16, 0.08, 0.04]
CONFIG = ModelConfig(channels=[8, 8], blocks=[1, 1], probe_grid=[2, 2, 2], place_sides=SIDES,
                     place_rows=[64, 128, 256, 256], place_fine=3, place_min=[-2.0, -1.0, -5.0],
                     place_max=[3.0, 2.0, 2.0])


def randomised(config: ModelConfig, seed: int = 3) -> CompactDenoiser:
    torch.manual_seed(seed)
    network = CompactDenoiser(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-0.2, 0.2)
    return network.eval()


def test_levels_follow_the_bounds():
    assert level_sides([0, 0, 0], [37.0, 12.0, 33.0]) == pytest.approx([0.64, 0.32, 0.16, 0.08, 0.04])
    city = level_sides([-250, 0, -250], [250, 80, 250])
    assert len(city) == 6 and city[0] <= 10 and city[0] == 32 * city[-1]
    assert level_sides([0, 0, 0], [1.0, 1.0, 1.0]) == [0.04]


def test_levels_have_the_rows_that_the_clips_touch(clip_folder):
    clips = load(clip_folder, Encodings())
    config = replace(CONFIG, place_sides=[], place_rows=[], place_fine=0)
    sides = level_sides(config.place_min, config.place_max)
    counts = touched_corners(clips, config, sides)
    bounds = torch.tensor([config.bounds_min, config.bounds_max])
    low, high = torch.tensor(config.place_min), torch.tensor(config.place_max)
    for side, count in zip(sides, counts):
        touched = set()
        for index in range(len(clips[0])):
            frame = clips[0].frame(index)
            where = cells(frame.depth, frame.normal, frame.cameras, bounds, 0.25, 8,
                          config.place_offset)
            points = where.block_position[0].flatten(1).T[where.block_has_surface.flatten()]
            for point in torch.unique(
                    torch.floor((points.clamp(low, high) - low) / side).long(), dim=0).tolist():
                touched |= {(point[0] + i, point[1] + j, point[2] + k)
                            for i in (0, 1) for j in (0, 1) for k in (0, 1)}
        assert count == len(touched)
    give_levels(config, clips, 2 ** 20)
    assert config.place_sides == sides
    assert config.place_rows == [fitted_rows(count, 2 ** 20) for count in counts]
    assert config.place_fine == sum(side <= 0.2 for side in sides)
    CompactDenoiser(config)
    give_levels(config, clips, counts[-1] // 3)
    assert config.place_sides == [s for s, c in zip(sides, counts) if c <= 2 * (counts[-1] // 3)]
    assert len(config.place_sides) < len(sides)
    assert [fitted_rows(n, 2 ** 20) for n in (0, LEAST_ROWS + 1, 2 ** 20, 2 ** 25)] == \
        [LEAST_ROWS, 2 * LEAST_ROWS, 2 ** 20, 2 ** 20]


def test_a_read_is_the_sum_over_the_eight_corners():
    """Against a plain loop in float64 and Python's unbounded integers."""
    draw = np.random.default_rng(4)
    table = draw.normal(size=(256, 2))
    points = draw.uniform(0, 40, (50, 3)).astype(np.float32)
    place = torch.from_numpy(points.T.copy())[None, :, None]
    read = level_read(torch.from_numpy(table).float(), place, 0.16)[0, :, 0].T
    for point, got in zip(points, read):
        scaled = [np.float32(v) / np.float32(0.16) for v in point]
        first = [math.floor(v) for v in scaled]
        part = [float(v) - f for v, f in zip(scaled, first)]
        total = np.zeros(2)
        for i in range(2):
            for j in range(2):
                for k in range(2):
                    row = ((first[0] + i) ^ ((first[1] + j) * 2654435761 & 0xFFFFFFFF)
                           ^ ((first[2] + k) * 805459861 & 0xFFFFFFFF)) % 256
                    total += table[row] * math.prod(
                        p if side else 1 - p for p, side in zip(part, (i, j, k)))
        assert got.tolist() == pytest.approx(total.tolist(), abs=1e-5)


def test_the_gradient_of_a_read_is_that_of_the_sum():
    draw = torch.Generator().manual_seed(2)
    table = torch.rand(64, 2, generator=draw, requires_grad=True)
    rows, weights = corners(torch.rand(30, 3, generator=draw) * 5, 0.32, 64)
    upstream = torch.rand(30, 2, generator=draw)
    ours, = torch.autograd.grad(Read.apply(table, rows, weights), table, upstream)
    plain, = torch.autograd.grad((table[rows] * weights[..., None]).sum(1), table, upstream)
    assert torch.allclose(ours, plain, atol=1e-6)


def test_channels_of_the_reads(clip_folder):
    """Coarse levels once a cell, fine ones in each block; sky and unknown places read zeros."""
    network, frame = randomised(CONFIG), load(clip_folder, Encodings())[0].frame(1)
    bounds = torch.tensor([CONFIG.bounds_min, CONFIG.bounds_max])
    where = cells(frame.depth, frame.normal, frame.cameras, bounds, 0.25, 8, CONFIG.place_offset)
    reads = network.place_features(where)[0]
    assert reads.shape == (2 + 3 * 2 * 4, 16, 16) and CONFIG.place_channels == 26
    low, high = torch.tensor(CONFIG.place_min), torch.tensor(CONFIG.place_max)
    draw = np.random.default_rng(1)
    seen = 0
    for _ in range(60):
        y, x = draw.integers(0, 16, 2)
        for block in range(4):
            top, left = 4 * y + block // 2 * 2, 4 * x + block % 2 * 2
            depth = frame.depth[0, top:top + 2, left:left + 2]
            expected = torch.zeros(len(SIDES), 2)
            if bool((depth > 0).any()):
                row, column = divmod(int(torch.where(depth > 0, depth, math.inf).argmin()), 2)
                at = top + row, left + column
                camera = frame.cameras[0]
                ray = torch.tensor([(at[1] + 0.5 - camera.cx) / camera.fx,
                                    -(at[0] + 0.5 - camera.cy) / camera.fy, -1.0],
                                   dtype=torch.float32)
                turn = torch.from_numpy(camera.matrix()).float()
                point = turn[:3, :3] @ ray * frame.depth[0][at] + turn[:3, 3] \
                    + frame.normal[0, :, at[0], at[1]] * 0.05
                point = torch.minimum(torch.maximum(point, low), high) - low
                for level, side in enumerate(SIDES):
                    expected[level] = level_read(network.place[level],
                                                 point[None, :, None, None], side)[0, :, 0, 0]
                seen += 1
            fine = reads[2:, y, x].reshape(3, 2, 4)[..., block]
            assert torch.allclose(fine, expected[1:], atol=1e-4)
            if block == 0:
                assert torch.allclose(reads[:2, y, x], expected[0], atol=1e-4)
    assert 40 < seen < 240
    known = torch.tensor([[1.0, 0.0]])[:, :, None, None]
    planes = from_planes(frame)
    features = network.features(planes, where, known)
    assert features.shape[1] == CONFIG.feature_channels == 256 + 19 + 26
    assert bool((features[:, -26:] == 0).all()) and bool((features[:, 256:275] != 0).any())
    bare = network.features(planes, where, torch.zeros(1, 2, 1, 1))
    assert torch.equal(bare, network.features(planes, None))


def from_planes(frame):
    from model import FramePlanes
    history = nothing_carried(frame)
    return FramePlanes(frame.base, frame.normal, frame.depth[:, None], frame.roughness,
                       frame.metallic, history.source, history.sigma, history.light)


def test_model_folder_keeps_the_place_grid(tmp_path):
    network = randomised(replace(CONFIG, emissive=True))
    with torch.no_grad():
        network.place[1][7] = 5e-5  # a row that was never read
    document = write_model(network, tmp_path, "room", "1", "a test", "CC0-1.0", "nothing")
    assert document["format"] == "frameloom-model-2" and document["output"]["emissive"] is True
    again, _ = read_model(tmp_path)
    assert again.config == network.config
    for table, read in zip(network.place, again.place):
        kept = (table.abs() > 1e-4).any(1)
        assert torch.equal(read[kept], table[kept].half().float())
        assert bool((read[~kept] == 0).all())
    assert bool((again.place[1][7] == 0).all())
    path = tmp_path / "model.json"
    document["placeGrid"]["features"] = 4
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError, match="4 features a row"):
        read_model(tmp_path)


def shining_clip(folder):
    """The clip with a bright and a faint square that shine."""
    from PIL import Image
    clip = write_clip(folder)
    (clip / "Emissive").mkdir()
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[30:40, 30:40], pixels[50:60, 10:20] = (200, 120, 30), (20, 33, 10)
    for number in range(4):
        Image.fromarray(pixels).save(clip / "Emissive" / f"Emissive_{number:04d}.png")
    return load(clip, Encodings())[0], torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255


def test_emission_is_added_and_has_no_history(tmp_path):
    clip, emission = shining_clip(tmp_path / "room")
    config = replace(CONFIG, emissive=True, place_sides=[], place_rows=[], place_fine=0)
    network = CompactDenoiser(config)
    first, second = clip.frame(0), clip.frame(1)
    assert torch.equal(first.emissive, emission)
    dark = from_history(network, first, nothing_carried(first), Without(emissive=True))
    lit = from_history(network, first, nothing_carried(first))
    added = linear_from_srgb(lit) - linear_from_srgb(dark)
    expected = torch.minimum(linear_from_srgb(emission), 1 - linear_from_srgb(dark))
    assert torch.allclose(added, expected, atol=0.01)
    history = carried(second, first, lit, config.own_trust)
    unlit = carried(second.read_by(config, Without(emissive=True)), first, lit, config.own_trust)
    shines = linear_from_srgb(emission).amax(1) > SHINING
    assert bool(shines[0, 35, 35]) and not bool(shines[0, 55, 15])
    assert torch.equal(history.valid, unlit.valid & ~shines)
    assert bool(unlit.valid[0, 35, 35]) and bool(history.valid[0, 55, 15])
    # A model that does not read the plane draws as if the clip had none.
    plain = CompactDenoiser(replace(config, emissive=False))
    plain.load_state_dict(network.state_dict())
    session = Session(plain)
    session.render(first)
    made = session.render(second)
    other = Session(plain)
    other.render(replace(first, emissive=None))
    assert torch.equal(made, other.render(replace(second, emissive=None)))


def test_clips_with_and_without_emission_are_not_mixed(data_folder, tmp_path):
    shining_clip(data_folder / "room9")
    with pytest.raises(ClipError, match="room0 has no folder Emissive/"):
        load(data_folder, Encodings())


def test_floating_surfaces_are_read_in_the_air_and_teach_the_grid_nothing(clip_folder):
    clip = load(clip_folder, Encodings())[0]
    frame, network = clip.frame(1), randomised(CONFIG)
    shares = torch.ones(1, 1, 32, 32)
    shares[..., 10:20, 10:20] = 0.25
    bounds = torch.tensor([CONFIG.bounds_min, CONFIG.bounds_max])
    where = cells(frame.depth, frame.normal, frame.cameras, bounds, 0.25, 8, CONFIG.place_offset)
    placed = where.block_position.clone()
    where.float_blocks(shares, frame.cameras)
    eye = torch.tensor(frame.cameras[0].matrix()[:3, 3]).float()
    moved = where.block_position[0, :, 15, 15]
    assert torch.allclose(moved, eye + (placed[0, :, 15, 15] - eye) * 0.25, atol=1e-5)
    assert torch.equal(where.block_position[..., :10, :], placed[..., :10, :])
    reads = network.place_features(where)
    # Fine reads of the cells that float throughout have no gradient; those beside them do.
    gradient, = torch.autograd.grad(reads[0, 2:, 6:9, 6:9].sum(), network.place[3],
                                    allow_unused=True, retain_graph=True)
    assert gradient is None or not bool(gradient.any())
    gradient, = torch.autograd.grad(reads[0, 2:, 12:, 2:4].sum(), network.place[3])
    assert bool(gradient.any())


def test_a_share_of_the_crops_floats(data_folder):
    sampler = Sampler(load(data_folder, Encodings()), CONFIG, Without())
    samples = sampler.singles(generator_for(4, 0, 0), Phase("first", 1, "none", 32, 200), 200)
    shares = nearness(samples, 32)
    floating = (shares < 1).flatten(1)
    assert 0.1 < float(floating.any(1).float().mean()) < 0.5
    assert 0.03 < float(floating.all(1).float().mean()) < 0.2
    assert float(shares.min()) >= 0.1 and nearness([Sample(0, 0, 0, 0)], 32) is None
