# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""`camera.json` as docs/clips.md describes it. Every key is honoured or refused by name, with the
very sentences of the Swift reader (FrameClip's `CameraFile`)."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from geometry import Camera
from names import nearest

CLIP_FORMAT = "frameloom-clip-1"
CONVENTION = "OpenGL"
MAX_DEPTH = 32  # levels of nested values
MAX_PIXELS, MAX_METRES, MAX_JITTER = 1e6, 1e9, 16.0  # of the protocol too
COLORS = {"srgb": 0.0, "srgb8": 0.0, "srgb16": 0.0, "linear": 1.0, "linear8": 1.0, "linear16": 1.0}
ROUGHNESS = {"linear": False, "linear8": False, "linear16": False, "smoothness": True}
METALLIC = ["linear", "linear8", "linear16"]
DEPTH_KINDS = ["planar", "distance", "reversed"]
SPACES = ["world", "view"]
# Where the files' axes lie in the world of right-handed +Y up: channel and sign of x, y and z.
AXES = {
    "y-up right-handed": ((0, 1), (1, 1), (2, 1)),
    "y-up left-handed": ((0, 1), (1, 1), (2, -1)),
    "z-up right-handed": ((0, 1), (2, 1), (1, -1)),
    "z-up left-handed": ((1, 1), (2, 1), (0, -1)),
}
COMMENTS = ["comment", "description", "generator", "license", "licence", "source"]


class CameraFileError(Exception):
    """What is wrong with the file, as a sentence without its name."""


@dataclass
class Statements:
    """What the file states about planes; None where it says nothing."""

    colors: dict[str, float | None] = field(default_factory=dict)  # by plane: a gamma, 0 is sRGB
    normal_space: str | None = None
    normal_axes: tuple | None = None
    depth_kind: str | None = None
    units_per_metre: float | None = None
    depth_sky: int | None = None
    is_smoothness: bool = False


@dataclass
class CameraFile:
    statements: Statements = field(default_factory=Statements)
    frames_per_second: float | None = None
    cameras: dict[int, Camera] = field(default_factory=dict)  # side 0: that of the planes
    jitters: dict[int, tuple[float, float]] = field(default_factory=dict)  # pixels, right and down


def read_camera_file(path: Path) -> CameraFile:
    document = parsed(path.read_bytes())
    keys(document, "", ["format", "fps", "encodings", "frames", "cameraConvention", *COMMENTS])
    if "format" not in document:
        raise CameraFileError("format is missing")
    if document["format"] != CLIP_FORMAT:
        raise CameraFileError(f"format {shown(document['format'])} is not known (\"{CLIP_FORMAT}\" "
                              "is)")
    convention = document.get("cameraConvention", CONVENTION)
    if not isinstance(convention, str) or not convention.startswith(CONVENTION):
        raise CameraFileError(f"cameraConvention {shown(convention)} is not supported (\"OpenGL\" "
                              "is: -Z forward, +Y up)")
    file = CameraFile()
    if "fps" in document:
        file.frames_per_second = number(document, "fps", "")
        if not 0 < file.frames_per_second <= 1e6:
            raise CameraFileError(f"fps {shown(document['fps'])} is not above 0 and at most "
                                  "1000000")
    if "encodings" in document:
        file.statements = read_encodings(document["encodings"])
    if "frames" not in document:
        raise CameraFileError("frames is missing")
    if not isinstance(document["frames"], list):
        raise CameraFileError("frames is not a list")
    for index, entry in enumerate(document["frames"]):
        read_frame_entry(file, entry, f"frames[{index}]")
    return file


# JSON


def parsed(content: bytes) -> dict:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CameraFileError("is UTF-16; write it as UTF-8")
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        raise CameraFileError("is not UTF-8") from error
    try:
        document = json.loads(text, object_pairs_hook=Members, parse_int=Number, parse_float=Number,
                              parse_constant=refuse_constant)
        plain = without_repeats(document, "", MAX_DEPTH)
    except (ValueError, RecursionError) as error:
        raise CameraFileError("is not valid JSON") from error
    if not isinstance(plain, dict):
        raise CameraFileError("is not a JSON object")
    return plain


class Members(list):
    """An object's members, those given twice included."""


class Number(float):
    """A number with the text that it was written as."""

    def __new__(cls, text: str):
        value = super().__new__(cls, text)
        value.text = text
        return value


def refuse_constant(name: str):
    raise CameraFileError(f"holds {name}, which is no JSON number; leave far out, or write 0, where "
                          "it is infinite")


def without_repeats(value, place: str, levels: int):
    if isinstance(value, str) and any(0xD800 <= ord(c) < 0xE000 for c in value):
        raise ValueError("a lone surrogate")
    if not isinstance(value, list):
        return value
    if levels == 0:
        raise ValueError("too deep")
    if isinstance(value, Members):
        result = {}
        for name, member in value:
            without_repeats(name, place, levels)
            if name in result:
                raise CameraFileError(f"{joined(place, name)} is there twice")
            result[name] = without_repeats(member, joined(place, name), levels - 1)
        return result
    return [without_repeats(v, f"{place}[{i}]", levels - 1) for i, v in enumerate(value)]


def joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def keys(value, place: str, known: list[str]) -> None:
    """Refuses what is no object, and every key that is not known. `_` begins a comment."""
    if not isinstance(value, dict):
        raise CameraFileError(f"{place} is not an object")
    for name in value:
        if name not in known and not name.startswith("_"):
            raise CameraFileError(f"{joined(place, name)} is not known; the nearest known key is "
                                  f"{nearest(name, known)}")


def shown(value) -> str:
    """A value as sentences say it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, str):
        return f'"{value[:64]}"'
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return value.text[:32]


def number(entry: dict, name: str, place: str) -> float:
    if name not in entry:
        raise CameraFileError(f"{joined(place, name)} is missing")
    value = entry[name]
    if not isinstance(value, Number):
        raise CameraFileError(f"{joined(place, name)} is not a number")
    if not math.isfinite(value):
        raise CameraFileError(f"{joined(place, name)} is too large")
    return value


def whole(entry: dict, name: str, place: str, low: int, high: int) -> int:
    value = number(entry, name, place)
    if value != math.floor(value) or not low <= value <= high:
        raise CameraFileError(f"{joined(place, name)} {shown(value)} is no whole number from "
                              f"{low} to {high}")
    return int(value)


def choice(entry: dict, name: str, place: str, known: list[str]) -> str | None:
    if name not in entry:
        return None
    value = entry[name]
    if value not in known or not isinstance(value, str):
        listed = ", ".join(f'"{k}"' for k in known)
        raise CameraFileError(f"{joined(place, name)} {shown(value)} is not supported ({listed})")
    return value


# Encodings


def read_encodings(value) -> Statements:
    place, said = "encodings", Statements()
    keys(value, place, ["baseColor", "finalImage", "emissive", "normals", "depth", "roughness",
                        "metallic"])
    for name, plane in (("baseColor", "BaseColor"), ("finalImage", "FinalImage"),
                        ("emissive", "Emissive")):
        kind = choice(value, name, place, list(COLORS))
        said.colors[plane] = COLORS[kind] if kind else None
    kind = choice(value, "roughness", place, list(ROUGHNESS))
    said.is_smoothness = ROUGHNESS[kind] if kind else False
    choice(value, "metallic", place, METALLIC)
    if "normals" in value:
        normals, place = value["normals"], "encodings.normals"
        keys(normals, place, ["space", "axes", "encoding", "sky"])
        said.normal_space = choice(normals, "space", place, SPACES)
        axes = choice(normals, "axes", place, list(AXES))
        said.normal_axes = AXES[axes] if axes else None
        choice(normals, "encoding", place, ["n*0.5+0.5"])
        if "sky" in normals:  # normals of the sky are not read
            whole(normals, "sky", place, 0, 65535)
    if "depth" in value:
        depth, place = value["depth"], "encodings.depth"
        keys(depth, place, ["kind", "unitsPerMetre", "sky"])
        said.depth_kind = choice(depth, "kind", place, DEPTH_KINDS)
        if "unitsPerMetre" in depth:
            units = number(depth, "unitsPerMetre", place)
            if not 1e-6 <= units <= 1e9:
                raise CameraFileError(f"{place}.unitsPerMetre {shown(units)} is not from 0.000001 "
                                      "to 1000000000")
            said.units_per_metre = units
        if "sky" in depth:
            said.depth_sky = whole(depth, "sky", place, 0, 65535)
    return said


# Cameras


def read_frame_entry(file: CameraFile, entry, place: str) -> None:
    keys(entry, place, ["frame", "width", "height", "fx", "fy", "cx", "cy", "near", "far",
                        "camera_to_world", "jitter", "projection"])
    frame = whole(entry, "frame", place, -999_999_999, 999_999_999)
    if frame in file.cameras:
        raise CameraFileError(f"frame {frame} is there twice")
    choice(entry, "projection", place, ["perspective"])
    width = whole(entry, "width", place, 1, 65535) if "width" in entry else 0
    height = whole(entry, "height", place, 1, 65535) if "height" in entry else 0
    fx, fy, cx, cy = (number(entry, name, place) for name in ("fx", "fy", "cx", "cy"))
    for name, value in (("fx", fx), ("fy", fy)):
        if not 0 < value <= MAX_PIXELS:
            raise CameraFileError(f"{place}.{name} {shown(value)} is not above 0 and at most "
                                  "1000000 pixels")
    for name, value in (("cx", cx), ("cy", cy)):
        if abs(value) > MAX_PIXELS:
            raise CameraFileError(f"{place}.{name} {shown(value)} is not within 1000000 pixels")
    near, far = (distance_of(entry, name, place) for name in ("near", "far"))
    if near and far and near >= far:
        raise CameraFileError(f"{place}.near {shown(entry['near'])} is not below far "
                              f"{shown(entry['far'])}")
    matrix = matrix_of(entry, place)
    jitter = jitter_of(entry, place)
    file.jitters[frame] = jitter
    file.cameras[frame] = Camera(fx, fy, cx, cy, width, height, near, far or math.inf,
                                 tuple(matrix.reshape(16).tolist()))


def distance_of(entry: dict, name: str, place: str) -> float:
    """Metres; 0 where nothing is stated."""
    if entry.get(name) is None:
        return 0.0
    value = number(entry, name, place)
    if not 0 <= value <= MAX_METRES:
        raise CameraFileError(f"{place}.{name} {shown(value)} is not 0 to 1000000000 metres")
    return value


def jitter_of(entry: dict, place: str) -> tuple[float, float]:
    if "jitter" not in entry:
        return 0.0, 0.0
    value = entry["jitter"]
    wrong = CameraFileError(f"{place}.jitter is not two numbers from -16 to 16")
    if not isinstance(value, list) or len(value) != 2:
        raise wrong
    for v in value:
        if not isinstance(v, Number) or not abs(v) <= MAX_JITTER:
            raise wrong
    return float(value[0]), float(value[1])


def matrix_of(entry: dict, place: str) -> np.ndarray:
    place = f"{place}.camera_to_world"
    if "camera_to_world" not in entry:
        raise CameraFileError(f"{place} is missing")
    rows = entry["camera_to_world"]
    shape_wrong = CameraFileError(f"{place} is not 4 rows of 4 numbers")
    if not isinstance(rows, list) or len(rows) != 4:
        raise shape_wrong
    for row in rows:
        if not isinstance(row, list) or len(row) != 4 \
                or not all(isinstance(v, Number) for v in row):
            raise shape_wrong
    matrix = np.array(rows, np.float64)
    if not np.isfinite(matrix).all() or np.abs(matrix[:3, 3]).max() > MAX_METRES:
        raise CameraFileError(f"{place} holds a number that is too large")
    if np.abs(matrix[3] - [0, 0, 0, 1]).max() > 1e-6:
        raise CameraFileError(f"{place}: the last row is not 0, 0, 0, 1 (transposed?)")
    turn = matrix[:3, :3]
    with np.errstate(all="ignore"):
        product = turn @ turn.T
    if not np.abs(product - np.eye(3)).max() <= 1e-3:
        raise CameraFileError(f"{place}: the first three rows are no rotation (scaled or sheared?)")
    if not np.linalg.det(turn) > 0:
        raise CameraFileError(f"{place} mirrors (its determinant is -1, not 1)")
    return matrix
