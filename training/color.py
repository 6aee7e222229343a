# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The exact sRGB curve, and the log light that a finished picture holds on its base color."""

import torch

EPS = 1.0 / 256.0  # keeps log light finite on black; part of the model's contract
LIGHT_LIMIT = 6.0  # carried light is clamped to +-6, natural log


def linear_from_srgb(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp(min=0) + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(x: torch.Tensor) -> torch.Tensor:
    # The inner clamp keeps the power's gradient finite on the branch that is not taken.
    curved = 1.055 * x.clamp(min=0.0031308) ** (1.0 / 2.4) - 0.055
    return torch.where(x <= 0.0031308, x * 12.92, curved)


def log_light(picture: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    """What the light did to the base color: `[..., 3, H, W]` sRGB 0..1 in, natural log out."""
    light = torch.log((linear_from_srgb(picture) + EPS) / (linear_from_srgb(base) + EPS))
    return light.clamp(-LIGHT_LIMIT, LIGHT_LIMIT)


def rounded_to_bytes(picture: torch.Tensor) -> torch.Tensor:
    """The picture as it is served: 8 bits, given back as 0..1."""
    return torch.round(picture.clamp(0, 1) * 255.0) / 255.0
