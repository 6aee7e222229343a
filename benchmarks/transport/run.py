#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What it costs to bring a frame to the daemon and a picture back, by socket and by shared memory.

    python benchmarks/transport/run.py --programs .build/release [--frames 300] [--rounds 3]

Nothing is rendered: an incremental session sends the same frame again and again, and the daemon
answers with the picture it has. So it is the transport, the comparison with the frame before, and
the Python client. CPU time is of both processes, per frame. The two take turns, round by round.
"""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/python/src"))
import frameloom  # noqa: E402


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def still_frame(width: int, height: int) -> dict:
    random = np.random.default_rng(1)
    normals = np.full((height, width), 512 | 512 << 10 | 1023 << 20, np.uint32)
    return {
        "base_color": random.integers(0, 256, (height, width, 4), dtype=np.uint8),
        "normals": normals, "depth": np.full((height, width), 5, np.float32),
        "roughness": np.full((height, width), 128, np.uint8),
        "camera": frameloom.Camera.look_at((0, 1.6, 0), (0, 1.6, -1), fov_y=60, width=width,
                                           height=height)}


def measure(socket: str, pid: int, frame: dict, frames: int, shared: bool) -> str:
    with frameloom.connect(socket, incremental=True, shared_memory=shared) as session:
        # Until the picture has come to rest.
        for _ in range(200):
            if session.render(**frame).computed_share == 0:
                break
        own, daemon = time.process_time(), cpu_seconds(pid)
        times, rendered = [], 0
        for _ in range(frames):
            start = time.perf_counter()
            rendered += session.render(**frame).computed_share > 0
            times.append((time.perf_counter() - start) * 1000)
        own, daemon = time.process_time() - own, cpu_seconds(pid) - daemon
    p50, p99 = np.percentile(times, [50, 99])
    note = f", {rendered} rendered after all" if rendered else ""
    return (f"{p50:7.2f} {p99:7.2f}   {own / frames * 1000:7.2f} {daemon / frames * 1000:7.2f} "
            f"{(own + daemon) / frames * 1000:7.2f}{note}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=Path, default=ROOT / ".build/release")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", default=["512x512", "1280x720", "1920x1080"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="frameloom-") as folder:
        socket = f"{folder}/frames.sock"
        daemon = subprocess.Popen([
            given.programs / "frameloomd", "--set", f"socket.path={socket}",
            "--set", f"control.path={folder}/control.sock",
            "--set", f"models.folder={ROOT / 'Models'}", "--set", "log.level=warning",
            "--set", "log.slow_frame_ms=0"])
        try:
            while not os.path.exists(socket):
                time.sleep(0.1)
                if daemon.poll() is not None:
                    raise SystemExit("the daemon ended")
            print("                        ms p50     p99   CPU client  daemon    both, ms a frame")
            for size in given.sizes:
                frame = still_frame(*map(int, size.split("x")))
                for number in range(given.rounds):
                    for shared in (False, True):
                        line = measure(socket, daemon.pid, frame, given.frames, shared)
                        print(f"{size:>10} {'shared' if shared else 'inline'} {number + 1}   {line}",
                              flush=True)
        finally:
            daemon.kill()
            daemon.wait()


if __name__ == "__main__":
    main()
