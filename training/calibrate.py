# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Measures what every convolution of a model reads, for int8: ranges of its inputs over training
clips, each frame rendered on the model's own last picture as when it is served.

    python training/calibrate.py --model Models/atrium --data DATA/train --out calibration.json
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from checkpoint import CheckpointError
from clip import ClipError
from color import rounded_to_bytes
from dataset import LoadedClip, add_encoding_options, encodings_from, load, progress
from export import network_of
from history import carried, nothing_carried, rendered
from model import CompactDenoiser, picture
from model_files import ModelError

FORMAT = "frameloom-calibration-1"
QUANTILES = {"p99": 0.99, "p99.9": 0.999, "p99.99": 0.9999}
KEPT_PER_FRAME = 20_000  # values a layer keeps of each frame for its quantiles


class Ranges:
    """What one convolution read so far."""

    def __init__(self, channels: int):
        self.low = torch.full((channels,), np.inf)
        self.high = torch.full((channels,), -np.inf)
        self.kept: list[torch.Tensor] = []

    def add(self, tensor: torch.Tensor) -> None:
        by_channel = tensor.detach().float().transpose(0, 1).flatten(1)
        self.low = torch.minimum(self.low, by_channel.amin(1))
        self.high = torch.maximum(self.high, by_channel.amax(1))
        flat = by_channel.flatten()
        step = max(1, len(flat) // KEPT_PER_FRAME) | 1  # odd: it does not fall in with the rows
        self.kept.append(flat[::step].clone())

    def summary(self) -> dict:
        magnitude = torch.cat(self.kept).abs().numpy()
        return {"min": float(self.low.min()), "max": float(self.high.max()),
                **{name: float(np.quantile(magnitude, q)) for name, q in QUANTILES.items()},
                "channel_min": [round(v, 6) for v in self.low.tolist()],
                "channel_max": [round(v, 6) for v in self.high.tolist()]}


def measured(network: CompactDenoiser, clips: list[LoadedClip], say) -> dict[str, dict]:
    ranges, hooks = {}, []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            ranges[name] = Ranges(module.in_channels)
            hooks.append(module.register_forward_pre_hook(
                lambda _, inputs, into=ranges[name]: into.add(inputs[0])))
    with torch.no_grad():
        for number, clip in enumerate(clips):
            own, previous = None, None
            for index in range(len(clip)):
                frame = clip.frame(index)
                history = nothing_carried(frame) if own is None else \
                    carried(frame, previous, own, network.config.own_trust)
                own = rounded_to_bytes(picture(rendered(network, frame, history)))
                previous = frame
            say(f"\rclip {number + 1} of {len(clips)}")
    say("\n")
    for hook in hooks:
        hook.remove()
    return {name: r.summary() for name, r in ranges.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True,
                        help="training clips, not held-out ones")
    parser.add_argument("--clips", type=int, default=16, help="how many, spread over all")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int)
    add_encoding_options(parser)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        network, _ = network_of(options.model)
        clips = load(options.data, encodings_from(options), say=progress)
    except (ClipError, CheckpointError, ModelError) as error:
        print(f"calibrate: {error}", file=sys.stderr)
        return 1
    chosen = clips[::max(1, len(clips) // options.clips)][:options.clips]
    layers = measured(network, chosen, progress)
    options.out.write_text(json.dumps({
        "format": FORMAT, "model": str(options.model), "clips": [c.name for c in chosen],
        "frames": sum(map(len, chosen)), "inputs": layers}, indent=1) + "\n")
    widest = sorted(layers, key=lambda n: layers[n]["max"] / max(layers[n]["p99.9"], 1e-9))[-3:]
    print(f"{options.out}: {len(layers)} convolutions, {sum(map(len, chosen))} frames; longest "
          f"tails: {', '.join(widest)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
