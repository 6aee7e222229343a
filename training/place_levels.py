# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Which levels a place grid has and how many rows each: by the size of the environment and by how
many of its corners the training clips' surfaces touch."""

import torch

from dataset import LoadedClip
from geometry import cells
from model import ModelConfig
from place_grid import level_sides

LEAST_ROWS = 2 ** 14
# A level whose corners would share each row with more others than this is left out. Its reads say
# little even where training saw, and where nothing was seen they say what belongs elsewhere: with
# nine corners a row, leaving the level out changed held-out views by 0.00 dB and raised a clip of
# other places by 2.4 dB (docs/model.md).
MOST_CORNERS_A_ROW = 2.0
FINE_SIDE = 0.2  # metres: levels up to this are read in each 2x2 block of pixels


@torch.no_grad()
def touched_corners(clips: list[LoadedClip], config: ModelConfig, sides: list[float]) -> list[int]:
    """Of each level, how many corners lie around the points at which the clips' frames read it."""
    low = torch.tensor(config.place_min)[:, None, None]
    high = torch.tensor(config.place_max)[:, None, None]
    bounds = torch.tensor([config.bounds_min, config.bounds_max])
    found = [torch.zeros(0, dtype=torch.long) for _ in sides]
    for clip in clips:
        keys = [[] for _ in sides]
        for index in range(len(clip)):
            frame = clip.frame(index)
            place = cells(frame.depth, frame.normal, frame.cameras, bounds, config.normal_offset,
                          config.multiple, config.place_offset)
            points = (torch.minimum(torch.maximum(place.block_position, low), high) - low)[0]
            points = points[:, place.block_has_surface[0, 0]]
            for level, side in enumerate(sides):
                keys[level].append(torch.unique(packed(torch.floor(points / side).long())))
        found = [torch.unique(torch.cat([old, *new])) for old, new in zip(found, keys)]
    return [len(corners_of(cells_found)) for cells_found in found]


def packed(lattice: torch.Tensor) -> torch.Tensor:
    """Three coordinates `[3, N]` in one number: 21 bits each."""
    return (lattice[0] << 42) | (lattice[1] << 21) | lattice[2]


def corners_of(keys: torch.Tensor) -> torch.Tensor:
    steps = torch.tensor([(i << 42) + (j << 21) + k
                          for i in range(2) for j in range(2) for k in range(2)])
    return torch.unique((keys[:, None] + steps).flatten())


def fitted_rows(corners: int, most: int) -> int:
    """The smallest power of two that has a row for each corner, within `most`."""
    return max(LEAST_ROWS, min(most, 1 << max(corners - 1, 0).bit_length()))


def give_levels(config: ModelConfig, clips: list[LoadedClip], most_rows: int) -> None:
    """Sets the place grid's levels in a config whose bounds are set."""
    sides = level_sides(config.place_min, config.place_max)
    counts = touched_corners(clips, config, sides)
    kept = [(side, fitted_rows(count, most_rows)) for side, count in zip(sides, counts)
            if count <= MOST_CORNERS_A_ROW * most_rows]
    config.place_sides = [side for side, _ in kept]
    config.place_rows = [rows for _, rows in kept]
    config.place_fine = sum(side <= FINE_SIDE for side in config.place_sides)
