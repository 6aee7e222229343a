# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Makes the film of the main README: a walk through the atrium in Panda3D, base color left of a moving line,
the frame that the daemon made of it right of the line.

    python film.py walk.webp [--frames 96] [--size 400]
"""
import argparse
import pathlib

import frameloom
import numpy as np
from PIL import Image

import fly
import gbuffer

#          seconds  position           yaw    pitch
PATH = [
    (0.0, (3.6, 1.66, 7.0), 0.30, 0.05),
    (2.5, (1.6, 1.66, 4.2), 0.55, 0.06),
    (5.0, (-0.6, 1.75, 2.6), 0.95, 0.10),
    (8.0, (-1.8, 1.9, 0.6), 1.75, 0.12),
]


def pose(time):
    """Between the path's points on a curve without corners."""
    times = np.array([point[0] for point in PATH])
    values = np.array([[*point[1], point[2], point[3]] for point in PATH])
    slopes = np.gradient(values, times, axis=0)
    i = min(np.searchsorted(times, time, "right") - 1, len(times) - 2)
    span = times[i + 1] - times[i]
    t = (time - times[i]) / span
    weights = np.array([2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, 3 * t**2 - 2 * t**3, t**3 - t**2])
    x, y, z, yaw, pitch = weights @ [values[i], span * slopes[i], values[i + 1], span * slopes[i + 1]]
    return fly.matrix((x, y, z), yaw, pitch)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", type=pathlib.Path)
    parser.add_argument("--environment", default=fly.REPOSITORY / "walk/environment/atrium.glb")
    parser.add_argument("--socket")
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--size", type=int, default=400, help="pixels of a side in the film; drawn at 512")
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--quality", type=int, default=60)
    parser.add_argument("--base-only", action="store_true", help="without a daemon, to look at a path")
    options = parser.parse_args()
    fly.configure(False)
    side = 512
    engine, output = fly.make_output(side, side, False)
    drawn = fly.load_gbuffer(options, engine, output, side, side)
    if not options.base_only:
        fly.ask_for_emissive(drawn, options.socket)
    focal = side / 2 / np.tan(np.radians(35))
    bases = []

    def frames():
        for index in range(options.frames):
            camera = fly.camera_of(
                drawn, pose(PATH[-1][0] * index / max(1, options.frames - 1)), focal, focal, side, side)
            planes = drawn.draw()
            bases.append(planes["base_color"])
            yield {**planes, "camera": camera}

    if options.base_only:
        lit = [frame["base_color"] for frame in frames()]
    else:
        with frameloom.connect(options.socket, depth_scale=gbuffer.DEPTH_SCALE, far=163.8, client_name="film") as session:
            lit = [picture.pixels[..., :3].copy() for picture in session.stream(frames())]
    images = []
    for index, (base, picture) in enumerate(zip(bases, lit)):
        # The line crosses the frame and comes back.
        line = int(side * (0.5 + 0.42 * np.cos(2 * np.pi * index / options.frames)))
        both = np.concatenate([base[:, :line], picture[:, line:]], axis=1)
        both[:, max(0, line - 1):line + 1] = 255
        images.append(Image.fromarray(both).resize((options.size, options.size), Image.Resampling.LANCZOS))
    images[0].save(options.film, save_all=True, append_images=images[1:], loop=0, method=6,
                   duration=round(1000 * PATH[-1][0] / options.frames), quality=options.quality)
    print(f"{options.film}: {len(images)} frames, {options.film.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
