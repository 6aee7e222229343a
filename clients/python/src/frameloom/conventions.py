# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What a client says once about its frames, in words, and as `fl_open`."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from . import protocol
from .errors import ArgumentError
from .planes import Layout, Record

_ORIGINS = {"top-left": protocol.ORIGIN_TOP_LEFT, "bottom-left": protocol.ORIGIN_BOTTOM_LEFT}
_NORMAL_SPACES = {"world": protocol.NORMALS_WORLD, "view": protocol.NORMALS_VIEW}
_DEPTHS = {"linear": protocol.DEPTH_LINEAR, "device-reversed": protocol.DEPTH_DEVICE_REVERSED,
           "device": protocol.DEPTH_DEVICE, "device-signed": protocol.DEPTH_DEVICE_SIGNED,
           "ray": protocol.DEPTH_RAY}
_ROUGHNESS = {"direct": protocol.ROUGHNESS_DIRECT, "smoothness": protocol.ROUGHNESS_SMOOTHNESS,
              "godot": protocol.ROUGHNESS_GODOT}
_AXES = {"opengl": protocol.AXES_OPENGL, "gltf": protocol.AXES_OPENGL,
         "godot": protocol.AXES_OPENGL, "threejs": protocol.AXES_OPENGL,
         "unity": protocol.AXES_UNITY, "unreal": protocol.AXES_UNREAL,
         "blender": protocol.AXES_BLENDER}
_UNITS = {"usual": 0, "metres": protocol.UNIT_METRES, "centimetres": protocol.UNIT_CENTIMETRES}
_MATRICES = {"row-major": 0, "column-major": protocol.MATRIX_COLUMN_MAJOR}
_MOTION_UNITS = {"scaled": 0, "ndc": protocol.MOTION_NDC, "uv": protocol.MOTION_UV}
_MAILBOXES = {"latest": protocol.MAILBOX_LATEST, "every": protocol.MAILBOX_EVERY}
_MOTIONS = {"to-previous": protocol.MOTION_TO_PREVIOUS,
            "from-previous": protocol.MOTION_FROM_PREVIOUS}

_QUALITIES = {"configured": 0, "full": protocol.FEATURE_QUALITY_FULL,
              "half": protocol.FEATURE_QUALITY_HALF, "quarter": protocol.FEATURE_QUALITY_QUARTER}

WorldAxes = Literal["opengl", "gltf", "godot", "threejs", "unity", "unreal", "blender"]


@dataclass(frozen=True)
class Conventions:
    """As the keyword arguments of `frameloom.connect`."""

    model: str = ""
    origin: Literal["top-left", "bottom-left"] = "top-left"
    normal_space: Literal["world", "view"] = "world"
    axes: WorldAxes = "opengl"
    unit: Literal["usual", "metres", "centimetres"] = "usual"
    matrices: Literal["row-major", "column-major"] = "row-major"
    depth: Literal["linear", "device-reversed", "device", "device-signed", "ray"] = "linear"
    depth_scale: float | None = None
    near: float = 0.0
    far: float = math.inf
    roughness_kind: Literal["direct", "smoothness", "godot"] = "direct"
    motion_unit: Literal["scaled", "ndc", "uv"] = "scaled"
    motion_scale: tuple[float, float] = (1.0, 1.0)
    motion_direction: Literal["to-previous", "from-previous"] = "to-previous"
    motion_is_jittered: bool = False
    mailbox: Literal["every", "latest"] = "every"
    frame_budget: float = 0.0
    incremental: bool = False
    shared_memory: bool = True
    quality: Literal["configured", "full", "half", "quarter"] = "configured"
    may_fall: bool = False
    control_scale: float | None = None
    adapter_scale: float | None = None
    seed: int = 0
    view: int = 0
    client_name: str = "Python"

    def open_record(self, layout: Layout) -> Record:
        """As `fl_open`, for frames of this layout.

        Raises ArgumentError for what cannot be written down; the daemon judges the rest.
        """
        record = np.zeros((), protocol.open_dtype)
        record["width"], record["height"] = layout.width, layout.height
        record["plane_count"] = len(layout.planes)
        record["origin"] = _word(_ORIGINS, "origin", self.origin)
        record["mailbox"] = _word(_MAILBOXES, "mailbox", self.mailbox)
        record["view_index"] = _whole("view", self.view, 255)
        record["picture_format"] = protocol.PICTURE_RGBA8_SRGB
        record["transport"] = protocol.TRANSPORT_INLINE
        record["normal_space"] = _word(_NORMAL_SPACES, "normal_space", self.normal_space)
        record["axes"] = (_word(_AXES, "axes", self.axes) | _word(_UNITS, "unit", self.unit)
                          | _word(_MATRICES, "matrices", self.matrices))
        record["roughness_kind"] = _word(_ROUGHNESS, "roughness_kind", self.roughness_kind)
        record["depth_kind"] = _word(_DEPTHS, "depth", self.depth)
        record["depth_near"] = self.near
        record["depth_far"] = self.far if math.isfinite(self.far) else 0
        record["depth_scale"] = self._depth_scale(layout)
        if layout.plane("motion") is not None:
            unit = _word(_MOTION_UNITS, "motion_unit", self.motion_unit)
            if not unit:
                record["motion_scale_x"], record["motion_scale_y"] = self.motion_scale
            record["motion_direction"] = _word(_MOTIONS, "motion_direction",
                                               self.motion_direction)
            record["motion_flags"] = unit | (
                protocol.MOTION_JITTERED if self.motion_is_jittered else 0)
        record["frame_budget_us"] = _whole("frame_budget", round(self.frame_budget * 1e6),
                                           2**32 - 1)
        record["features"] = ((protocol.FEATURE_INCREMENTAL if self.incremental else 0)
                              | (protocol.FEATURE_SHARED_MEMORY if self.shared_memory else 0)
                              | _word(_QUALITIES, "quality", self.quality)
                              | (protocol.FEATURE_QUALITY_MAY_FALL if self.may_fall else 0))
        record["control_scale"] = _thousandths("control_scale", self.control_scale)
        record["adapter_scale"] = _thousandths("adapter_scale", self.adapter_scale)
        record["seed"] = _whole("seed", self.seed, 2**64 - 1)
        record["model"] = _text("model", self.model)
        record["client_name"] = _text("client_name", self.client_name)
        for index, plane in enumerate(layout.planes):
            record["planes"]["kind"][index] = plane.kind
            record["planes"]["format"][index] = plane.format.number
            record["planes"]["channel"][index] = plane.channel
            record["planes"]["flags"][index] = protocol.PLANE_SAME_BYTES if plane.is_inside else 0
        return record

    def _depth_scale(self, layout: Layout) -> float:
        if self.depth not in ("linear", "ray"):
            return 0.0
        if self.depth_scale is not None:
            return self.depth_scale
        plane = layout.plane("depth")
        if plane is not None and plane.format.number == protocol.R16:
            raise ArgumentError("uint16 depth needs depth_scale: the metres of one unit",
                                field="depth_scale")
        return 1.0


def _word(words: dict[str, int], field: str, word: str) -> int:
    if word not in words:
        raise ArgumentError(f"{field} {word!r} is not known ({', '.join(words)} are)",
                            field=field)
    return words[word]


def _whole(field: str, value: int, limit: int) -> int:
    if not 0 <= value <= limit:
        raise ArgumentError(f"{field} is 0 to {limit}", field=field, value=value, limit=limit)
    return value


def _thousandths(field: str, scale: float | None) -> int:
    if scale is None:
        return 0
    limit = protocol.MAX_SCALE / 1000
    if not 0.001 <= scale <= limit:
        raise ArgumentError(f"{field} is 0.001 to {limit:g}", field=field, value=scale,
                            limit=limit)
    return round(scale * 1000)


def _text(field: str, text: str) -> bytes:
    data = text.encode()
    limit = protocol.open_dtype[field].itemsize - 1
    if len(data) > limit:
        raise ArgumentError(f"{field} has {len(data)} bytes in UTF-8; {limit} are possible",
                            field=field, value=len(data), limit=limit)
    return data
