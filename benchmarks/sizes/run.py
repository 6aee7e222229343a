#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The time of a pixel at several sizes and with several render threads, and several small sessions in
one daemon against one large one.

    swift build -c release
    python benchmarks/sizes/run.py [--precision auto] [--kernel-path avx2] [--rounds 3]
    python benchmarks/sizes/run.py --sessions [--frames 120]
    python benchmarks/sizes/run.py --more-threads 4 8

The first times whole frames of the demo clip, brought to each size, in this process (`frameloom
bench`), one size after the other in each round, and prints the median round's time of a pixel beside
that of 512x512 with as many threads. The second starts a daemon and sends it frames of a wall, past
which a camera moves, from one process a session; it needs numpy. The third says what more threads than this machine
has would make of a frame of 512x512: the steps of a frame follow each other, and a step of n tiles keeps k threads
busy for ceil(n / k) of them. What each step costs besides is taken from how far two threads, measured, are from that.
"""
from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = ["256x256", "512x512", "1024x1024", "1280x720", "1920x1080", "2560x1440"]
# Sessions at once and their size: as many pixels in all but for the last one.
SESSIONS = [(1, 512), (4, 256), (2, 360), (1, 256)]


def pixels(size: str) -> int:
    width, height = (int(side) for side in size.split("x"))
    return width * height


def bench(options: argparse.Namespace, size: str, threads: int) -> float:
    """Nanoseconds of a pixel in the median frame."""
    frames = max(8, min(60, 60 * 512 * 512 // pixels(size)))
    words = [options.programs / "frameloom", "bench", "--size", size, "--threads", threads,
             "--frames", frames, "--precision", options.precision, "--json"]
    if options.kernel_path:
        words += ["--kernel-path", options.kernel_path]
    run = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)["frame_ms_p50"] * 1e6 / pixels(size)


def time_sizes(options: argparse.Namespace) -> None:
    times: dict[tuple[int, str], list[float]] = {}
    for number in range(options.rounds):
        for threads in options.threads:
            for size in options.sizes:
                times.setdefault((threads, size), []).append(bench(options, size, threads))
                print(f"round {number + 1}: {size}, {threads} threads: "
                      f"{times[threads, size][-1]:.1f} ns a pixel", file=sys.stderr)
    middle = {key: statistics.median(values) for key, values in times.items()}
    print(f"{'size':>10}" + "".join(f"{f'{n} threads':>24}" for n in options.threads))
    for size in options.sizes:
        row = f"{size:>10}"
        for threads in options.threads:
            value, base = middle[threads, size], middle[threads, options.sizes[0]]
            base = middle.get((threads, "512x512"), base)
            row += f"{value:11.1f} ns {value / base:7.2f}  "
        print(row)
    first, last = options.threads[0], options.threads[-1]
    if first != last:
        ratios = [middle[first, size] / middle[last, size] for size in options.sizes]
        print(f"{first} threads take {min(ratios):.2f} to {max(ratios):.2f} times as long as {last}")


def on_threads(steps: list[dict], threads: int) -> float:
    """Milliseconds of a frame by the tiles alone, all of a step taking the same time."""
    total = 0.0
    for step in steps:
        tiles = step["tiles"] / step["steps"]
        total += step["ms"] * math.ceil(tiles / threads) / tiles
    return total


def tell_more_threads(options: argparse.Namespace) -> None:
    """Medians of rounds in turns; all cores alike, memory as fast as they ask."""
    frames: dict[int, list[float]] = {1: [], 2: []}
    tiled: dict[int, list[float]] = {count: [] for count in (1, 2, *options.more_threads)}
    for _ in range(options.rounds):
        for threads in (1, 2):
            words = [options.programs / "frameloom", "bench", "--threads", threads, "--frames", 60,
                     "--precision", options.precision, "--profile", "--json"]
            if options.kernel_path:
                words += ["--kernel-path", options.kernel_path]
            report = json.loads(subprocess.run([str(word) for word in words], capture_output=True,
                                               text=True, check=True).stdout)
            frames[threads].append(report["frame_ms_p50"])
            if threads == 1:
                steps = report["steps"]
                for count, found in tiled.items():
                    found.append(on_threads(steps, count))
    count = sum(step["steps"] for step in steps)
    measured = {threads: statistics.median(found) for threads, found in frames.items()}
    model = {threads: statistics.median(found) for threads, found in tiled.items()}
    # The median frame of one thread is shorter than the mean that its steps add up to.
    scale = measured[1] / model[1]
    each = max(0.0, measured[2] - model[2] * scale) / count
    print(f"{count} steps; two threads take {measured[2]:.1f} ms, {measured[1]:.1f} on one; the tiles "
          f"alone say {model[2] * scale:.1f}: {each * 1e3:.0f} us a step besides")
    for threads in options.more_threads:
        frame = model[threads] * scale + each * count
        print(f"{threads} threads: {frame:.1f} ms ({measured[1] / frame:.2f} times as fast as one; "
              f"{measured[1] / (model[threads] * scale):.2f} by the tiles alone)")


def session(socket: str, side: int, frames: int, start, results) -> None:
    """One process's session: its frames and their seconds, without the first ones."""
    sys.path.insert(0, str(ROOT / "clients/python/src"))
    import frameloom
    import numpy as np

    generator = np.random.default_rng(1)
    planes = {
        "base_color": generator.integers(0, 256, (side, side, 3), np.uint8),
        "normals": np.broadcast_to(np.array([128, 128, 255], np.uint8), (side, side, 3)).copy(),
        "depth": np.full((side, side), 4.0, np.float32),
        "roughness": np.full((side, side), 128, np.uint8),
        "metallic": np.zeros((side, side), np.uint8),
    }

    def walk(count: int):
        for step in range(count):
            place = 0.01 * step
            camera = frameloom.Camera.look_at((place, 1.6, 0), (place, 1.6, -1), fov_y=60,
                                              width=side, height=side)
            yield {**planes, "camera": camera}

    with frameloom.connect(socket) as opened:
        for _ in opened.stream(walk(8), in_flight=2):
            pass
        start.wait()
        begin = time.perf_counter()
        for _ in opened.stream(walk(frames), in_flight=2):
            pass
        results.put((frames, time.perf_counter() - begin))


def time_sessions(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        socket, control = f"{place}/f.sock", f"{place}/c.sock"
        settings = [f"socket.path={socket}", f"control.path={control}",
                    f"models.folder={ROOT / 'Models'}", f"render.precision={options.precision}"]
        if options.kernel_path:
            settings.append(f"render.kernel_path={options.kernel_path}")
        words = [word for setting in settings for word in ("--set", setting)]
        with open(f"{place}/log", "w") as log:
            daemon = subprocess.Popen([options.programs / "frameloomd", *words], stdout=log,
                                      stderr=log)
        for _ in range(300):
            health = [options.programs / "frameloom", "health", "--control", control]
            if subprocess.run(health, capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        else:
            raise SystemExit(f"the daemon is not ready: {Path(place, 'log').read_text()}")
        rates: dict[tuple[int, int], list[float]] = {}
        for _ in range(options.rounds):
            for count, side in SESSIONS:
                rates.setdefault((count, side), []).append(
                    session_rate(options, socket, count, side))
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
    base = statistics.median(rates[SESSIONS[0]])
    for (count, side), found in rates.items():
        rate = statistics.median(found)
        print(f"{count} of {side}x{side}: {rate / 1e6:6.2f} million pixels a second, "
              f"{rate / base:.2f} times as many as one of 512x512")


def session_rate(options: argparse.Namespace, socket: str, count: int, side: int) -> float:
    """Pixels a second of all sessions together, while all of them run."""
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(count), context.Queue()
    frames = max(16, options.frames * 512 * 512 // (count * side * side))
    players = [context.Process(target=session, args=(socket, side, frames, start, results))
               for _ in range(count)]
    for player in players:
        player.start()
    found = [results.get(timeout=300) for _ in players]
    for player in players:
        player.join()
    return sum(done * side * side / seconds for done, seconds in found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sessions", action="store_true", help="several sessions in one daemon")
    parser.add_argument("--more-threads", nargs="+", type=int, metavar="N",
                        help="what so many threads would make of a frame")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--kernel-path", help="by default the fastest")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", default=SIZES)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--frames", type=int, default=120, help="of the session of 512x512")
    parser.add_argument("--programs", type=Path, default=ROOT / ".build" / "release")
    options = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    if options.more_threads:
        tell_more_threads(options)
    elif options.sessions:
        time_sessions(options)
    else:
        time_sizes(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
