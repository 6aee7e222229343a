#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What it costs to bring a frame to the daemon and a picture back, by socket and by shared memory.

    python benchmarks/transport/run.py --programs .build/release [--frames 300] [--rounds 3]

Nothing is rendered: an incremental session sends the same frame again and again, and the daemon
answers with the picture it has. The C client draws into its own memory (`fc_planes`). The processor time
of transport is that of the client and of the daemon's loop thread, which does all reading and
writing; its other threads (comparing each frame with the one before, the doctor) are told beside it: they
do the same either way. The two take turns, round by round. Needs a C compiler, no Python packages.
"""
from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from daemon import Daemon, running_daemon  # noqa: E402


def compiled(folder: str) -> Path:
    program = Path(folder, "transport")
    client = ROOT / "Sources/CFrameClient"
    subprocess.run(
        ["cc", "-std=c11", "-O2", f"-I{client}/include", f"-I{ROOT}/Sources/CFrameProtocol/include",
         *sorted(client.glob("*.c")), Path(__file__).with_name("transport.c"), "-o", program],
        check=True)
    return program


def measure(program: Path, daemon: Daemon, size: str, frames: int, way: str) -> float:
    """Prints a line; processor time of transport on both sides, milliseconds a frame."""
    run = subprocess.run(
        [program, daemon.socket, str(daemon.pid), *size.split("x"), str(frames), way],
        capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(run.stderr or f"transport ended with {run.returncode}")
    p50, p99, own, loop, others, rendered = map(float, run.stdout.split())
    note = f", {rendered:.0f} rendered after all" if rendered else ""
    print(f"{size:>10} {way}   {p50:7.2f} {p99:7.2f}   {own:7.3f} {loop:7.3f} {own + loop:7.3f}   "
          f"{others:7.3f}{note}", flush=True)
    return own + loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=Path, default=ROOT / ".build/release")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", default=["512x512", "1280x720", "1920x1080"])
    given = parser.parse_args()
    with (tempfile.TemporaryDirectory(prefix="frameloom-") as folder,
          running_daemon(given.programs, "log.slow_frame_ms=0") as daemon):
        program = compiled(folder)
        print("                     ms p50     p99   CPU client    loop    both   other threads, ms a frame")
        for size in given.sizes:
            ratios = []
            for _ in range(given.rounds):
                inline = measure(program, daemon, size, given.frames, "inline")
                ratios.append(inline / measure(program, daemon, size, given.frames, "shared"))
            print(f"{size:>10}: inline takes {statistics.median(ratios):.2f} times the processor time of "
                  f"shared memory ({', '.join(f'{ratio:.2f}' for ratio in ratios)})", flush=True)


if __name__ == "__main__":
    main()
