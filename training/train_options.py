# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What can be said on train.py's command line."""

import argparse
from pathlib import Path

from dataset import add_encoding_options
from history import WITHOUT_NAMES

DEFAULT_SAMPLES = 390_000  # crops of 128x128: what the first model of this kind was given


def parsed(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder of training clips.")
    parser.add_argument("--validation", type=Path, help="Folder of clips never trained on.")
    parser.add_argument("--hold-out", nargs="*", default=[], metavar="CLIP",
                        help="Clips of --data that are watched, not trained on.")
    parser.add_argument("--out", type=Path, required=True, help="Folder of this training.")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, help="Fit the schedule to this time.")
    budget.add_argument("--samples", type=float, help="Or to this many crops of 128x128 "
                        f"(default {DEFAULT_SAMPLES}).")
    parser.add_argument("--initial", type=Path, help="Model folder to start from.")
    parser.add_argument("--seed", type=int, default=1, help="Of everything drawn at random (1).")
    parser.add_argument("--learning-rate", type=float, default=8e-4,
                        help="The highest one, after the warm-up (8e-4).")
    parser.add_argument("--change-weight", type=float, default=0.2,
                        help="Weight of the loss on the change between frames.")
    parser.add_argument("--square-weight", type=float, default=0.0,
                        help="Weight of the squared error beside the absolute one.")
    parser.add_argument("--schedule", type=Path, help="JSON list of phases instead of the default.")
    parser.add_argument("--probe-grid", type=int, nargs=3, default=[48, 16, 48], metavar="N",
                        help="Light probes along x, y, z.")
    parser.add_argument("--channels", type=int, nargs="+", default=[48, 64, 96, 128],
                        help="Widths of the network's levels, finest first.")
    parser.add_argument("--blocks", type=int, nargs="+", default=[1, 1, 2, 2],
                        help="Blocks of each level.")
    parser.add_argument("--place-rows", type=int, default=2 ** 21,
                        help="The most rows of a table of the place grid; 0: no place grid.")
    parser.add_argument("--reduced-share", type=float, default=0.2,
                        help="Of the crops: of frames at half or quarter size, for the levels of "
                        "quality (0.2).")
    parser.add_argument("--without", nargs="*", default=[], choices=WITHOUT_NAMES,
                        help="Train without an input, to see what it is worth.")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto",
                        help="Of the steps; auto takes bf16 where a short trial says it is faster.")
    parser.add_argument("--device", default="auto",
                        help="A PyTorch device; auto takes a GPU where there is one.")
    parser.add_argument("--threads", type=int, help="CPU threads (default: all).")
    parser.add_argument("--log-steps", type=int, default=20,
                        help="Steps between two lines of metrics.csv.")
    parser.add_argument("--look-minutes", type=float, default=10,
                        help="Minutes between two looks at the held-out clip.")
    parser.add_argument("--look-frames", type=int, default=12,
                        help="Frames of the held-out clip that are looked at.")
    parser.add_argument("--checkpoint-seconds", type=float, default=120,
                        help="Seconds between two checkpoints.")
    parser.add_argument("--checkpoint-steps", type=int, help="By steps instead of by time.")
    add_encoding_options(parser)
    options = parser.parse_args()
    if options.minutes is None and options.samples is None:
        options.samples = DEFAULT_SAMPLES
    if not 0 <= options.reduced_share < 1:
        parser.error(f"--reduced-share {options.reduced_share:g} is not in 0..1, less than 1")
    return options
