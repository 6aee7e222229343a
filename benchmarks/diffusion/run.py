# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Times the framediffuser networks at full size in Frameloom and in diffusers, in turns.

    swift build -c release --product frameloom
    python training/make_random_sd15.py --out MODEL_DIR --steps 1
    python benchmarks/diffusion/run.py --model MODEL_DIR [--threads 2] [--rounds 3] [--json]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("encode", "controlnet", "unet", "decode")


def frameloom(options: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of each part: a mean over the turn's frames, whose steps begin with the part's name."""
    command = [options.program, "bench", "--model", options.model, "--size",
               f"{options.size}x{options.size}", "--frames", str(options.passes), "--threads",
               str(options.threads), "--profile", "--json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    times = dict.fromkeys(PARTS, 0.0)
    # The planes' stem belongs to the ControlNet, as in diffusers.
    part_of = {name: name for name in PARTS} | {"condition": "controlnet"}
    for step in report["steps"]:
        part = part_of.get(step["name"].split()[0])
        if part:
            times[part] += step["ms"] / 1e3
    longest = max(step["longest_ms"] for step in report["steps"])
    at_best = max(step["longest_at_best_ms"] for step in report["steps"])
    found = {name: [seconds] for name, seconds in times.items()}
    return found | {"frame": [report["frame_ms_p50"] / 1e3], "longest step": [longest / 1e3],
                    "at best": [at_best / 1e3]}


def diffusers(options: argparse.Namespace, precision: str) -> dict[str, list[float]]:
    command = [sys.executable, str(Path(__file__).parent / "worker.py"), str(options.model),
               precision, "--threads", str(options.threads), "--passes", str(options.passes),
               "--size", str(options.size)]
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    times = json.loads(answer.stdout.splitlines()[-1])
    # The sampler and the conversion of planes are a few milliseconds.
    return times | {"frame": [sum(statistics.median(times[name]) for name in PARTS)]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--program", default=str(ROOT / ".build/release/frameloom"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=2, help="frames of a turn")
    parser.add_argument("--size", type=int, default=512, help="pixels along each side")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    runs = {"frameloom": lambda: frameloom(options),
            "diffusers bf16": lambda: diffusers(options, "bf16"),
            "diffusers fp32": lambda: diffusers(options, "fp32")}
    times: dict[str, dict[str, list[float]]] = {name: {} for name in runs}
    for round_index in range(options.rounds):
        order = list(runs)
        first = round_index % len(order)
        for name in order[first:] + order[:first]:
            for part, seconds in runs[name]().items():
                times[name].setdefault(part, []).extend(seconds)
    if options.json:
        print(json.dumps(times, indent=2))
        return 0
    columns = ("unet", "controlnet", "encode", "decode", "frame", "longest step", "at best")
    print(f"{'seconds, p50 (min)':20}" + "".join(f"{name:>16}" for name in columns))
    for name, found in times.items():
        cells = [f"{statistics.median(found[part]):.3f} ({min(found[part]):.3f})"
                 if part in found else "-" for part in columns]
        print(f"{name:20}" + "".join(f"{cell:>16}" for cell in cells))
    return 0


if __name__ == "__main__":
    sys.exit(main())
