# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Random clips with random legal encodings (docs/clips.md): the same planes in both readers, and
through the daemon the same picture as their plain form, within what the encodings round."""

import json
import shutil
import subprocess
import time
import zlib

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

from camera_file import AXES
from clip import Encodings, open_clip, read_planes
from clip_table.files import iccp, jpeg, png, profile

PROGRAMS = REPOSITORY / ".build" / "debug"
WIDTH, HEIGHT = 48, 40
pytestmark = pytest.mark.skipif(
    not (PROGRAMS / "frameloom").exists(),
    reason="the Swift reader is not built: swift build makes .build/debug/frameloom")


class RandomClip:
    """Two frames of smooth surfaces under a sky, as arrays."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / 40.0
        wave = lambda a, b: 0.5 + 0.5 * np.sin(a * x * 6 + b * y * 5 + self.rng.uniform(0, 6))
        byte = lambda v: np.clip(np.round(v * 255), 0, 255).astype(np.uint8)
        self.frames = []
        for _ in range(2):
            depth = 2 + 6 * wave(1, 0.5)
            depth[:6] = 0
            normal = np.stack([wave(1, 2) - 0.5, 0.2 + wave(2, 1), 0.3 + wave(1, 1)], -1)
            normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
            self.frames.append({
                "BaseColor": byte(np.stack([wave(1, 1), wave(2, 0), wave(0, 2)], -1)),
                "Normals": byte(normal * 0.5 + 0.5), "Depth": depth,
                "Roughness": byte(wave(1, 0)), "Metallic": byte(wave(0, 1)),
                "FinalImage": byte(np.stack([wave(0, 1)] * 3, -1))})
        turn = self.rng.uniform(-0.4, 0.4)
        self.rows = [[np.cos(turn), 0, np.sin(turn), 1], [0, 1, 0, 1.6],
                     [-np.sin(turn), 0, np.cos(turn), 2], [0, 0, 0, 1]]

    def cameras(self) -> list[dict]:
        entries = []
        for number in range(2):
            rows = [list(map(float, row)) for row in self.rows]
            rows[0][3] += 0.05 * number
            entries.append({"frame": number, "fx": 40.0, "fy": 40.0, "cx": WIDTH / 2,
                            "cy": HEIGHT / 2, "near": 0.05, "far": 100.0, "camera_to_world": rows})
        return entries


def write(folder, clip: RandomClip, planes: list[dict[str, bytes]], encodings: dict,
          names=lambda plane, number: f"{plane}_{number:04d}.png") -> None:
    for number, files in enumerate(planes):
        for plane, content in files.items():
            (folder / plane).mkdir(parents=True, exist_ok=True)
            (folder / plane / names(plane, number)).write_bytes(content)
    (folder / "camera.json").write_text(json.dumps({
        "format": "frameloom-clip-1", "encodings": encodings, "frames": clip.cameras()}))


def plain(folder, clip: RandomClip) -> None:
    write(folder, clip, [
        {plane: png(np.round(v * 4000).astype(np.uint16) if plane == "Depth" else v)
         for plane, v in frame.items()} for frame in clip.frames],
        {"depth": {"unitsPerMetre": 4000}})


class Encoder:
    """One random way of writing a clip; what it rounds is said by `rounds`."""

    def __init__(self, clip: RandomClip, lossy: bool):
        self.clip, self.rng, self.lossy = clip, clip.rng, lossy
        self.pick = lambda *values: values[int(self.rng.integers(len(values)))]
        self.depth_kind = self.pick("planar", "distance", "reversed")
        self.units, self.sky = int(self.pick(1000, 4000)), int(self.pick(0, 65535, 777))
        self.axes = self.pick(*AXES)
        self.smooth = bool(self.pick(False, True))
        self.base = self.pick("silent", "srgb", "linear", "gama", "profile", "linear profile")
        self.separator, self.prefix = self.pick("_", ".", "-", ""), self.pick("", "Hall_", "a.b ")

    def encodings(self) -> dict:
        depth = {"kind": self.depth_kind, "sky": self.sky}
        if self.depth_kind != "reversed":
            depth["unitsPerMetre"] = self.units
        said = {"depth": depth, "normals": {"space": "world", "axes": self.axes, "sky": 128}}
        if self.smooth:
            said["roughness"] = "smoothness"
        if self.base in ("srgb", "linear"):
            said["baseColor"] = {"srgb": "srgb8", "linear": "linear16"}[self.base]
        return said

    def name(self, plane: str, number: int) -> str:
        return f"{self.prefix}{plane}{self.separator}{number:03d}{self.pick('.png', '.PNG')}"

    def png(self, pixels: np.ndarray, extra=()) -> bytes:
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        if pixels.dtype == np.uint8 and self.pick(True, False):
            pixels = pixels.astype(np.uint16) * 257
        if pixels.shape[2] == 1 and self.pick(True, False):
            pixels = np.repeat(pixels, 3, 2)
        if self.pick(True, False):
            alpha = self.rng.integers(0, 256, (*pixels.shape[:2], 1)).astype(pixels.dtype)
            pixels = np.concatenate([pixels, alpha], 2)
        return png(pixels, extra, filters=self.pick(-1, 0, 1, 2, 3, 4),
                   interlaced=bool(self.pick(True, False)))

    def plane(self, plane: str, value: np.ndarray) -> bytes:
        if plane == "Depth":
            return self.png(self.depth(value))
        if plane == "Normals":
            stored = np.empty_like(value)
            for axis, (channel, sign) in enumerate(AXES[self.axes]):
                stored[..., channel] = value[..., axis] if sign > 0 else 255 - value[..., axis]
            value = stored
        if plane == "Roughness" and self.smooth:
            value = 255 - value
        if plane == "BaseColor" and self.base in ("linear", "gama", "linear profile"):
            x = value / 255
            light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
            extra = {"linear": [], "gama": [(b"gAMA", (100000).to_bytes(4, "big"))],
                     "linear profile": [iccp("linear")]}[self.base]
            return self.png(np.round(light * 65535).astype(np.uint16), extra)
        if plane != "Depth" and self.lossy and self.pick(True, False):
            return jpeg(value, quality=int(self.pick(75, 95)),
                        subsampling=int(self.pick(0, 1, 2)), progressive=bool(self.pick(0, 1)))
        if plane == "BaseColor" and self.base == "profile":
            if self.lossy and self.pick(True, False):
                return jpeg(value, icc_profile=profile("srgb"))
            return self.png(value, [iccp("srgb")])
        return self.png(value)

    def depth(self, metres: np.ndarray) -> np.ndarray:
        surface = metres > 0
        if self.depth_kind == "reversed":
            near, far = 0.05, 100.0
            with np.errstate(divide="ignore", invalid="ignore"):
                device = near * (far - metres) / (metres * (far - near))
            raw = np.round(np.where(surface, device, 0) * 65535)
        else:
            if self.depth_kind == "distance":
                x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / 40
                y = (np.arange(HEIGHT) + 0.5 - HEIGHT / 2) / 40
                metres = metres * np.sqrt((x * x)[None] + (y * y)[:, None] + 1)
            raw = np.round(metres * self.units)
        raw = np.where(surface, np.clip(raw, 1, 65534), self.sky)
        raw = np.where(surface & (raw == self.sky), raw + 1, raw)
        return raw.astype(np.uint16)

    def write(self, folder) -> None:
        write(folder, self.clip, [{plane: self.plane(plane, value) for plane, value in frame.items()}
                                  for frame in self.clip.frames], self.encodings(), self.name)


def frameloom(*words) -> str:
    done = subprocess.run([PROGRAMS / "frameloom", *map(str, words)], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("seed", range(16))
def test_both_readers_see_the_same_planes(tmp_path, seed):
    Encoder(RandomClip(seed), lossy=True).write(tmp_path / "clip")
    seen = json.loads(frameloom("clip", tmp_path / "clip", "--json"))
    clip = open_clip(tmp_path / "clip", Encodings())
    assert [frame["number"] for frame in seen["frames"]] == clip.numbers
    for index, frame in enumerate(seen["frames"]):
        for plane, pixels in read_planes(clip, index).items():
            crc = zlib.crc32(np.ascontiguousarray(pixels).tobytes())
            assert frame["planes"][plane]["crc"] == crc, (plane, clip.stated)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("daemon")
    process = subprocess.Popen(
        [PROGRAMS / "frameloomd", "--set", f"socket.path={folder / 'f.sock'}", "--set",
         f"models.folder={REPOSITORY / 'Models'}", "--set", "log.level=error", "--set",
         "render.precision=fp32"])
    deadline = time.monotonic() + 120
    while not (folder / "f.sock").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    yield folder / "f.sock"
    process.terminate()
    process.wait(timeout=60)


@pytest.mark.parametrize("seed", range(100, 106))
def test_the_daemon_draws_the_plain_forms_picture(tmp_path, daemon, seed):
    clip = RandomClip(seed)
    plain(tmp_path / "plain", clip)
    Encoder(clip, lossy=False).write(tmp_path / "other")
    for name in ("plain", "other"):
        frameloom("play", tmp_path / name, "--socket", daemon, "--out", tmp_path / "out" / name,
                  "--timeout", 200)
    for number in range(2):
        one, two = (np.array(Image.open(
            tmp_path / "out" / name / f"Rendered_{number:04d}.png")).astype(int)
            for name in ("plain", "other"))
        error = np.mean((one - two) ** 2.0)
        # Depth of 1/1000 m and device depth round otherwise; colors by at most one level.
        assert 10 * np.log10(255 ** 2 / max(error, 1e-9)) > 40, (seed, error)
    shutil.rmtree(tmp_path / "out")
