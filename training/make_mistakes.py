# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Draws mistakes.jpg: what a client's usual mistakes look like after ten frames, what the doctor
says of each, and how far the picture is from the right one. It is docs/images/mistakes.jpg.

    python training/make_mistakes.py --programs .build/release

Plays the demo clip, spoilt, through a daemon of its own with the Python client.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "clients/python/src"), str(ROOT / "benchmarks"),
                str(ROOT / "benchmarks/clients")]
import frameloom  # noqa: E402
from daemon import Daemon, running_daemon  # noqa: E402
from doctor_geometry import bilinear  # noqa: E402
from run import read_clip  # noqa: E402

FRAMES, CELL, COLUMNS = 10, 300, 5
LOOKED_AT = 14  # where the doctor has found nothing in so many frames, it says so
SECONDS = 60  # on a busy machine the doctor looks at some frames only


def with_camera(frame: dict, **changes) -> dict:
    return dict(frame, camera=replace(frame["camera"], **changes))


def with_matrix(frame: dict, change) -> dict:
    return with_camera(frame, camera_to_world=change(frame["camera"].camera_to_world.copy()))


def centimetres(matrix: np.ndarray) -> np.ndarray:
    matrix[:3, 3] *= 100
    return matrix


def transposed(matrix: np.ndarray) -> np.ndarray:
    matrix[:3, :3] = matrix[:3, :3].T.copy()  # all of it transposed is refused by name
    return matrix


def unflipped(frame: dict) -> dict:
    return {name: np.ascontiguousarray(plane[::-1]) if isinstance(plane, np.ndarray) else plane
            for name, plane in frame.items()}


def along_ray(frame: dict) -> dict:
    camera, depth = frame["camera"], frame["depth"]
    y, x = np.mgrid[0:depth.shape[0], 0:depth.shape[1]] + 0.5
    length = np.sqrt(1 + ((x - camera.cx) / camera.fx) ** 2 + ((y - camera.cy) / camera.fy) ** 2)
    return dict(frame, depth=np.minimum(depth * length, 65535).astype(np.uint16))


def linear(frame: dict) -> dict:
    s = frame["base_color"] / 255
    values = np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
    return dict(frame, base_color=np.round(values * 255).astype(np.uint8))


def in_view(frame: dict) -> dict:
    turn = frame["camera"].camera_to_world[:3, :3]
    normals = (frame["normals"] / 127.5 - 1) @ turn
    return dict(frame, normals=np.clip(np.round((normals + 1) * 127.5), 0, 255).astype(np.uint8))


def z_up(frame: dict) -> dict:
    x, y, z = np.moveaxis(frame["normals"], -1, 0)
    return dict(frame, normals=np.stack([x, 255 - z, y], -1))


def not_encoded(frame: dict) -> dict:
    kept = np.maximum(2 * frame["normals"].astype(int) - 255, 0)
    return dict(frame, normals=kept.astype(np.uint8))


def device_depth(frame: dict, scale: float, near: float, far: float) -> dict:
    """Reversed, as a 32-bit depth buffer holds it."""
    z = np.maximum(frame["depth"] * scale, near)
    value = near * (far - z) / (z * (far - near))
    return dict(frame, depth=np.where(frame["depth"] > 0, value, 0).astype(np.float32))


def jittered(frames: list[dict]) -> list[dict]:
    """Drawn beside the pixel centers, the opposite stated."""
    def halton(index: int, base: int) -> float:
        share, total = 1.0, 0.0
        while index:
            share /= base
            total += share * (index % base)
            index //= base
        return total - 0.5

    def drawn(plane: np.ndarray, dx: float, dy: float) -> np.ndarray:
        y, x = np.mgrid[0:plane.shape[0], 0:plane.shape[1]]
        if plane.ndim == 2:  # of two depths the mean is that of no surface
            last = plane.shape[0] - 1, plane.shape[1] - 1
            return plane[np.rint(y + dy).clip(0, last[0]).astype(int),
                         np.rint(x + dx).clip(0, last[1]).astype(int)]
        at = bilinear(plane.astype(float), (x + 0.5 + dx).ravel(), (y + 0.5 + dy).ravel())
        return np.round(at).reshape(plane.shape).astype(np.uint8)

    def change(index: int, frame: dict) -> dict:
        dx, dy = halton(index + 1, 2), halton(index + 1, 3)
        planes = {name: drawn(plane, dx, dy) for name, plane in frame.items() if name != "camera"}
        return dict(planes, camera=frame["camera"], jitter=(-dx, -dy))
    return [change(index, frame) for index, frame in enumerate(frames)]


def late(frames: list[dict]) -> list[dict]:
    return [dict(frame, camera=frames[max(0, i - 1)]["camera"]) for i, frame in enumerate(frames)]


def each(change):
    return lambda frames: [change(frame) for frame in frames]


@dataclass
class Mistake:
    verdict: str
    spoil: Callable[[list[dict]], list[dict]]
    stated: dict = field(default_factory=dict)  # to `connect`


def mistakes(scale: float) -> dict[str, Mistake]:
    """By name. `scale`: metres of a unit of the clip's depth."""
    return {
        "nothing wrong": Mistake("no finding", lambda frames: frames),
        "planes upside down": Mistake("upside-down", each(unflipped)),
        "world_to_camera sent": Mistake(
            "camera-inverted", each(lambda f: with_matrix(f, np.linalg.inv))),
        "matrix transposed (its rotation)": Mistake(
            "camera-transposed", each(lambda f: with_matrix(f, transposed))),
        "position in centimetres": Mistake(
            "camera-unit", each(lambda f: with_matrix(f, centimetres))),
        "principal point 0": Mistake(
            "principal-point", each(lambda f: with_camera(f, cx=0.0, cy=0.0))),
        "focal length 1.3 times": Mistake("field-of-view", each(lambda f: with_camera(
            f, fx=f["camera"].fx * 1.3, fy=f["camera"].fy * 1.3))),
        "camera one frame late": Mistake("camera-late", late),
        "jitter of the wrong sign": Mistake("jitter-sign", jittered),
        "depth along the ray": Mistake("ray-depth", each(along_ray)),
        "depth times 100": Mistake("depth-unit", each(lambda f: with_camera(f, far=0.0)),
                                   {"depth_scale": 100 * scale}),
        "depth all the same": Mistake("depth-constant", each(lambda f: dict(
            f, depth=np.full_like(f["depth"], round(5 / scale))))),
        "near and far in centimetres": Mistake(
            "near-plane",
            each(lambda f: with_camera(device_depth(f, scale, 0.05, 300), near=5.0, far=30000.0)),
            {"depth": "device-reversed", "depth_scale": None, "near": 5.0, "far": 30000.0}),
        "normals with Z up (Blender's axes)": Mistake("normals-axes", each(z_up)),
        "normals in view space": Mistake("normals-view", each(in_view)),
        "green channel flipped": Mistake("normals-green", each(lambda f: dict(
            f, normals=np.where([False, True, False], 255 - f["normals"],
                                f["normals"]).astype(np.uint8)))),
        "normals without n * 0.5 + 0.5": Mistake("normals-not-encoded", each(not_encoded)),
        "linear base color": Mistake("base-color-linear", each(linear)),
        "red and blue swapped": Mistake("red-blue-swapped", each(lambda f: dict(
            f, base_color=np.ascontiguousarray(f["base_color"][..., ::-1])))),
        "smoothness": Mistake("smoothness", each(lambda f: dict(
            f, roughness=255 - f["roughness"]))),
    }


def play(daemon: Daemon, program: Path, frames: list[dict], stated: dict) -> tuple[np.ndarray, str]:
    """The picture of the tenth frame and the doctor's verdict, which may need more frames."""
    def report() -> dict:
        run = subprocess.run(
            [program, "doctor", str(session.opened.session_id), "--control", daemon.control,
             "--json"], capture_output=True, text=True)
        return json.loads(run.stdout) if run.stdout.startswith("{") else {"frames": 0}

    with frameloom.connect(daemon.socket, **stated) as session:
        for number, frame in enumerate(frames, 1):
            shown = session.render(**frame)
            if number == FRAMES:
                picture = np.asarray(shown)[..., :3].copy()
        end = time.monotonic() + SECONDS
        while True:
            said = report()
            wrong = [v["name"] for v in said.get("verdicts", []) if v.get("is_wrong")]
            if wrong or said["frames"] >= LOOKED_AT or time.monotonic() > end:
                return picture, wrong[0] if wrong else "no finding"
            for frame in frames:
                session.render(**frame, reset=frame is frames[0])


def sheet(cells: list[tuple[str, np.ndarray, str]]) -> Image.Image:
    label, rows = 34, -(-len(cells) // COLUMNS)
    out = Image.new("RGB", (COLUMNS * CELL, rows * (CELL + label)), "white")
    draw = ImageDraw.Draw(out)
    for index, (name, picture, verdict) in enumerate(cells):
        x, y = index % COLUMNS * CELL, index // COLUMNS * (CELL + label)
        out.paste(Image.fromarray(picture).resize((CELL - 6, CELL - 6), Image.Resampling.LANCZOS),
                  (x + 3, y + label))
        draw.text((x + 5, y + 3), name, fill="black", font_size=14)
        away = "" if index == 0 else f", {decibels(picture, cells[0][1]):.0f} dB"
        draw.text((x + 5, y + 18), f"doctor: {verdict}{away}", fill="#0a4", font_size=12)
    return out


def decibels(picture: np.ndarray, other: np.ndarray) -> float:
    """PSNR."""
    error = np.mean((picture.astype(float) - other) ** 2)
    return 10 * math.log10(255 ** 2 / max(error, 1e-9))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--programs", type=Path, default=ROOT / ".build/release")
    parser.add_argument("--out", type=Path, default=Path("mistakes.jpg"))
    given = parser.parse_args()
    frames, scale = read_clip(ROOT / "Clips/atrium-flight")
    with running_daemon(given.programs) as daemon:
        cells, wrong = [], []
        for name, mistake in mistakes(scale).items():
            picture, verdict = play(
                daemon, given.programs / "frameloom", mistake.spoil(frames[:LOOKED_AT + 2]),
                {"depth_scale": scale, **mistake.stated})
            cells.append((name, picture, verdict))
            wrong += [name] if verdict != mistake.verdict else []
            print(f"{name}: {verdict}", flush=True)
    sheet(cells).save(given.out, quality=85)
    if wrong:
        sys.exit(f"the doctor is wrong about: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
