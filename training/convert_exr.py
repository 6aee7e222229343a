# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""EXR files: any layers by name, Unreal's Movie Render Queue, Blender's passes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from convert_frame import ConvertError, SourceCamera, SourceFrame

ORDERS = ("RGB", "XYZ", "UVW")
SINGLES = ("V", "Z", "Y", "R", "X", "A")


class Layers:
    """The channels of an EXR file, grouped by what stands before their last dot."""

    def __init__(self, path: Path) -> None:
        import OpenEXR
        self.path = path
        self.attributes: dict[str, object] = {}
        self.layers: dict[str, dict[str, np.ndarray]] = {}
        try:
            with OpenEXR.File(str(path), separate_channels=True) as file:
                for part in file.parts:
                    self.attributes |= part.header
                    for name, channel in part.channels.items():
                        # A part's own name is not in its channels' names.
                        layer, _, letter = name.rpartition(".")
                        if len(file.parts) > 1 and not layer and part.name():
                            layer = part.name()
                        self.layers.setdefault(layer, {})[letter] = channel.pixels
        except Exception as error:
            raise ConvertError(f"{path}: {error}") from error

    def find(self, words: str, needed: bool = True) -> dict[str, np.ndarray] | None:
        """The layer of that name, else the only one whose last part ends with it."""
        if words in self.layers:
            return self.layers[words]
        plain = words.lower()
        found = [name for name in self.layers if name.lower().split(".")[-1].endswith(plain)
                 and plain]
        if len(found) == 1:
            return self.layers[found[0]]
        if found:
            raise ConvertError(f"{self.path}: {words} may be {' or '.join(sorted(found))}: name it")
        if needed:
            have = ", ".join(sorted(name or "(no layer)" for name in self.layers))
            raise ConvertError(f"{self.path} has no layer {words}; it has {have}")
        return None

    def vector(self, words: str, needed: bool = True) -> np.ndarray | None:
        layer = self.find(words, needed)
        if layer is None:
            return None
        upper = {letter.upper(): pixels for letter, pixels in layer.items()}
        for order in ORDERS:
            if all(letter in upper for letter in order):
                return np.stack([upper[letter] for letter in order], -1).astype(np.float32)
        raise ConvertError(f"{self.path}: the layer {words} has the channels "
                           f"{', '.join(sorted(layer))}, not three of a color or vector")

    def scalar(self, words: str, needed: bool = True) -> np.ndarray | None:
        layer = self.find(words, needed)
        if layer is None:
            return None
        upper = {letter.upper(): pixels for letter, pixels in layer.items()}
        for letter in SINGLES:
            if letter in upper:
                return upper[letter].astype(np.float32)
        if len(upper) == 1:
            return next(iter(upper.values())).astype(np.float32)
        raise ConvertError(f"{self.path}: which channel of {words}? {', '.join(sorted(layer))}")


def numbered(pattern: str) -> dict[int, Path]:
    """The files of a pattern with stars, by the last number in their names."""
    folder, name = Path(pattern).parent, Path(pattern).name
    found: dict[int, Path] = {}
    for path in sorted(folder.glob(name)):
        digits = re.findall(r"\d+", path.stem)
        if not digits:
            continue
        if int(digits[-1]) in found:
            raise ConvertError(f"{path} and {found[int(digits[-1])]} have the same number")
        found[int(digits[-1])] = path
    if not found:
        raise ConvertError(f"no file with a number matches {pattern}")
    return found


def cameras_of(path: Path) -> dict[int, SourceCamera]:
    """A file like camera.json, its matrices in the source's world and unit."""
    cameras = {}
    try:
        for entry in json.loads(path.read_text())["frames"]:
            matrix = np.array(entry["camera_to_world"], np.float64).reshape(4, 4)
            cameras[int(entry["frame"])] = SourceCamera(
                *(float(entry[name]) for name in ("fx", "fy", "cx", "cy")), matrix[:3, :3],
                matrix[:3, 3])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConvertError(f"{path} is not like camera.json: {error!r}") from error
    return cameras


def camera_of(cameras: dict[int, SourceCamera], number: int) -> SourceCamera:
    if number not in cameras:
        raise ConvertError(f"there is no camera for frame {number}")
    return cameras[number]


# ---- Any EXR ------------------------------------------------------------------------------------


def read_exr(planes: dict[str, str], cameras: Path) -> Iterator[SourceFrame]:
    """`planes`: plane name to a pattern, or PATTERN:LAYER."""
    files, layers = {}, {}
    for plane, place in planes.items():
        pattern, _, layers[plane] = place.partition(":")
        files[plane] = numbered(pattern)
    known = cameras_of(cameras)
    for number in sorted(files["depth"]):
        opened: dict[Path, Layers] = {}

        def plane(name: str, is_vector: bool) -> np.ndarray | None:
            if name not in files:
                return None
            path = files[name].get(number)
            if path is None:
                raise ConvertError(f"{name} has no frame {number}")
            if path not in opened:
                opened[path] = Layers(path)
            file = opened[path]
            return file.vector(layers[name]) if is_vector else file.scalar(layers[name])

        frame = SourceFrame(
            number, plane("baseColor", True), plane("normals", True), plane("depth", False),
            camera_of(known, number), emissive=plane("emissive", True),
            final=plane("final", True))
        for name in ("roughness", "metallic"):
            values = plane(name, False)
            if values is not None:
                setattr(frame, name, values)
        yield frame


# ---- Unreal ------------------------------------------------------------------------------------


def unreal_axes(pitch: float, yaw: float, roll: float) -> np.ndarray:
    """Columns right, up, back of FRotationMatrix; degrees."""
    (sp, sy, sr), (cp, cy, cr) = (f(np.radians([pitch, yaw, roll])) for f in (np.sin, np.cos))
    forward = np.array([cp * cy, cp * sy, sp])
    right = np.array([sr * sp * cy - cr * sy, sr * sp * sy + cr * cy, -sr * cp])
    up = np.array([-(cr * sp * cy + sr * sy), cy * sr - cr * sp * sy, cr * cp])
    return np.column_stack([right, up, -forward])


def unreal_camera(file: Layers, width: int, height: int) -> SourceCamera:
    """From the metadata that the queue's EXR output writes."""
    def number(*words: str) -> float:
        for name, value in file.attributes.items():
            if name.startswith("unreal/") and any(name.endswith("/" + word) for word in words):
                return float(value)  # texts
        raise ConvertError(f"{file.path} has no unreal/.../{words[0]} in its header: give "
                           "--cameras")
    place = [number(f"curPos/{axis}") for axis in "xyz"]
    turn = [number(f"curRot/{axis}") for axis in ("pitch", "yaw", "roll")]
    return SourceCamera.of_fov(number("fov"), width, height, unreal_axes(*turn), place)


def read_unreal(pattern: str, names: dict[str, str], cameras: Path | None
                ) -> Iterator[SourceFrame]:
    """`names`: plane to layer, where they are not called by the planes' own names."""
    known = cameras_of(cameras) if cameras else None
    for number, path in sorted(numbered(pattern).items()):
        file = Layers(path)
        depth = file.scalar(names.get("depth", "WorldDepth"))
        height, width = depth.shape
        frame = SourceFrame(
            number, file.vector(names.get("baseColor", "BaseColor")),
            file.vector(names.get("normals", "WorldNormal")), depth,
            camera_of(known, number) if known else unreal_camera(file, width, height),
            emissive=file.vector(names.get("emissive", "Emissive"), "emissive" in names),
            final=final_of(file, names))
        for plane, word in (("roughness", "Roughness"), ("metallic", "Metallic")):
            values = file.scalar(names.get(plane, word), plane in names)
            if values is not None:
                setattr(frame, plane, values)
        yield frame


def final_of(file: Layers, names: dict[str, str]) -> np.ndarray | None:
    if "final" in names:
        return file.vector(names["final"])
    for words in ("", "FinalImage"):
        if words in file.layers:
            return file.vector(words)
    return None


# ---- Blender -----------------------------------------------------------------------------------


def read_blender(pattern: str, names: dict[str, str], cameras: Path) -> Iterator[SourceFrame]:
    """Multilayer EXR of the passes Depth, Normal and Combined and of shader AOVs."""
    known = cameras_of(cameras)
    for number, path in sorted(numbered(pattern).items()):
        file = Layers(path)
        base = file.vector(names.get("baseColor", "BaseColor"), "baseColor" in names)
        if base is None:
            base = file.vector("DiffCol")  # black on metals, but better than nothing
        frame = SourceFrame(
            number, base, file.vector(names.get("normals", "Normal")),
            file.scalar(names.get("depth", "Depth")), camera_of(known, number),
            emissive=file.vector(names.get("emissive", "Emit"), "emissive" in names),
            final=file.vector(names.get("final", "Combined"), "final" in names))
        for plane, word in (("roughness", "Roughness"), ("metallic", "Metallic")):
            values = file.scalar(names.get(plane, word), plane in names)
            if values is not None:
                setattr(frame, plane, values)
        yield frame
