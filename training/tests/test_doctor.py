# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The doctor on the demo clip: what is wrong is named, what is right is let alone. The daemon's own
tests (`Tests/FrameDoctorTests`) make the whole table; these hold the two to the same verdicts."""

from dataclasses import replace

import numpy as np
import pytest

import doctor as d
from doctor_geometry import matrix_of
from clip import Encodings, open_clip
from conftest import REPOSITORY

FRAMES = 11


@pytest.fixture(scope="module")
def frames():
    clip = open_clip(REPOSITORY / "Clips" / "atrium-flight", Encodings())
    return [d.decoded(clip, index) for index in range(FRAMES + 1)]


@pytest.fixture(scope="module")
def palette():
    return d.Palette.read(REPOSITORY / "Models" / "atrium" / d.PALETTE_FILE)


def each(change):
    return lambda frames: [change(frame) for frame in frames]


def moved(frame, matrix):
    return replace(frame, camera=matrix_of(frame.camera, matrix))


def flipped(frame):
    return replace(frame, base=frame.base[::-1], normal=frame.normal[::-1],
                   depth=frame.depth[::-1], roughness=frame.roughness[::-1])


def in_centimetres(frame):
    matrix = frame.camera.matrix()
    matrix[:3, 3] *= 100
    return moved(frame, matrix)


def along_the_ray(frame):
    c, (height, width) = frame.camera, frame.depth.shape
    y, x = np.mgrid[0:height, 0:width] + 0.5
    return replace(frame, depth=frame.depth * np.sqrt(
        1 + ((x - c.cx) / c.fx) ** 2 + ((y - c.cy) / c.fy) ** 2))


def late(frames):
    return [replace(f, camera=before.camera) for before, f in zip(frames, frames[1:])]


WRONG = {
    "upside-down": each(flipped),
    "camera-unit": each(in_centimetres),
    "camera-inverted": each(lambda f: moved(f, np.linalg.inv(f.camera.matrix()))),
    "field-of-view": each(lambda f: replace(f, camera=replace(
        f.camera, fx=f.camera.fx * 1.3, fy=f.camera.fy * 1.3))),
    "ray-depth": each(along_the_ray),
    "depth-unit": each(lambda f: replace(f, depth=f.depth * 100)),
    "depth-empty": each(lambda f: replace(f, depth=f.depth * 0)),
    "normals-axes": each(lambda f: replace(f, normal=f.normal * np.float32([1, 1, -1]))),
    "normals-green": each(lambda f: replace(f, normal=f.normal * np.float32([1, -1, 1]))),
    "normals-world": each(lambda f: replace(f, is_view=True)),
    "camera-late": late,
    "base-color-linear": each(lambda f: replace(
        f, base=d.linear_from_srgb(f.base).astype(np.float32))),
    "red-blue-swapped": each(lambda f: replace(f, base=f.base[..., ::-1])),
    "smoothness": each(lambda f: replace(f, roughness=1 - f.roughness)),
}


@pytest.mark.parametrize("verdict", WRONG)
def test_says_what_is_wrong(verdict, frames, palette):
    found = d.examine(WRONG[verdict](frames), palette).findings
    assert [f.name for f in found] == [verdict]
    assert found[0].frames <= FRAMES


def test_says_nothing_of_what_is_right(frames, palette):
    assert d.examine(frames, palette).findings == []
    standing = [replace(frames[0]) for _ in frames]
    assert d.examine(standing, palette).findings == []


def test_says_nothing_of_a_plain_wall(frames):
    wall = np.full_like(frames[0].depth, 3.0)
    plain = np.full_like(frames[0].base, 0.5)
    facing = np.broadcast_to(np.float32([0, 0, 1]), plain.shape)

    def along(index, frame):
        matrix = np.eye(4)
        matrix[:3, 3] = [0.05 * index, 1.6, 0]
        return moved(replace(frame, base=plain, depth=wall, normal=facing), matrix)
    assert d.examine(along(i, f) for i, f in enumerate(frames)).findings == []
