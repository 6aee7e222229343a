#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The frame rate of the Python client beside the C client's (`frameloom play`), on the same clip and
daemon, in turns, and whether their pictures are the same bytes.

    python benchmarks/clients/run.py [CLIP] --programs .build/release [--rounds 3] [--passes 4]

Needs numpy and Pillow.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "clients/python/src"), str(ROOT / "benchmarks")]
import frameloom  # noqa: E402
from daemon import running_daemon  # noqa: E402

PLANES = {"base_color": "BaseColor", "normals": "Normals", "depth": "Depth",
          "roughness": "Roughness", "metallic": "Metallic", "emissive": "Emissive"}


def read_clip(folder: Path) -> tuple[list[dict], float]:
    """Frames as the client takes them, and the metres of a depth unit."""
    stated = json.loads((folder / "camera.json").read_text())
    frames = []
    for entry in stated["frames"]:
        frame = {}
        for name, plane in PLANES.items():
            path = folder / plane / f"{plane}_{entry['frame']:04d}.png"
            if path.exists():
                frame[name] = np.array(Image.open(path))
        if frame["depth"].dtype != np.uint16:
            frame["depth"] = frame["depth"].astype(np.uint16)
        frame["camera"] = frameloom.Camera(
            entry["fx"], entry["fy"], entry["cx"], entry["cy"],
            np.array(entry["camera_to_world"], np.float64), entry.get("near") or 0,
            entry.get("far") or 0)
        frames.append(frame)
    return frames, 1 / stated["encodings"]["depth"]["unitsPerMetre"]


def order(count: int, passes: int) -> list[int]:
    """Forwards and backwards, as --ping-pong does."""
    there = list(range(count))
    once = there + there[-2:0:-1]
    return (once * passes)[: len(once) * passes]


def play_python(socket: str, frames: list[dict], scale: float, turns: list[int]
                ) -> tuple[float, dict[int, np.ndarray]]:
    first: dict[int, np.ndarray] = {}
    with frameloom.connect(socket, depth_scale=scale) as session:
        start = time.perf_counter()
        pictures = session.stream((frames[index] for index in turns), in_flight=2)
        for index, picture in zip(turns, pictures, strict=True):
            if len(first) < len(frames) and index not in first:
                first[index] = np.asarray(picture)[..., :3].copy()
        return len(turns) / (time.perf_counter() - start), first


def play_c(program: Path, socket: str, clip: Path, passes: int, out: str | None) -> float:
    words = [program, "play", clip, "--socket", socket, "--json"]
    words += ["--out", out] if out else ["--ping-pong", "--loop", str(passes), "--no-pictures"]
    run = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True)
    return float(json.loads(run.stdout[run.stdout.index("{"):])["fps"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("clip", type=Path, nargs="?", default=ROOT / "Clips/atrium-flight")
    parser.add_argument("--programs", type=Path, default=ROOT / ".build/release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=4)
    given = parser.parse_args()
    frames, scale = read_clip(given.clip)
    with running_daemon(given.programs, "log.slow_frame_ms=0") as daemon:
        program = given.programs / "frameloom"
        out = f"{daemon.folder}/out"
        play_c(program, daemon.socket, given.clip, 1, out)
        turns, rates = order(len(frames), given.passes), []
        for number in range(1, given.rounds + 1):
            c = play_c(program, daemon.socket, given.clip, given.passes, None)
            python, pictures = play_python(daemon.socket, frames, scale, turns)
            rates.append(python / c)
            print(f"round {number}: C {c:.2f} frames a second, Python {python:.2f}, "
                  f"{rates[-1]:.3f} of it", flush=True)
        written = sorted(Path(out).glob("Rendered_*.png"))
        same = sum(np.array_equal(np.array(Image.open(path))[..., :3], pictures[index])
                   for index, path in enumerate(written))
        print(f"median {np.median(rates):.3f}; {same} of {len(written)} pictures have the same "
              "bytes")


if __name__ == "__main__":
    main()
