# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The compact denoiser. Layer names here, in the weights file and in the daemon are the same."""

import math
from dataclasses import dataclass, field
from typing import Callable

import torch
import torch.nn.functional as F
from torch import nn

from color import EPS, linear_from_srgb, srgb_from_linear
from geometry import PATCH, Cells, padded
from place_grid import level_read
from topology import Layer, Topology

INPUT_PLANES = [("baseColor", 3), ("normals", 3), ("depth", 1), ("roughness", 1), ("metallic", 1),
                ("source", 3), ("sigma", 1), ("carriedLight", 3)]
OUTPUT_PLANES = [("lightOnBaseColor", 3), ("addedLight", 3), ("historyGate", 1)]
LIGHT_RANGE = 6.0
PLACE_FEATURES = 2  # of a row of the place grid
BLOCKS = 4  # 2x2 blocks of a cell
PLACE_START = 1e-4  # rows start within +- this


@dataclass
class ModelConfig:
    """The sizes of a network; what `model.json` says of it."""

    channels: list[int] = field(default_factory=lambda: [64, 96, 128, 160])
    blocks: list[int] = field(default_factory=lambda: [1, 2, 2, 2])
    probe_channels: int = 16
    probe_grid: list[int] = field(default_factory=lambda: [48, 16, 48])  # x, y, z
    bounds_min: list[float] = field(default_factory=lambda: [-1.0, -1.0, -1.0])
    bounds_max: list[float] = field(default_factory=lambda: [1.0, 1.0, 1.0])
    normal_offset: float = 0.25
    own_trust: float = 0.05
    place_sides: list[float] = field(default_factory=list)  # metres, coarse to fine; []: no grid
    place_rows: list[int] = field(default_factory=list)  # of each level's table, powers of two
    place_fine: int = 0  # so many of the levels, the finest, are read in each 2x2 block
    place_min: list[float] = field(default_factory=lambda: [-1.0, -1.0, -1.0])
    place_max: list[float] = field(default_factory=lambda: [1.0, 1.0, 1.0])
    place_offset: float = 0.05
    emissive: bool = False  # the composition adds the emissive plane
    accumulation: float = 0.0  # share of a served picture that is kept from the one before
    mirror_parallax: float = math.inf  # radians; see accumulation.py

    def __setstate__(self, state: dict) -> None:
        """Sizes that a checkpoint of an earlier version does not have are the defaults; its tables
        all had the same rows."""
        self.__dict__.update(ModelConfig().__dict__ | state)
        if isinstance(self.place_rows, int):
            self.place_rows = [self.place_rows] * len(self.place_sides)

    @property
    def multiple(self) -> int:
        """Width and height are padded to this."""
        return PATCH << (len(self.channels) - 1)

    @property
    def feature_channels(self) -> int:
        planes = sum(count for _, count in INPUT_PLANES)
        return planes * PATCH * PATCH + self.probe_channels + 3 + self.place_channels

    @property
    def place_channels(self) -> int:
        coarse = len(self.place_sides) - self.place_fine
        return PLACE_FEATURES * (coarse + self.place_fine * BLOCKS)

    @property
    def head_channels(self) -> int:
        return sum(count for _, count in OUTPUT_PLANES) * PATCH * PATCH

    @property
    def topology(self) -> Topology:
        return Topology(self.feature_channels, self.channels, self.blocks, self.head_channels)


@dataclass
class FramePlanes:
    """One batch of frames with its history, ready for the network. Floats, `[B, C, H, W]`."""

    base: torch.Tensor  # sRGB 0..1
    normal: torch.Tensor  # world, -1..1
    depth: torch.Tensor  # metres, 0 is sky
    roughness: torch.Tensor
    metallic: torch.Tensor
    source: torch.Tensor  # x: the previous picture moved, or the base color; sRGB 0..1
    sigma: torch.Tensor  # 1: no history
    light: torch.Tensor  # carried log light
    emissive: torch.Tensor | None = None  # sRGB 0..1, added to the picture; not seen by the network


def convolution(layer: Layer) -> nn.Conv2d:
    return nn.Conv2d(layer.inputs, layer.outputs, layer.side, stride=2 if layer.side == 2 else 1,
                     padding=1 if layer.side == 3 else 0, bias=layer.has_bias)


def add_under_its_name(network: nn.Module, layer: Layer) -> None:
    """Numbers in a name are places in lists."""
    *parts, last = layer.name.split(".")
    for part, after in zip(parts, parts[1:] + [last]):
        if not hasattr(network, part):
            network.add_module(part, nn.ModuleList() if after.isdigit() else nn.Module())
        network = getattr(network, part)
    network.add_module(last, convolution(layer))


def convolved(network: nn.Module, layer: Layer, x: torch.Tensor,
              added: torch.Tensor | None) -> torch.Tensor:
    """A layer's result by the weights that lie under its name in `network`."""
    result = network.get_submodule(layer.name)(F.relu(x) if layer.relu_before else x)
    if added is None:
        return result
    if layer.doubles_added:
        added = F.interpolate(added, scale_factor=2, mode="nearest")
    return added + result


class CompactDenoiser(nn.Module):
    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        x, y, z = config.probe_grid
        self.probes = nn.Parameter(torch.zeros(config.probe_channels, z, y, x))
        self.place = nn.ParameterList(
            torch.empty(rows, PLACE_FEATURES).uniform_(-PLACE_START, PLACE_START)
            for rows in config.place_rows)
        for layer in self.topology.stored:
            add_under_its_name(self, layer)
        # Shown each layer, what it read and its result, while the network is computed.
        self.watcher: Callable[[Layer, torch.Tensor, torch.Tensor], None] | None = None
        self.initialise()

    @property
    def topology(self) -> Topology:
        return self.config.topology

    def initialise(self) -> None:
        """Every block and the head start at zero, the gate open: the first picture is the base
        color under the carried light, from which training only has to correct."""
        for layer in self.topology.stored:
            module = self.get_submodule(layer.name)
            if layer.name.endswith("conv1"):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
            if layer.name.endswith("conv2"):
                nn.init.zeros_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.head.bias.data[-PATCH * PATCH:] = 3.0
        nn.init.normal_(self.probes, std=0.01)

    def probe_features(self, cells: Cells) -> torch.Tensor:
        """Trilinear reads of the probe grid: `[B, P, h, w]`, zero where a cell is all sky."""
        batch, _, h, w = cells.position.shape
        # One read of one grid for the whole batch: a grid copied per sample costs its gradient.
        where = cells.position.permute(0, 2, 3, 1).reshape(1, batch, h, w, 3)
        read = F.grid_sample(self.probes[None], where.to(self.probes.dtype), mode="bilinear",
                             padding_mode="border", align_corners=True)
        read = read[0].transpose(0, 1)
        if cells.block_glares is not None:
            glares = F.max_pool2d(cells.block_glares.float(), 2) > 0
            read = torch.where(glares, read.detach(), read)
        return read * cells.has_surface

    def place_features(self, cells: Cells) -> torch.Tensor:
        """Reads of the place grid: `[B, place_channels, h, w]`, zero where a block is all sky.
        Coarse levels once a cell, at its upper left block; the fine ones in each block."""
        config = self.config
        device = cells.block_position.device
        low = torch.tensor(config.place_min, device=device)[:, None, None]
        high = torch.tensor(config.place_max, device=device)[:, None, None]
        place = torch.minimum(torch.maximum(cells.block_position, low), high) - low
        shown = cells.block_has_surface
        coarse = len(config.place_sides) - config.place_fine
        reads = []
        for level, (side, table) in enumerate(zip(config.place_sides, self.place)):
            step = 2 if level < coarse else 1
            read = level_read(table, place[..., ::step, ::step], side) * shown[..., ::step, ::step]
            # What lies in the air must not be learned there: the network is to see what it is
            # served where nothing was learned. Nor what a place shows to one camera only.
            for fixed in (cells.block_floats, cells.block_glares):
                if fixed is not None:
                    read = torch.where(fixed[..., ::step, ::step], read.detach(), read)
            reads.append(read if level < coarse else F.pixel_unshuffle(read, 2))
        return torch.cat(reads, 1)

    def features(self, planes: FramePlanes, cells: Cells | None,
                 known: torch.Tensor | None = None) -> torch.Tensor:
        """`[B, feature_channels, H/4, W/4]`. `known` `[B, 2, 1, 1]` is 0 where a frame does
        without what its camera tells (first channel) or without the place grid (second)."""
        depth = torch.where(planes.depth > 0, torch.log1p(planes.depth.clamp(min=0)) / 3 - 1, 1.0)
        stacked = torch.cat([
            planes.base * 2 - 1, planes.normal, depth, planes.roughness * 2 - 1,
            planes.metallic * 2 - 1, planes.source * 2 - 1, planes.sigma * 2 - 1, planes.light], 1)
        folded = F.pixel_unshuffle(padded(stacked, self.config.multiple), PATCH)
        config, parts = self.config, [folded]
        if cells is None:
            batch, _, h, w = folded.shape
            count = config.probe_channels + 3 + config.place_channels
            return torch.cat([folded, folded.new_zeros(batch, count, h, w)], 1)
        parts += [self.probe_features(cells), cells.view]
        if config.place_sides:
            parts.append(self.place_features(cells))
        if known is not None:
            camera, place = known[:, :1], known[:, :1] * known[:, 1:]
            parts = [folded] + [part * camera for part in parts[1:3]] \
                + [part * place for part in parts[3:]]
        return torch.cat(parts, 1)

    def forward(self, planes: FramePlanes, cells: Cells | None,
                known: torch.Tensor | None = None) -> torch.Tensor:
        """The seven output planes `[B, 7, H, W]`, H and W padded to `config.multiple`."""
        return self.layers(self.features(planes, cells, known))

    def layers(self, features: torch.Tensor) -> torch.Tensor:
        """`[B, feature_channels, h, w]` in, `[B, 7, 4h, 4w]` out."""
        return F.pixel_shuffle(self.stages(features)["head"], PATCH)

    def stages(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """What each stage hands on; the head's result is `[B, head_channels, h, w]`."""
        def convolve(layer: Layer, x: torch.Tensor, added: torch.Tensor | None) -> torch.Tensor:
            result = convolved(self, layer, x, added)
            if self.watcher is not None:
                self.watcher(layer, x, result)
            return result

        return self.topology.walk(features, convolve)


def picture_parts(head: torch.Tensor, planes: FramePlanes) -> tuple[torch.Tensor, torch.Tensor]:
    """The logarithm of the light on the base color and the light beside it, `[B, 3, H, W]`; `head`
    may be padded beyond them."""
    height, width = planes.base.shape[-2:]
    head = head[..., :height, :width].float()
    light, added, gate = head[:, 0:3], head[:, 3:6], head[:, 6:7]
    carried = planes.light * (1 - planes.sigma) * torch.sigmoid(gate)
    return LIGHT_RANGE * torch.tanh((light + carried) / LIGHT_RANGE), F.softplus(3 * added - 6)


def composed(head: torch.Tensor, planes: FramePlanes) -> torch.Tensor:
    """The linear picture `[B, 3, H, W]`, not clamped."""
    light, added = picture_parts(head, planes)
    lit = (linear_from_srgb(planes.base) + EPS) * torch.exp(light) + added
    return lit if planes.emissive is None else lit + linear_from_srgb(planes.emissive)


def picture(linear: torch.Tensor) -> torch.Tensor:
    """sRGB 0..1, not rounded."""
    return srgb_from_linear(linear.clamp(0, 1))
