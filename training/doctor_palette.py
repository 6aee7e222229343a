# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Which base colors came up with which roughness in a model's training."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PALETTE_FILE = "planes.json"
COLOR_GAIN = 1.0  # right frames of the training lose 1.8 or more by any alternative
COLOR_LEVELS, ROUGHNESS_LEVELS, SHARE_FLOOR = 6, 8, 1e-5
PALETTE_FORMAT = "frameloom-planes-1"


@dataclass
class Palette:
    """What the surfaces of a training looked like: how often each base color came up with each
    roughness. Linear color, swapped channels and smoothness show in nothing else."""

    shares: np.ndarray  # [6 * 6 * 6 * 8], red slowest, roughness fastest
    typical_score: float = 0.0  # what one frame in fifty of the training scores less than

    @staticmethod
    def bins(base: np.ndarray, roughness: np.ndarray) -> np.ndarray:
        level = np.clip((base * COLOR_LEVELS).astype(int), 0, COLOR_LEVELS - 1)
        color = (level[:, 0] * COLOR_LEVELS + level[:, 1]) * COLOR_LEVELS + level[:, 2]
        rough = np.clip((roughness * ROUGHNESS_LEVELS).astype(int), 0, ROUGHNESS_LEVELS - 1)
        return color * ROUGHNESS_LEVELS + rough

    @classmethod
    def of(cls, frames: list[tuple[np.ndarray, np.ndarray]]) -> "Palette":
        """Of the surfaces' base color `[N, 3]` and roughness `[N]`, frame by frame."""
        count = COLOR_LEVELS ** 3 * ROUGHNESS_LEVELS
        shares = sum(np.bincount(cls.bins(*f), minlength=count) for f in frames).astype(float)
        palette = cls(shares / shares.sum())
        palette.typical_score = float(np.percentile([palette.score(*f) for f in frames], 2))
        return palette

    def score(self, base: np.ndarray, roughness: np.ndarray) -> float:
        return float(np.log(np.maximum(self.shares[self.bins(base, roughness)],
                                       SHARE_FLOOR)).mean())

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({
            "format": PALETTE_FORMAT, "colorLevels": COLOR_LEVELS,
            "roughnessLevels": ROUGHNESS_LEVELS, "typicalScore": round(self.typical_score, 4),
            "shares": [float(f"{s:.3g}") if s > 0 else 0 for s in self.shares]}) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Palette":
        stated = json.loads(path.read_text())
        if stated.get("format") != PALETTE_FORMAT:
            raise ValueError(f"{path}: format is not {PALETTE_FORMAT}")
        return cls(np.array(stated["shares"], float), float(stated["typicalScore"]))


def srgb_from_linear(v):
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * np.maximum(v, 1e-9) ** (1 / 2.4) - 0.055)


def linear_from_srgb(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
