# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Draws mistakes.jpg: what a client's usual mistakes look like after ten frames, and what the doctor
says of each. It is docs/images/mistakes.jpg.

    python training/make_mistakes.py --programs .build/release

Plays the demo clip, spoilt, through a daemon of its own with the Python client.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "clients/python/src"), str(ROOT / "benchmarks"),
                str(ROOT / "benchmarks/clients")]
import frameloom  # noqa: E402
from daemon import Daemon, running_daemon  # noqa: E402
from run import read_clip  # noqa: E402

FRAMES, CELL, COLUMNS = 10, 300, 4
LOOKED_AT = 14  # where the doctor has found nothing in so many frames, it says so
SECONDS = 60  # on a busy machine the doctor looks at some frames only


def with_camera(frame: dict, **changes) -> dict:
    return dict(frame, camera=replace(frame["camera"], **changes))


def with_matrix(frame: dict, change) -> dict:
    return with_camera(frame, camera_to_world=change(frame["camera"].camera_to_world.copy()))


def centimetres(matrix: np.ndarray) -> np.ndarray:
    matrix[:3, 3] *= 100
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


def late(frames: list[dict]) -> list[dict]:
    return [dict(frame, camera=frames[max(0, i - 1)]["camera"]) for i, frame in enumerate(frames)]


def each(change):
    return lambda frames: [change(frame) for frame in frames]


MISTAKES = {
    "nothing wrong": lambda frames: frames,
    "planes upside down": each(unflipped),
    "world_to_camera sent": each(lambda f: with_matrix(f, np.linalg.inv)),
    "position in centimetres": each(lambda f: with_matrix(f, centimetres)),
    "focal length 1.3 times": each(lambda f: with_camera(f, fx=f["camera"].fx * 1.3,
                                                         fy=f["camera"].fy * 1.3)),
    "depth along the ray": each(along_ray),
    "camera one frame late": late,
    "normals in view space": each(in_view),
    "green channel flipped": each(lambda f: dict(f, normals=np.where(
        [False, True, False], 255 - f["normals"], f["normals"]).astype(np.uint8))),
    "linear base color": each(linear),
    "red and blue swapped": each(lambda f: dict(
        f, base_color=np.ascontiguousarray(f["base_color"][..., ::-1]))),
    "smoothness": each(lambda f: dict(f, roughness=255 - f["roughness"])),
}


def play(daemon: Daemon, program: Path, frames: list[dict], scale: float) -> tuple[np.ndarray, str]:
    """The picture of the tenth frame and the doctor's verdict, which may need more frames."""
    def report() -> dict:
        run = subprocess.run(
            [program, "doctor", str(session.opened.session_id), "--control", daemon.control,
             "--json"], capture_output=True, text=True)
        return json.loads(run.stdout) if run.stdout.startswith("{") else {"frames": 0}

    with frameloom.connect(daemon.socket, depth_scale=scale) as session:
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
        draw.text((x + 5, y + 18), f"doctor: {verdict}", fill="#0a4", font_size=12)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--programs", type=Path, default=ROOT / ".build/release")
    parser.add_argument("--out", type=Path, default=Path("mistakes.jpg"))
    given = parser.parse_args()
    frames, scale = read_clip(ROOT / "Clips/atrium-flight")
    with running_daemon(given.programs) as daemon:
        cells = []
        for name, spoil in MISTAKES.items():
            picture, verdict = play(
                daemon, given.programs / "frameloom", spoil(frames[:LOOKED_AT + 2]), scale)
            cells.append((name, picture, verdict))
            print(f"{name}: {verdict}", flush=True)
    sheet(cells).save(given.out, quality=85)


if __name__ == "__main__":
    main()
