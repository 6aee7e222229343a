# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Arrays into planes: which pixel format an array stands for, and its bytes in it."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from . import protocol
from .arguments import FrameArguments, Planes
from .errors import ArgumentError

Pixels = npt.NDArray[np.uint8]
Record = npt.NDArray[np.void]
Writer = Callable[[npt.NDArray[np.generic], npt.NDArray[np.generic]], None]


def _copy(to: npt.NDArray[np.generic], array: npt.NDArray[np.generic]) -> None:
    np.copyto(to, array.reshape(to.shape), casting="same_kind")


def _drop_alpha(to: npt.NDArray[np.generic], array: npt.NDArray[np.generic]) -> None:
    np.copyto(to, array[..., :3])


def _add_alpha(to: npt.NDArray[np.generic], array: npt.NDArray[np.generic]) -> None:
    np.copyto(to[..., :3], array, casting="same_kind")
    to[..., 3] = 0


def _quantize(to: npt.NDArray[np.generic], array: npt.NDArray[np.generic]) -> None:
    """0 to 1 into 0 to 255; not a number becomes 0."""
    values = np.nan_to_num(array.astype(np.float32).reshape(to.shape))
    np.copyto(to, np.rint(np.clip(values, 0, 1) * 255), casting="unsafe")


def _pack_normals(to: npt.NDArray[np.generic], array: npt.NDArray[np.generic]) -> None:
    """-1 to 1 into ten bits each: n = v / 511.5 - 1."""
    values = np.nan_to_num(array.astype(np.float32))
    words = np.rint(np.clip(values, -1, 1) * 511.5 + 511.5).astype(np.uint32)
    np.copyto(to, words[..., 0] | (words[..., 1] << 10) | (words[..., 2] << 20))


@dataclass(frozen=True)
class Format:
    """A pixel format and how arrays get into it."""

    number: int
    dtype: np.dtype[np.generic]
    channels: int
    write: Writer = _copy

    @property
    def pixel_bytes(self) -> int:
        return self.dtype.itemsize * self.channels


_U8, _U16, _U32 = np.dtype("u1"), np.dtype("<u2"), np.dtype("<u4")
_F16, _F32 = np.dtype("<f2"), np.dtype("<f4")

_RGBA8 = Format(protocol.RGBA8_SRGB, _U8, 4)
_RGB8 = Format(protocol.RGB8_SRGB, _U8, 3)


def _base_color(dtype: np.dtype[np.generic], channels: int) -> Format | None:
    return {("u1", 4): _RGBA8, ("u1", 3): _RGB8}.get((dtype.str[1:], channels)) or (
        _linear(dtype, channels))


def _linear(dtype: np.dtype[np.generic], channels: int) -> Format | None:
    if dtype.kind == "f" and channels in (3, 4):
        return Format(protocol.RGBA16F, _F16, 4, _add_alpha if channels == 3 else _copy)
    return None


def _normals(dtype: np.dtype[np.generic], channels: int) -> Format | None:
    if dtype.kind == "f" and channels == 3:
        return Format(protocol.RGB10A2, _U32, 1, _pack_normals)
    return {
        ("u1", 3): Format(protocol.RGB8_UNORM, _U8, 3),
        ("u1", 4): Format(protocol.RGB8_UNORM, _U8, 3, _drop_alpha),
        ("i1", 4): Format(protocol.RGBA8_SNORM, np.dtype("i1"), 4),
        ("u4", 1): Format(protocol.RGB10A2, _U32, 1),
        ("u2", 2): Format(protocol.RG16_OCTAHEDRAL, _U16, 2),
        ("u1", 2): Format(protocol.RG8_OCTAHEDRAL, _U8, 2),
        ("f2", 2): Format(protocol.RG16F_OCTAHEDRAL, _F16, 2),
        ("f4", 2): Format(protocol.RG16F_OCTAHEDRAL, _F16, 2),
    }.get((dtype.str[1:], channels))


def _depth(dtype: np.dtype[np.generic], channels: int) -> Format | None:
    if channels == 1 and dtype.kind == "f":
        return Format(protocol.R16F, _F16, 1) if dtype == _F16 else Format(protocol.R32F, _F32, 1)
    return {("u2", 1): Format(protocol.R16, _U16, 1),
            ("u4", 1): Format(protocol.D24_LOW, _U32, 1)}.get((dtype.str[1:], channels))


def _single(dtype: np.dtype[np.generic], channels: int) -> Format | None:
    if channels == 1 and dtype.kind == "f":
        return Format(protocol.R8, _U8, 1, _quantize)
    return Format(protocol.R8, _U8, 1) if (dtype.str[1:], channels) == ("u1", 1) else None


def _motion(dtype: np.dtype[np.generic], channels: int) -> Format | None:
    if dtype.kind != "f" or channels != 2:
        return None
    return Format(protocol.RG16F, _F16, 2) if dtype == _F16 else Format(protocol.RG32F, _F32, 2)


def _known(dtype: np.dtype[np.generic], channels: int) -> Format | None:
    return _RGBA8 if (dtype.str[1:], channels) == ("u1", 4) else None


def _emissive(dtype: np.dtype[np.generic], channels: int) -> Format | None:
    return _base_color(dtype, channels)


def _packed(dtype: np.dtype[np.generic], channels: int) -> Format | None:
    """Occlusion, roughness, metallic: glTF's order."""
    return {("u1", 3): Format(protocol.RGB8_UNORM, _U8, 3),
            ("u1", 4): Format(protocol.RGBA8_UNORM, _U8, 4)}.get((dtype.str[1:], channels))


@dataclass(frozen=True)
class _Kind:
    number: int
    choose: Callable[[np.dtype[np.generic], int], Format | None]
    accepts: str


# In the order in which planes are sent.
_KINDS: dict[str, _Kind] = {
    "base_color": _Kind(protocol.BASE_COLOR, _base_color,
                        "uint8 sRGB or float linear [h,w,3] or [h,w,4]"),
    "normals": _Kind(protocol.NORMALS, _normals,
                     "float [h,w,3] from -1 to 1, uint8 [h,w,3], int8 [h,w,4], uint32 RGB10A2 [h,w] "
                     "or, octahedral, uint8, uint16 or float [h,w,2]; or \"from depth\""),
    "depth": _Kind(protocol.DEPTH, _depth, "float, uint16 or (24 bits of a device) uint32 [h,w]"),
    "roughness": _Kind(protocol.ROUGHNESS, _single, "float [h,w] from 0 to 1 or uint8 [h,w]"),
    "metallic": _Kind(protocol.METALLIC, _single, "float [h,w] from 0 to 1 or uint8 [h,w]"),
    # Two planes in the same bytes.
    "occlusion_roughness_metallic": _Kind(protocol.ROUGHNESS, _packed, "uint8 [h,w,3] or [h,w,4]"),
    "motion": _Kind(protocol.MOTION, _motion, "float [h,w,2]"),
    "known": _Kind(protocol.KNOWN, _known, "uint8 sRGB [h,w,4] with straight alpha"),
    "emissive": _Kind(protocol.EMISSIVE, _emissive,
                      "float linear or uint8 sRGB [h,w,3] or [h,w,4]"),
}

REQUIRED = ("base_color", "normals", "depth", "roughness")


@dataclass(frozen=True)
class Plane:
    name: str
    kind: int
    format: Format
    offset: int
    """Bytes, in a frame's payload; rows and planes without gaps."""
    channel: int = 0
    """Which one is roughness or metallic; of a constant the value, of 255."""
    is_inside: bool = False
    """In the bytes of the plane before."""

    @property
    def pixel_bytes(self) -> int:
        return 0 if self.is_inside else self.format.pixel_bytes


@dataclass(frozen=True)
class Layout:
    """What a frame's payload holds. Two layouts are equal if their frames can be exchanged."""

    width: int
    height: int
    planes: tuple[Plane, ...]

    @property
    def byte_count(self) -> int:
        return self.width * self.height * sum(plane.pixel_bytes for plane in self.planes)

    def plane(self, name: str) -> Plane | None:
        return next((plane for plane in self.planes if plane.name == name), None)

    def view(self, payload: Pixels, plane: Plane) -> npt.NDArray[np.generic]:
        """One plane of a payload: `[height, width]` or `[height, width, channels]`."""
        count = self.width * self.height * plane.format.pixel_bytes
        flat = payload[plane.offset:plane.offset + count].view(plane.format.dtype)
        channels = plane.format.channels
        shape = (self.height, self.width) + ((channels,) if channels > 1 else ())
        return flat.reshape(shape)

    def write(self, payload: Pixels, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        for plane in self.planes:
            if plane.pixel_bytes:
                plane.format.write(self.view(payload, plane), arrays[plane.name])


# Of a frame, and no planes.
_OTHER_ARGUMENTS = FrameArguments.__optional_keys__ - Planes.__optional_keys__


def arrays_of(frame: FrameArguments) -> dict[str, npt.NDArray[np.generic]]:
    """The planes among a frame's arguments.

    Raises ArgumentError for an argument that does not exist: a plane must not vanish by a slip.
    """
    for name in frame:
        if name not in _KINDS and name not in _OTHER_ARGUMENTS:
            raise ArgumentError(f"a frame has no {name}; its planes are {', '.join(_KINDS)}",
                                field=name)
    arrays: dict[str, npt.NDArray[np.generic]] = {
        name: np.asarray(value) for name, value in frame.items()
        if name in _KINDS and value is not None}
    if "occlusion_roughness_metallic" in arrays:
        for name in ("roughness", "metallic"):
            if name in arrays:
                raise ArgumentError(f"{name} is in occlusion_roughness_metallic already", field=name)
    return arrays


def _constant(name: str, array: npt.NDArray[np.generic]) -> Plane | None:
    """Of a plane without bytes: "from depth", or one number for all pixels."""
    if array.ndim != 0:
        return None
    kind = _KINDS[name].number
    if name == "normals" and array.dtype.kind == "U" and str(array) == "from depth":
        return Plane(name, kind, Format(protocol.FROM_DEPTH, _U8, 0), 0)
    if name in ("roughness", "metallic") and array.dtype.kind in "fiu":
        value = float(np.asarray(array, np.float64))
        if not 0 <= value <= 1:
            raise ArgumentError(f"{name} is 0 to 1", field=name, value=value, limit=1)
        return Plane(name, kind, Format(protocol.CONSTANT, _U8, 0), 0, channel=round(value * 255))
    return None


def _size(arrays: Mapping[str, npt.NDArray[np.generic]]) -> tuple[int, int]:
    height, width = arrays["base_color"].shape[:2] if arrays["base_color"].ndim >= 2 else (0, 0)
    for side, count in (("width", width), ("height", height)):
        if not protocol.MIN_SIDE <= count <= protocol.MAX_SIDE:
            limit = protocol.MIN_SIDE if count < protocol.MIN_SIDE else protocol.MAX_SIDE
            raise ArgumentError(f"{side} is {count} pixels; {protocol.MIN_SIDE} to "
                                f"{protocol.MAX_SIDE} are possible", field=side, value=count,
                                limit=limit)
    return width, height


def plan(arrays: Mapping[str, npt.NDArray[np.generic]]) -> Layout:
    """The layout that these arrays stand for.

    Raises ArgumentError for a plane that is missing, of another size or of a type without meaning.
    """
    is_packed = "occlusion_roughness_metallic" in arrays
    for name in REQUIRED:
        if name not in arrays and not (name == "roughness" and is_packed):
            raise ArgumentError(f"the plane {name} is missing", field=name)
    shape = arrays["base_color"].shape
    planes: list[Plane] = []
    offset = 0
    for name, kind in _KINDS.items():
        if name not in arrays:
            continue
        array = arrays[name]
        constant = _constant(name, array)
        if constant is not None:
            planes.append(replace(constant, offset=offset))
            continue
        format = kind.choose(array.dtype, array.shape[2] if array.ndim == 3 else 1)
        if format is None or array.ndim not in (2, 3):
            raise ArgumentError(f"{name} is {kind.accepts}, not {array.dtype} {list(array.shape)}",
                                field=name)
        if array.shape[:2] != shape[:2]:
            raise ArgumentError(f"{name} has {array.shape[1]}x{array.shape[0]} pixels, base_color "
                                f"{shape[1]}x{shape[0]}", field=name)
        planes.append(Plane(name, kind.number, format, offset))
        if kind.choose is _packed:
            planes[-1] = replace(planes[-1], channel=1)
            planes.append(Plane(name, protocol.METALLIC, format, offset, channel=2,
                                is_inside=True))
        offset += shape[0] * shape[1] * format.pixel_bytes
    width, height = _size(arrays)
    return Layout(width, height, tuple(planes))


def srgb8(linear: npt.ArrayLike) -> Pixels:
    """Linear values from 0 to 1, `[..., 3]` or `[..., 4]`, as 8-bit sRGB; alpha stays linear."""
    values = np.clip(np.nan_to_num(np.asarray(linear, np.float32)), 0, 1)
    curve = np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)
    if values.shape[-1] == 4:
        curve[..., 3] = values[..., 3]
    result: Pixels = np.rint(curve * 255).astype(np.uint8)
    return result
