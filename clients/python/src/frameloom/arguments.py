# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The arguments of one frame."""
from __future__ import annotations

from typing import Required, TypedDict

import numpy.typing as npt

from .cameras import Camera


class Planes(TypedDict, total=False):
    """Arrays `[height, width]` or `[height, width, channels]`, see `Session.submit`."""

    base_color: Required[npt.ArrayLike]
    normals: Required[npt.ArrayLike]
    depth: Required[npt.ArrayLike]
    roughness: npt.ArrayLike
    metallic: npt.ArrayLike | None
    occlusion_roughness_metallic: npt.ArrayLike | None
    motion: npt.ArrayLike | None
    known: npt.ArrayLike | None
    emissive: npt.ArrayLike | None


class FrameArguments(Planes, total=False):
    """Everything that `Session.submit` takes."""

    camera: Camera | None
    jitter: tuple[float, float]
    reset: bool
    approximate: bool | None
    motion_from: int | None
    frame_id: int | None
    show_planes: bool
