# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Samples, walks, metrics, scene: the parts that training and data making stand on."""

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REPOSITORY

import camera_paths
import make_scene
from clip import Encodings
from color import linear_from_srgb, log_light, srgb_from_linear
from dataset import load, surface_bounds
from drift import ping_pong
from evaluate import nearness
from geometry import Camera, motion, pixel_centers, warp
from history import FrameBatch, Session, Without, averaged, carried, from_history, \
    nothing_carried, rendered
from loss import change_loss, picture_loss
from metrics import psnr, ssim, temporal_error
from model import CompactDenoiser, ModelConfig, picture
from model_files import ModelError, read_model, write_model
from samples import Sampler, generator_for
from schedule import DEFAULT, Phase, ScheduleError, fitted, read_schedule
from spoil import spoiled_picture, stained_picture

DEMO = REPOSITORY / "Clips" / "atrium-flight"
OWN = Phase("own", 1.0, "own", 32, 3, longest=6)
SMALL = ModelConfig(channels=[8, 8], blocks=[1, 1], probe_grid=[2, 2, 2])


def test_srgb_is_exact_and_its_own_inverse():
    x = torch.linspace(0, 1, 1001, dtype=torch.float64)
    assert torch.allclose(srgb_from_linear(linear_from_srgb(x)), x, atol=1e-7)
    assert float(linear_from_srgb(torch.tensor(0.5))) == pytest.approx(0.2140411)


def test_equal_cameras_move_nothing(clip_folder):
    frame = load(clip_folder, Encodings())[0].frame(0)
    pixel, z = motion(frame.depth, frame.cameras, frame.cameras)
    assert torch.equal(pixel[0], pixel_centers(64, 64))
    assert torch.equal(z[frame.depth > 0], frame.depth[frame.depth > 0])


def test_warp_by_nothing_is_the_image_and_never_rings():
    image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(warp(image, pixel_centers(16, 16)[None]), image, atol=1e-6)
    step = (torch.arange(16) >= 8).float().expand(1, 1, 16, 16)
    moved = warp(step, pixel_centers(16, 16)[None] + 0.3)
    assert float(moved.min()) >= 0 and float(moved.max()) <= 1


def test_light_of_a_picture_gives_the_picture_back(clip_folder):
    frame = load(clip_folder, Encodings())[0].frame(0)
    light = log_light(frame.picture, frame.base)
    assert bool((light.abs() < 6).all())
    again, same = spoiled_picture(generator_for(1, 0, 0), frame.picture, frame.base, [0.0])
    assert torch.equal(again, frame.picture) and torch.equal(same, light)


def test_walks_step_to_neighbours_and_keep_their_window(data_folder):
    sampler = Sampler(load(data_folder, Encodings()), SMALL, Without())
    walkers, went_on, ended = None, 0, 0
    for step in range(60):
        before = walkers
        walkers = sampler.walkers(generator_for(3, 0, step), OWN, walkers)
        for old, new in zip(before or [], walkers):
            if new.sample.own is None:
                ended += 1
                continue
            went_on += 1
            assert abs(new.sample.frame - old.sample.frame) <= 1
            assert new.sample.previous == old.sample.frame
            assert (new.sample.x, new.sample.y) == (old.sample.x, old.sample.y)
        for walker in walkers:
            walker.picture = torch.zeros(3, 32, 32, dtype=torch.uint8)
    assert went_on > ended > 10


def test_some_walks_end_in_a_stand_that_is_told(data_folder):
    sampler = Sampler(load(data_folder, Encodings()), SMALL, Without())
    walkers, lengths, stood = None, [], [0] * OWN.batch
    for step in range(400):
        walkers = sampler.walkers(generator_for(9, 0, step), OWN, walkers)
        for at, walker in enumerate(walkers):
            sample = walker.sample
            stood[at] = stood[at] + 1 if sample.previous == sample.frame else 0
            if sample.ends_stand:
                assert walker.left == 0 and stood[at] > 0
                lengths.append(stood[at])
            walker.picture = torch.zeros(3, 32, 32, dtype=torch.uint8)
    assert len(lengths) > 20 and max(lengths) >= OWN.longest - 1 and np.median(lengths) >= 3


def test_spoiled_history_is_less_trusted_and_has_holes(data_folder):
    sampler = Sampler(load(data_folder, Encodings()), SMALL, Without())
    phase = Phase("true", 1.0, "true", 64, 24)
    rng = generator_for(5, 0, 0)
    samples = sampler.singles(rng, phase, phase.batch)
    frame, history, known = sampler.assembled(rng, samples, 64, "cpu")
    assert history.truth is not None and bool((0 < (1 - known.inputs).sum((0, 2, 3))).all()) \
        and bool(((1 - known.inputs).sum((0, 2, 3)) < 12).all())
    for at, sample in enumerate(samples):
        sigma = history.sigma[at, 0]
        inside = sigma[sigma < 1]
        if sample.previous is None:
            assert len(inside) == 0 and torch.equal(history.source[at], frame.base[at])
            continue
        assert torch.allclose(inside, torch.tensor(0.05 + sample.noise))
        for x, y, w, h in sample.holes:
            assert bool((sigma[y:y + h, x:x + w] == 1).all())
    noises = [s.noise for s in samples if s.previous is not None]
    assert max(noises) > 0.1 and any(s.holes for s in samples)
    assert 0 < sum(s.stained for s in samples) < len(samples) / 2


def test_stains_change_a_part_of_the_stained_pictures_alone():
    truth = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    stained = [at % 2 == 1 for at in range(8)]
    out = stained_picture(generator_for(1, 0, 0), truth, stained)
    assert float(out.min()) >= 0 and float(out.max()) <= 1
    for at, here in enumerate(stained):
        changed = ((out[at] - truth[at]).abs() > 0.02).any(0).float().mean()
        assert 0 < changed < 1 if here else torch.equal(out[at], truth[at])


def test_walks_have_single_crops_beside_them(data_folder):
    sampler = Sampler(load(data_folder, Encodings()), SMALL, Without())
    phase = Phase("own", 1.0, "own", 32, 4, longest=6, single=1)
    assert len(sampler.walkers(generator_for(1, 0, 0), phase, None)) == 3
    assert [p.single for p in fitted((phase,), 512)] == [1]
    assert all(0 <= p.single < p.batch for p in fitted(DEFAULT, 64))


def test_a_schedule_of_single_crops_alone_is_refused(tmp_path):
    path = tmp_path / "schedule.json"
    path.write_text('[{"name": "own", "share": 1, "history": "own", "crop": 64, "batch": 2, '
                    '"single": 2}]')
    with pytest.raises(ScheduleError, match="single 2 must be 0..1"):
        read_schedule(path)


def test_same_step_draws_the_same_samples(data_folder):
    sampler = Sampler(load(data_folder, Encodings()), SMALL, Without())
    phase = Phase("true", 1.0, "true", 32, 4)
    drawn = [sampler.singles(generator_for(1, 0, step), phase, 4) for step in (7, 7, 8)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_loss_has_a_gradient_where_the_picture_is_too_bright():
    linear = torch.full((1, 3, 4, 4), 1.5, requires_grad=True)
    target = torch.full((1, 3, 4, 4), 0.5)
    target[..., 2:] = 1.0
    picture_loss(linear, target, gradient_weight=0)[0].backward()
    assert bool((linear.grad[..., :2] > 0).all()) and bool((linear.grad[..., 2:] == 0).all())


def test_a_kept_error_costs_less_the_larger_it_is():
    truth, everywhere = torch.full((1, 3, 4, 4), 0.2), torch.ones(1, 1, 4, 4, dtype=torch.bool)
    assert float(change_loss(truth, truth, truth, truth, everywhere)) == 0
    slightly, badly = truth + 0.01, truth + 0.5
    # A picture that is right after a wrong history changes where the truth does not.
    small = float(change_loss(truth, truth, slightly, truth, everywhere)) / 0.01
    large = float(change_loss(truth, truth, badly, truth, everywhere)) / 0.5
    assert 0.8 < small < 1 and large < 0.02


def test_untrained_network_draws_base_color_under_carried_light(clip_folder):
    clip = load(clip_folder, Encodings())[0]
    config = ModelConfig(channels=[8, 8], blocks=[1, 1], probe_grid=[2, 2, 2])
    network = CompactDenoiser(config)
    first, second = clip.frame(0), clip.frame(1)
    with torch.no_grad():
        bare = picture(rendered(network, second, nothing_carried(second)))
        history = carried(second, first, first.picture, config.own_trust)
        lit = picture(rendered(network, second, history))
        refused = picture(rendered(network, second, history, Without(history=True)))
    assert psnr(lit, second.picture) > psnr(bare, second.picture) + 3
    assert torch.equal(refused, bare)


def test_model_folder_is_read_as_written_and_damage_is_noticed(tmp_path):
    network = CompactDenoiser(ModelConfig(channels=[8, 8], blocks=[1, 1], probe_grid=[2, 3, 4]))
    write_model(network, tmp_path, "room", "1", "a test", "CC0-1.0", "nothing")
    again, document = read_model(tmp_path)
    assert document["probes"]["grid_xyz"] == [2, 3, 4]
    for name, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(ModelError, match="SHA-256"):
        read_model(tmp_path)
    network.head.bias.data[0] = math.nan
    with pytest.raises(ModelError, match="not finite"):
        write_model(network, tmp_path, "room", "1", "a test", "CC0-1.0", "nothing")


def test_shipped_model_description_is_what_export_writes():
    from model_files import described
    network, document = read_model(REPOSITORY / "Models" / "atrium")
    document.pop("precisions", None)  # written by precisions.py
    assert document == described(
        network.config, document["name"], document["version"], document["description"],
        document["licence"], document["source"], document["files"])


@torch.no_grad()
def test_shipped_model_reaches_its_stated_figure_on_the_demo_clip():
    clip = load(DEMO, Encodings())[0]
    network, _ = read_model(REPOSITORY / "Models" / "atrium")
    frame = clip.frame(0)
    shown = from_history(network, frame, nothing_carried(frame))
    assert psnr(shown, frame.picture) == pytest.approx(25.40, abs=0.01)
    assert psnr(frame.base, frame.picture) < 13


def test_metrics_know_known_cases(clip_folder):
    clip = load(clip_folder, Encodings())[0]
    first, second = clip.frame(0), clip.frame(1)
    assert psnr(first.picture, first.picture) == math.inf
    assert ssim(first.picture, first.picture) == pytest.approx(1)
    assert psnr(torch.full((1, 3, 32, 32), 0.5), torch.full((1, 3, 32, 32), 0.4)) == \
        pytest.approx(20, abs=1e-4)
    honest = temporal_error(second, first, second.picture, first.picture)
    unmoved = temporal_error(second, first, first.picture, first.picture)
    assert honest < 0.7 * unmoved  # a picture that does not move with its surfaces flickers


def test_ssim_is_that_of_a_plain_double_loop():
    draw = torch.Generator().manual_seed(2)
    a = torch.rand(1, 3, 13, 12, generator=draw)
    b = (a + 0.1 * torch.randn(1, 3, 13, 12, generator=draw)).clamp(0, 1)
    offset = np.arange(-5, 6)
    window = np.exp(-0.5 * (offset / 1.5) ** 2)
    window = np.outer(window, window) / window.sum() ** 2
    values = []
    for c in range(3):
        for y in range(3):
            for x in range(2):
                p, q = (t[0, c, y:y + 11, x:x + 11].double().numpy() for t in (a, b))
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * p * p).sum() - mp ** 2, (window * q * q).sum() - mq ** 2
                both = (window * p * q).sum() - mp * mq
                values.append((2 * mp * mq + 1e-4) * (2 * both + 9e-4)
                              / ((mp ** 2 + mq ** 2 + 1e-4) * (vp + vq + 9e-4)))
    assert ssim(a, b) == pytest.approx(np.mean(values), abs=1e-9)


def test_ping_pong_walks_forth_and_back():
    assert ping_pong(4, 9) == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert ping_pong(1, 3) == [0, 0, 0]


def test_bounds_hold_the_surfaces(data_folder):
    bounds = surface_bounds(load(data_folder, Encodings()))
    low, high = bounds.probes
    assert low[1] < 0 < 2.2 < high[1] + 0.5 and low[2] < -4
    for axis in range(3):
        assert bounds.place[0][axis] <= low[axis] and bounds.place[1][axis] >= high[axis]


def room_distance(origin, direction) -> float:
    """A box room of 8 x 3 x 8 m with nothing in it, seen from inside."""
    origin, direction = np.asarray(origin, float), np.asarray(direction, float)
    reach = math.inf
    for axis, (low, high) in enumerate(((0, 8), (0, 3), (0, 8))):
        if not low <= origin[axis] <= high:
            return math.inf
        if abs(direction[axis]) > 1e-9:
            wall = high if direction[axis] > 0 else low
            reach = min(reach, (wall - origin[axis]) / direction[axis])
    return reach


def test_camera_walks_stay_clear_of_the_walls():
    bounds = (np.array([0.0, 0.0, 0.0]), np.array([8.0, 3.0, 8.0]))
    speeds = []
    for seed in range(20):
        clip = camera_paths.walk(room_distance, bounds, 12, np.random.default_rng(seed))
        again = camera_paths.walk(room_distance, bounds, 12, np.random.default_rng(seed))
        assert np.array_equal(clip, again)
        for matrix in clip:
            assert abs(matrix[1, 3] - camera_paths.EYE_HEIGHT) < 1e-6
            assert camera_paths.CLEARANCE < matrix[0, 3] < 8 - camera_paths.CLEARANCE
            assert np.allclose(matrix[:3, :3].T @ matrix[:3, :3], np.eye(3), atol=1e-5)
        speeds.append(np.linalg.norm(clip[1][:3, 3] - clip[0][:3, 3]) * 30)
    assert min(speeds) < 0.5 and 1.0 < max(speeds) < 3.1


def test_camera_walks_say_so_where_there_is_no_room():
    with pytest.raises(camera_paths.NoFreeSpace):
        camera_paths.walk(lambda origin, direction: math.inf, (np.zeros(3), np.ones(3)), 3,
                          np.random.default_rng(0))


def test_scene_is_a_sound_glb(tmp_path: Path):
    content = make_scene.glb(make_scene.loft(), make_scene.textures(np.random.default_rng(1)))
    magic, version, total = struct.unpack_from("<4sII", content)
    length, = struct.unpack_from("<I", content, 12)
    document = json.loads(content[20:20 + length])
    assert (magic, version, total) == (b"glTF", 2, len(content))
    body = len(content) - 20 - length - 8
    for view in document["bufferViews"]:
        assert view["byteOffset"] + view["byteLength"] <= body
    assert len(document["materials"]) == len(make_scene.MATERIALS)
    for mesh in make_scene.loft().values():  # every face looks out of its own winding
        points, normals = np.array(mesh.points), np.array(mesh.normals)
        a, b, c = (points[mesh.indices[i::3]] for i in range(3))
        facing = (np.cross(b - a, c - a) * normals[mesh.indices[0::3]]).sum(1)
        assert (facing > -1e-9).all()


def test_served_pictures_are_compared_each_from_the_one_before(clip_folder):
    clip = load(clip_folder, Encodings())[0]
    network = CompactDenoiser(ModelConfig(channels=[8, 8], blocks=[1, 1], probe_grid=[2, 2, 2]))
    session = Session(network)
    served = [session.render(clip.frame(index)) for index in range(len(clip))]
    assert nearness(network, clip, served, Without()) == {
        "within_1": 1.0, "equal": 1.0, "largest": 0}
    served[-1] = served[-1].clone()
    served[-1][0, 0, 3, 3] = (served[-1][0, 0, 3, 3] + 0.5) % 1
    spoiled = nearness(network, clip, served, Without())
    assert spoiled["largest"] > 100 and 0.99 < spoiled["within_1"] < 1


def standing(draw: torch.Generator, moves: bool = False) -> FrameBatch:
    """A flat wall at 3 m whose base color is near mid grey, a different one at each call."""
    wall = torch.full((1, 1, 6, 8), 0.5)
    base = 120 + torch.randint(-5, 6, (1, 3, 6, 8), generator=draw)
    numbers = (1, 0, 0, 0.01 if moves else 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1)
    camera = Camera(8, 8, 4, 3, 8, 6, 0.1, 100, numbers)
    return FrameBatch(base / 255, torch.zeros_like(base) + 0.5, wall[:, 0] * 6, wall, wall,
                      base / 255, [camera])


def test_base_color_becomes_the_mean_of_standing_frames():
    draw = torch.Generator().manual_seed(11)
    frames = [standing(draw) for _ in range(6)]
    kept = frames[0]
    for number, frame in enumerate(frames[1:], 2):
        kept = averaged(frame, kept)
        mean = sum(f.base for f in frames[:number]) / number
        # Each frame's rounding is off by half a level at most, and is averaged again.
        assert float((kept.base - mean).abs().max()) * 255 <= sum(range(2, number + 1)) / number / 2
        assert bool((kept.base_frames == number).all())
    other = standing(draw)
    other.base[0, :, 2, 3] += 40 / 255
    changed = averaged(other, kept)
    assert torch.equal(changed.base[0, :, 2, 3], other.base[0, :, 2, 3])
    assert float(changed.base_frames[0, 2, 3]) == 1 and float(changed.base_frames[0, 2, 4]) == 7
    moved = standing(draw, moves=True)
    assert averaged(moved, kept) is moved
    for _ in range(9):
        kept = averaged(frames[0], kept)
    assert float(kept.base_frames.max()) == 8


def test_a_standing_camera_gets_a_steadier_picture():
    draw = torch.Generator().manual_seed(5)
    network = CompactDenoiser(ModelConfig(channels=[8, 8], blocks=[1, 1], probe_grid=[2, 2, 2]))
    session, made, bare = Session(network), [], []
    for _ in range(6):
        frame = standing(draw)
        made.append(session.render(frame))
        bare.append(from_history(network, frame, nothing_carried(frame)))
    apart = lambda pictures: float((pictures[-1] - pictures[-2]).abs().mean())
    assert apart(made) < 0.5 * apart(bare)
