# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Measures the values between a model's convolutions, for int8: per channel the largest magnitude
and the best clip of the ReLU over training clips, each frame rendered on the model's own last
picture as when it is served.

    python training/calibrate.py --model Models/atrium --data DATA/train

writes calibration.json into the model's folder and lists it in its model.json.
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
from dataset import LoadedClip, add_encoding_options, encodings_from, load, progress
from export import network_of
from history import Session
from model import Block, CompactDenoiser
from model_files import ModelError, add_file

FORMAT = "frameloom-calibration-2"
FILE = "calibration.json"
KEPT_PER_FRAME = 8_000  # numbers of a value that are kept of each frame, to choose its clip
CLIPS = np.linspace(0.3, 1, 15)  # shares of the largest number that are tried as a clip


class Ranges:
    """What one value of the network held so far, channel by channel."""

    def __init__(self):
        self.low = self.high = None
        self.kept: list[torch.Tensor] = []

    def add(self, tensor: torch.Tensor) -> None:
        by_channel = tensor.detach().float().transpose(0, 1).flatten(1)
        low, high = by_channel.amin(1), by_channel.amax(1)
        self.low = low if self.low is None else torch.minimum(self.low, low)
        self.high = high if self.high is None else torch.maximum(self.high, high)
        step = max(1, by_channel.numel() // KEPT_PER_FRAME) | 1  # odd: not in step with the rows
        self.kept.append(by_channel[:, ::step].clone())

    def summary(self) -> dict:
        kept = torch.cat(self.kept, 1).clamp(min=0).numpy()
        largest = np.maximum(self.high.clamp(min=0).numpy(), 1e-6)
        errors = []
        for share in CLIPS:
            step = (largest * share / 255)[:, None]
            rounded = np.clip(np.rint(kept / step), 0, 255) * step
            errors.append(((rounded - kept) ** 2).mean(1))
        clip = largest * CLIPS[np.argmin(errors, 0)]
        magnitude = torch.maximum(self.high, -self.low).tolist()
        return {"magnitude": [round(v, 6) for v in magnitude],
                "relu": [round(float(v), 6) for v in clip]}


def watch(network: CompactDenoiser) -> tuple[dict[str, Ranges], list]:
    """Values by the convolution that finishes them, residual included, and the hooks."""
    ranges: dict[str, Ranges] = {}
    hooks = []

    def on_output(name: str, module: nn.Module) -> None:
        ranges[name] = Ranges()
        hooks.append(module.register_forward_hook(
            lambda _, __, output: ranges[name].add(output)))

    def on_input(name: str, module: nn.Module) -> None:
        ranges[name] = Ranges()
        hooks.append(module.register_forward_pre_hook(
            lambda _, inputs: ranges[name].add(inputs[0])))

    on_input("features", network.stem)
    on_output("stem", network.stem)
    for name, module in network.named_modules():
        if isinstance(module, Block):
            on_output(f"{name}.conv1", module.conv1)
            on_output(f"{name}.conv2", module)
    for level, down in enumerate(network.down):
        on_output(f"down.{level}", down)
        on_output(f"up.{level}", network.up[level])
        on_input(f"skip.{level}", network.decoder[level])
    return ranges, hooks


def measured(network: CompactDenoiser, clips: list[LoadedClip], say) -> dict[str, dict]:
    ranges, hooks = watch(network)
    with torch.no_grad():
        for number, clip in enumerate(clips):
            session = Session(network)
            for index in range(len(clip)):
                session.render(clip.frame(index))
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
    parser.add_argument("--out", type=Path, help="another file instead, listed nowhere")
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
    values = measured(network, chosen, progress)
    content = (json.dumps({
        "format": FORMAT, "clips": [c.name for c in chosen],
        "frames": sum(map(len, chosen)), "values": values}) + "\n").encode()
    if options.out:
        options.out.write_bytes(content)
    else:
        add_file(options.model, FILE, content)
    print(f"{options.out or options.model / FILE}: {len(values)} values, "
          f"{sum(map(len, chosen))} frames")
    return 0


if __name__ == "__main__":
    sys.exit(main())
