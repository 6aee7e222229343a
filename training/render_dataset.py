# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Renders a data set from a glTF file and a lighting file, with Blender's Python module.

    python training/render_dataset.py scene.glb lighting.json --out DATA/train --clips 13 \\
        --frames 3 --size 256 --seed 1

The same command goes on where it stopped. Cameras walk at random (see camera_paths.py) or come
from --cameras, a JSON file: {"clip name": [camera_to_world, ...], ...}.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from camera_paths import FRAMES_PER_SECOND, NoFreeSpace, near_any, walk
from files import written_whole
from pictures import write_picture

PLANES = ["BaseColor", "Normals", "Depth", "Roughness", "Metallic", "Emissive", "FinalImage"]
ENCODINGS = {
    "baseColor": "srgb8", "emissive": "srgb8", "finalImage": "srgb8",
    "normals": {"space": "world", "axes": "y-up right-handed", "encoding": "n*0.5+0.5",
                "sky": 128},
    "depth": {"kind": "planar", "unitsPerMetre": 400, "sky": 0},
    "roughness": "linear8", "metallic": "linear8"}
CONVENTION = ("OpenGL: -Z forward, +Y up; camera_to_world row-major, column vectors; pixel "
              "centres at +0.5, origin top-left")


def plane_path(out: Path, clip: str, plane: str, number: int) -> Path:
    return out / clip / plane / f"{plane}_{number:04d}.png"


def is_done(out: Path, clip: str, number: int) -> bool:
    """FinalImage is written last, so a frame that has it is whole."""
    return plane_path(out, clip, "FinalImage", number).exists()


def planned(options: argparse.Namespace, scene) -> dict[str, list]:
    """The cameras of every clip; the same for the same seed and scene."""
    if options.cameras:
        return json.loads(options.cameras.read_text())
    scene.distance((0, 0, 0), (0, 1, 0))
    bounds = scene.bounds
    if options.bounds:
        bounds = (np.array(options.bounds[:3]), np.array(options.bounds[3:]))
    shunned = [np.array(f["camera_to_world"]) for path in options.away_from
               for f in json.loads((path / "camera.json").read_text())["frames"]]
    clips, number = {}, 0
    while len(clips) < options.clips:
        if number > 50 * options.clips:
            raise NoFreeSpace("too few walks stay away from the cameras of --away-from")
        walked = walk(scene.distance, bounds, options.frames,
                      np.random.default_rng([options.seed, number]))
        number += 1
        if not any(near_any(matrix, shunned) for matrix in walked):
            clips[f"{options.name}{len(clips):03d}"] = [m.tolist() for m in walked]
    return clips


def write_cameras(out: Path, clip: str, cameras: list, size: int, focal: float, near: float,
                  far: float) -> None:
    for plane in PLANES:
        (out / clip / plane).mkdir(parents=True, exist_ok=True)
    frames = [{"frame": i, "width": size, "height": size, "fx": focal, "fy": focal,
               "cx": size / 2, "cy": size / 2, "near": near, "far": far, "camera_to_world": m}
              for i, m in enumerate(cameras)]
    with written_whole(out / clip / "camera.json") as temporary:
        temporary.write_text(json.dumps({
            "format": "frameloom-clip-1", "fps": FRAMES_PER_SECOND, "encodings": ENCODINGS,
            "cameraConvention": CONVENTION, "frames": frames}, indent=1))


def render_share(options: argparse.Namespace) -> None:
    """What one process renders: every n-th frame that is not there yet."""
    import render_scene
    scene = render_scene.Scene(options.gltf, options.lighting, options.size,
                               options.field_of_view, options.threads)
    quality = render_scene.Quality(samples=options.samples)
    plan = json.loads((options.out / "plan.json").read_text())
    frames = [(clip, i) for clip, cameras in plan.items() for i in range(len(cameras))]
    for at, (clip, number) in enumerate(frames):
        if at % options.processes != options.share or is_done(options.out, clip, number):
            continue
        planes = scene.frame(np.array(plan[clip][number]), quality, seed=at + 1)
        for plane in PLANES:
            write_picture(plane_path(options.out, clip, plane, number), planes[plane])


def plan(options: argparse.Namespace) -> None:
    import render_scene
    scene = render_scene.Scene(options.gltf, options.lighting, options.size,
                               options.field_of_view, options.threads)
    clips = planned(options, scene)
    for clip, cameras in clips.items():
        write_cameras(options.out, clip, cameras, options.size, scene.focal, render_scene.NEAR,
                      render_scene.FAR)
    with written_whole(options.out / "plan.json") as temporary:
        temporary.write_text(json.dumps(clips))


def run_all(options: argparse.Namespace) -> int:
    """Plans once, then starts the processes and counts finished frames until they end."""
    options.out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, *sys.argv]
    log = open(options.out / "render.log", "a")
    quiet = {"stdout": log, "stderr": log}  # Blender prints a line a sample
    if not (options.out / "plan.json").exists():
        if subprocess.run([*command, "--plan"], **quiet).returncode:
            print(f"render_dataset: no plan was made; {log.name} says why", file=sys.stderr)
            return 1
    clips = json.loads((options.out / "plan.json").read_text())
    frames = [(clip, i) for clip, cameras in clips.items() for i in range(len(cameras))]
    count = lambda: sum(is_done(options.out, clip, i) for clip, i in frames)
    begun, before = time.monotonic(), count()
    children = [subprocess.Popen([*command, "--share", str(k)], **quiet)
                for k in range(options.processes)]
    said = -1
    try:
        while any(child.poll() is None for child in children):
            done = count()
            if done != said:
                each = (time.monotonic() - begun) / max(done - before, 1)
                left = f", {each * (len(frames) - done) / 60:.0f} min left" if done > before else ""
                print(f"{done} of {len(frames)} frames{left}", file=sys.stderr, flush=True)
                said = done
            time.sleep(1)
    finally:
        for child in children:
            if child.poll() is None:
                child.terminate()
                child.wait()
    if any(child.returncode for child in children) or count() < len(frames):
        print(f"render_dataset: {len(frames) - count()} frames are missing; {log.name} says why",
              file=sys.stderr)
        return 1
    print(f"{len(frames)} frames in {options.out}", file=sys.stderr)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gltf", type=Path)
    parser.add_argument("lighting", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--frames", type=int, default=3, help="Frames of each clip.")
    parser.add_argument("--name", default="clip", help="Clips are called NAME000, NAME001, ...")
    parser.add_argument("--cameras", type=Path)
    parser.add_argument("--bounds", type=float, nargs=6, metavar="M",
                        help="Where walks begin: min x y z, max x y z.")
    parser.add_argument("--away-from", type=Path, nargs="*", action="extend", default=[],
                        metavar="CLIP",
                        help="No camera near one of these clips' (for a fair held-out clip).")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--field-of-view", type=float, default=70.0, help="Horizontal, degrees.")
    parser.add_argument("--samples", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--plan", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--share", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    for path in (options.gltf, options.lighting):
        if not path.exists():
            print(f"render_dataset: {path} does not exist", file=sys.stderr)
            return 1
    if options.plan:
        plan(options)
        return 0
    if options.share is not None:
        render_share(options)
        return 0
    return run_all(options)


if __name__ == "__main__":
    sys.exit(main())
