# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Makes a compact model of random weights, to measure how fast a network of some size is.

    python training/make_random_compact.py --out MODELS/lean --channels 48 64 96 128 --blocks 1 1 2 2
    frameloom bench CLIP --models MODELS --model lean --network-only --profile --precision bf16

The pictures are noise. Every hidden channel acts, as if no calibration had found one that never
does, so bf16 and int8 take the longest that a model of this size can.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from model import CompactDenoiser, ModelConfig
from model_files import add_file, write_model
from place_grid import level_sides
from place_levels import FINE_SIDE

ROWS = 2 ** 19


@torch.no_grad()
def random_network(config: ModelConfig, seed: int) -> CompactDenoiser:
    network = CompactDenoiser(config).eval()
    draw = torch.Generator().manual_seed(seed)
    for tensor in network.parameters():
        fan = tensor[0].numel() if tensor.dim() == 4 else 1
        tensor.copy_((torch.rand(tensor.shape, generator=draw) * 2 - 1) / fan ** 0.5)
    return network


def calibration(network: CompactDenoiser) -> dict:
    """Values of at most 4 between all layers."""
    layers = {name: module.out_channels for name, module in network.named_modules()
              if isinstance(module, torch.nn.Conv2d)}
    return {"format": "frameloom-calibration-2",
            "values": {name: {"magnitude": [4.0] * count, "relu": [4.0] * count}
                       for name, count in layers.items()}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--channels", type=int, nargs="+", default=ModelConfig().channels)
    parser.add_argument("--blocks", type=int, nargs="+", default=ModelConfig().blocks)
    parser.add_argument("--bounds", type=float, nargs=6, default=[-25, -1, -25, 25, 12, 25],
                        metavar="METRES", help="low corner, then high corner")
    parser.add_argument("--no-place-grid", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if len(options.channels) != len(options.blocks):
        parser.error("--blocks: one count for each of --channels")
    low, high = options.bounds[:3], options.bounds[3:]
    if any(h <= l for l, h in zip(low, high)):
        parser.error("--bounds: the high corner lies above the low one on each axis")
    sides = [] if options.no_place_grid else level_sides(low, high)
    config = ModelConfig(
        channels=options.channels, blocks=options.blocks, bounds_min=low, bounds_max=high,
        place_sides=sides, place_rows=[ROWS] * len(sides),
        place_fine=sum(side <= FINE_SIDE for side in sides), place_min=low, place_max=high, emissive=True)
    network = random_network(config, options.seed)
    write_model(network, options.out, options.out.name, "1", "Random weights, for measurements",
                "Apache-2.0", "training/make_random_compact.py")
    add_file(options.out, "calibration.json", json.dumps(calibration(network)).encode())
    print(f"wrote {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
