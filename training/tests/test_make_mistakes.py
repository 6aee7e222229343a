# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The mistakes that docs/images/mistakes.jpg shows are made as their names say: these tools' doctor
gives each the verdict that the daemon's must give when the picture is drawn."""

import numpy as np
import pytest
from conftest import REPOSITORY

import doctor
import make_mistakes
from doctor_geometry import DoctorFrame
from geometry import Camera

FRAMES = 10


@pytest.fixture(scope="module")
def clip():
    frames, scale = make_mistakes.read_clip(REPOSITORY / "Clips" / "atrium-flight")
    return frames[:FRAMES], scale


@pytest.fixture(scope="module")
def palette():
    return doctor.Palette.read(REPOSITORY / "Models" / "atrium" / "planes.json")


def as_sent(frame: dict, stated: dict) -> DoctorFrame:
    """What a daemon understands of a frame of the Python client."""
    c, depth = frame["camera"], frame["depth"].astype(np.float64)
    height, width = depth.shape
    device = None
    if stated.get("depth") == "device-reversed":
        device = c.near, c.far
        depth = np.where(depth > 0, c.near * c.far / (c.near + depth * (c.far - c.near)), 0)
    else:
        depth = depth * stated["depth_scale"]
    depth = np.where(depth < (c.far or np.inf), depth, 0)
    camera = Camera(c.fx, c.fy, c.cx, c.cy, width, height, c.near, c.far,
                    tuple(c.camera_to_world.ravel()))
    return DoctorFrame(frame["base_color"].astype(np.float32) / 255,
                       frame["normals"].astype(np.float32) / 127.5 - 1,
                       depth.astype(np.float32), frame["roughness"].astype(np.float32) / 255,
                       camera, frame.get("jitter", (0.0, 0.0)), device=device)


NAMES = list(make_mistakes.mistakes(1.0))


def test_the_picture_shows_all_of_the_usual_mistakes():
    assert len(NAMES) == 20


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_has_its_verdict(name, clip, palette):
    frames, scale = clip
    mistake = make_mistakes.mistakes(scale)[name]
    stated = {"depth_scale": scale, **mistake.stated}
    found = doctor.examine((as_sent(f, stated) for f in mistake.spoil(frames)), palette).findings
    assert (found[0].name if found else "no finding") == mistake.verdict
