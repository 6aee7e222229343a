# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Small clips made on the spot: a textured box room seen by a moving camera, with sky above."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

REPOSITORY = Path(__file__).resolve().parents[2]

torch.set_num_threads(1)


def room_frame(camera: np.ndarray, focal: float, size: int, rng: np.random.Generator) -> dict:
    """Planes of a 6x6 m floor and back wall under open sky, lit by position."""
    at = np.arange(size) + 0.5
    x, y = np.meshgrid((at - size / 2) / focal, -(at - size / 2) / focal)
    rays = np.stack([x, y, -np.ones_like(x)], -1) @ camera[:3, :3].T
    origin = camera[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = np.where(rays[..., 1] < -1e-6, -origin[1] / rays[..., 1], np.inf)
        wall = np.where(rays[..., 2] < -1e-6, (-4 - origin[2]) / rays[..., 2], np.inf)
    top = origin[1] + rays[..., 1] * np.where(np.isfinite(wall), wall, 0)
    wall = np.where(top < 2.2, wall, np.inf)
    depth = np.minimum(floor, wall)
    sky = ~np.isfinite(depth) | (depth > 60)
    depth = np.where(sky, 0, depth)
    position = origin + rays * depth[..., None]
    normal = np.where((floor < wall)[..., None], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    checker = (np.floor(position * 1.5).sum(-1) % 2)[..., None]
    base = np.where(sky[..., None], 0, 0.3 + 0.4 * checker * [1.0, 0.8, 0.6])
    light = 0.7 + 0.5 * np.sin(position[..., :1]) * np.cos(position[..., 2:])
    picture = np.where(sky[..., None], [0.5, 0.7, 0.9], base * light)
    picture = picture + rng.normal(0, 0.004, picture.shape)
    as_bytes = lambda v: np.clip(np.round(v * 255), 0, 255).astype(np.uint8)
    flat = np.where(sky, 0, 0.5)
    return {"BaseColor": as_bytes(base), "Normals": as_bytes(np.where(sky[..., None], 0.502,
                                                                      normal * 0.5 + 0.5)),
            "Depth": np.clip(np.round(depth * 400), 0, 65535).astype(np.uint16),
            "Roughness": as_bytes(flat), "Metallic": as_bytes(flat * 0),
            "FinalImage": as_bytes(picture)}


def write_clip(folder: Path, frames: int = 4, size: int = 64, seed: int = 0,
               prefix: str = "") -> Path:
    from PIL import Image
    rng, focal, entries = np.random.default_rng(seed), size * 0.7, []
    for number in range(frames):
        camera = np.eye(4)
        camera[:3, 3] = [0.1 * number + seed * 0.3, 1.6, 2.0]
        for plane, pixels in room_frame(camera, focal, size, rng).items():
            (folder / plane).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / plane / f"{prefix}{plane}_{number:04d}.png")
        entries.append({"frame": number, "width": size, "height": size, "fx": focal, "fy": focal,
                        "cx": size / 2, "cy": size / 2, "near": 0.05, "far": 300.0,
                        "camera_to_world": camera.tolist()})
    (folder / "camera.json").write_text(json.dumps({
        "format": "frameloom-clip-1", "fps": 30,
        "encodings": {"depth": {"kind": "planar", "unitsPerMetre": 400, "sky": 0},
                      "normals": {"space": "world"}}, "frames": entries}))
    return folder


@pytest.fixture
def clip_folder(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "data" / "room0")


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    for number in range(3):
        write_clip(tmp_path / "data" / f"room{number}", seed=number)
    return tmp_path / "data"
