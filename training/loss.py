# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What a training minimises."""

import torch

from color import srgb_from_linear

HISTORY_ERROR = 0.1  # of the history, sRGB, at which the loss on the change counts 1/e


def seen(linear: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The sRGB picture with a gradient also where it is too bright.

    A served picture is clipped at 1. Clipping here as well would take the gradient from every
    pixel that is too bright by mistake; so only pixels that should be white are clipped."""
    value = srgb_from_linear(linear)
    return torch.where(target >= 254.5 / 255, value.clamp(max=1), value)


def picture_loss(linear: torch.Tensor, target: torch.Tensor, weights: torch.Tensor | None = None,
                 gradient_weight: float = 0.5,
                 square_weight: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """L1 and, weighted, L1 of the horizontal and vertical differences, and the squared error: it
    counts the few large errors more, of which PSNR is made. Also gives the picture.
    `weights` `[B]`, their mean 1: how much each picture counts."""
    picture = seen(linear, target)
    error = picture - target
    if weights is not None:
        error = error * weights[:, None, None, None]
    across = (error[..., :, 1:] - error[..., :, :-1]).abs().mean()
    down = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    squared = (error * (picture - target)).mean()
    return (error.abs().mean() + gradient_weight * (across + down) + square_weight * squared,
            picture)


def change_loss(picture: torch.Tensor, target: torch.Tensor, source: torch.Tensor,
                moved_truth: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """The picture's change against the truth's change, where there is history: `where` bool
    `[B, 1, H, W]`, `source` the own previous picture moved, `moved_truth` the true one moved.

    Counts less the more the history is wrong: a picture must not be rewarded for keeping the
    error that it was given."""
    wrong = (source - moved_truth).abs().amax(1, keepdim=True)
    weight = where * torch.exp(-wrong / HISTORY_ERROR)
    error = ((picture - source) - (target - moved_truth)).abs() * weight
    return error.sum() / (3 * where.sum()).clamp(min=1)
