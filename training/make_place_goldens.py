# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Makes a small model of random weights that reads the place grid and the emissive plane, and the
files that the Swift tests compare the daemon's reads and pictures of it with.

    python training/make_place_goldens.py              model and outputs anew
    python training/make_place_goldens.py --compare    says how far they are off

Planes are those of the committed `goldens_padding`: a window of a real clip whose sides are no
multiples of the padding.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from history import FrameBatch
from levels import SIDES, LevelSession
from make_goldens import GOLDENS, Tensors, camera_from, handled, network_inputs, \
    network_outputs, window_outputs
from model import CompactDenoiser, ModelConfig
from model_files import read_model, write_model

FOLDER = GOLDENS / "place"


@torch.no_grad()
def random_network() -> CompactDenoiser:
    """Every row of the tables is in use, and every layer says something."""
    # Bounds of a part of the window's room: some of its points lie outside.
    low, high = [-60.0, 5.0, -24.0], [-11.0, 20.0, 1.0]
    network = CompactDenoiser(ModelConfig(
        channels=[24, 16, 32], blocks=[1, 1, 0], probe_channels=5, probe_grid=[4, 3, 2],
        bounds_min=low, bounds_max=high, place_sides=[0.64, 0.32, 0.16, 0.08],
        place_rows=[2 ** 8, 2 ** 9, 2 ** 10, 2 ** 10],
        place_fine=2, place_min=low, place_max=high, emissive=True)).eval()
    draw = torch.Generator().manual_seed(15)
    for name, tensor in network.named_parameters():
        fan = tensor[0].numel() if tensor.dim() == 4 and not name.startswith("probes") else 1
        tensor.copy_((torch.rand(tensor.shape, generator=draw) * 2 - 1) / fan ** 0.5)
    for table in network.place:
        table.copy_(table.half())  # as the file holds them
    nn.init.zeros_(network.head.bias)
    return network


def emissive_plane(height: int, width: int) -> torch.Tensor:
    """Bytes `[3, H, W]`: mostly dark, a screen, and a ramp through what still has history."""
    plane = torch.zeros(3, height, width, dtype=torch.uint8)
    plane[:, 10:20, 12:40] = torch.tensor([200, 90, 255], dtype=torch.uint8)[:, None, None]
    plane[1, 24, :width] = torch.arange(width, dtype=torch.uint8)
    return plane


def level_outputs(network: CompactDenoiser) -> Tensors:
    """Pictures of the window of `goldens_geometry` with light of half and quarter size, each from
    its history of full size and then from its own."""
    window = load_file(GOLDENS / "goldens_geometry.safetensors")
    cameras = json.loads((GOLDENS / "goldens_geometry.json").read_text())
    unit = lambda name: window[f"in.{name}"][None].float() / 255

    def frame(prefix: str, camera: str) -> FrameBatch:
        return FrameBatch(
            unit(prefix + "base"), window["in.normal"][None].float() / 127.5 - 1,
            window[f"in.{prefix}depth_m"][None], unit("roughness")[:, None],
            unit("metallic")[:, None], unit("previous_picture"), [camera_from(cameras[camera])])

    now, before, outputs = frame("", "current"), frame("previous_", "previous"), {}
    for name in ("half", "quarter"):
        session = LevelSession(network, SIDES[name])
        first = session.from_history(now, before, unit("previous_picture"))
        outputs[f"{name}.picture"] = (first[0] * 255).round().byte()
        outputs[f"{name}.next_picture"] = (session.picture[0] * 255).round().byte()
        outputs[f"{name}.second"] = (session.render(now)[0] * 255).round().byte()
    return outputs


def made(network: CompactDenoiser) -> dict[str, tuple[Tensors, dict | None]]:
    inputs = network_inputs(network.config)
    files = {"network": (inputs, network_outputs(network, inputs), None)}
    padding = load_file(GOLDENS / "goldens_padding.safetensors")
    planes = {k[3:]: v for k, v in padding.items() if k.startswith("in.")}
    planes["emissive"] = emissive_plane(*planes["base"].shape[1:])
    cameras = json.loads((GOLDENS / "goldens_padding.json").read_text())
    files["levels"] = ({}, level_outputs(network), None)
    files["padding"] = (planes, window_outputs(network, planes, cameras), cameras)
    return {name: ({f"in.{k}": v.contiguous().clone() for k, v in ins.items()}
                   | {f"out.{k}": v.contiguous().clone() for k, v in outs.items()}, said)
            for name, (ins, outs, said) in files.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--compare", action="store_true", help="write nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.compare:
        write_model(random_network(), options.out / "model", "place", "1",
                    "Random weights, for tests", "Apache-2.0", "training/make_place_goldens.py")
    differing = False
    for name, (tensors, cameras) in made(read_model(options.out / "model")[0]).items():
        path = options.out / f"goldens_{name}.safetensors"
        differing |= handled(path, tensors, cameras, options.compare)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
