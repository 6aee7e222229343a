# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Measures the values between a model's convolutions, for int8: per channel the largest magnitude,
the best clip of the ReLU and the step of its 8 bits that suits the weights which read it, over
training clips, each frame rendered on the model's own last picture as when it is served.

    python training/calibrate.py --model Models/atrium --data DATA/train

writes calibration.json into the model's folder and lists it in its model.json.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from checkpoint import CheckpointError
from clip_files import ClipError
from dataset import LoadedClip, add_encoding_options, encodings_from, load, progress
from export import network_of
from history import Session
from model import CompactDenoiser
from model_files import ModelError, add_file
from topology import Layer

FORMAT = "frameloom-calibration-2"
FILE = "calibration.json"
KEPT_PER_FRAME = 8_000  # numbers of a value that are kept of each frame, to choose its clip
CLIPS = np.linspace(0.3, 1, 15)  # shares of the largest number that are tried as a clip
LEAST_SHARE = 1e-3  # of a layer's largest clip: what was always near zero may be larger elsewhere
TRIED_CELLS, TRIED_CLIPS = 40, 6  # side of the crops, and how many, that steps are tried on
EVENNESS = (0.25, 0.5, 0.75)  # how far the weights of small channels are brought up to the largest


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


def readers(network: CompactDenoiser) -> dict[str, nn.Conv2d]:
    """The 3x3 convolution that reads a value's ReLU, by the value's name: what int8 multiplies."""
    found: dict[str, nn.Conv2d] = {}

    def follow(layer: Layer, value: str, added: str | None) -> str:
        if layer.side == 3:
            found[value] = network.get_submodule(layer.name)
        return layer.name

    network.topology.walk("features", follow)
    return found


def in_integers(conv: nn.Conv2d, read: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """What int8 makes of `read` `[B, C, h, w]`, less the bias: 8 bits a value, `steps` `[C]`, and a
    weight, with one scale for each output channel."""
    steps = steps[:, None, None]
    weights = conv.weight * steps
    scale = (weights.abs().amax((1, 2, 3), keepdim=True) / 127).clamp(min=1e-12)
    whole = F.conv2d((read / steps).round().clamp(0, 255), (weights / scale).round(), padding=1)
    return whole * scale[:, 0]


@torch.no_grad()
def best_steps(conv: nn.Conv2d, read: torch.Tensor, clips: torch.Tensor) -> torch.Tensor:
    """Steps `[C]` of a ReLU for its reader. They may be larger than the clip asks for: the value
    loses by it, but where few weights are far larger than the others and would leave those no bits,
    the weights gain more."""
    largest = clips.max().clamp(min=1e-6)
    clips = clips.clamp(min=float(largest) * LEAST_SHARE)
    reach = conv.weight.abs().amax((0, 2, 3)) * clips
    reach = reach.clamp(min=max(float(reach.max()) * LEAST_SHARE, 1e-12))
    tried = [(clips * largest).sqrt() / 255]
    tried += [clips * (reach.max() / reach) ** evenness / 255 for evenness in EVENNESS]
    exact = F.conv2d(read, conv.weight, padding=1)
    errors = [float((in_integers(conv, read, steps) - exact).square().mean()) for steps in tried]
    return tried[int(np.argmin(errors))]


def cropped(tensor: torch.Tensor) -> torch.Tensor:
    """The ReLU of the middle of `[1, C, h, w]`."""
    top, left = ((side - min(side, TRIED_CELLS)) // 2 for side in tensor.shape[2:])
    return tensor[..., top:top + TRIED_CELLS, left:left + TRIED_CELLS].clamp(min=0)


@torch.no_grad()
def measured(network: CompactDenoiser, clips: list[LoadedClip], say) -> dict[str, dict]:
    """Of each value between two convolutions, by the layer that finishes it."""
    ranges: dict[str, Ranges] = {}
    now: dict[str, torch.Tensor] = {}

    def look(layer: Layer, read: torch.Tensor, result: torch.Tensor) -> None:
        seen = {"features": read} if layer.name == "stem" else {}
        if layer.name != "head":
            seen[layer.name] = result
        for name, value in seen.items():
            ranges.setdefault(name, Ranges()).add(value)
        now.update(seen)

    read_by = readers(network)
    crops: dict[str, list[torch.Tensor]] = {name: [] for name in read_by}
    every = max(1, len(clips) // TRIED_CLIPS)
    network.watcher = look
    for number, clip in enumerate(clips):
        session = Session(network)
        for index in range(len(clip)):
            session.render(clip.frame(index))
        if number % every == 0:
            for name, found in crops.items():
                found.append(cropped(now[name]))
        say(f"\rclip {number + 1} of {len(clips)}")
    say("\n")
    network.watcher = None
    values = {name: r.summary() for name, r in ranges.items()}
    for name, conv in read_by.items():
        if len({crop.shape for crop in crops[name]}) > 1:  # clips of different sizes
            crops[name] = crops[name][-1:]
        steps = best_steps(conv, torch.cat(crops[name]), torch.tensor(values[name]["relu"]))
        values[name]["steps"] = [float(f"{step:.6g}") for step in steps.tolist()]
    return values


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True,
                        help="Training clips, not held-out ones.")
    parser.add_argument("--clips", type=int, default=16, help="How many, spread over all.")
    parser.add_argument("--out", type=Path, help="Another file instead, listed nowhere.")
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
