# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""One frame of what people have on disk, and the clip that frames become."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from files import written_whole
from pictures import write_picture
from render_dataset import CONVENTION

FARTHEST = 1e9  # metres: what lies there is a background

# Rows: the daemon's x, y, z out of the source's (docs/clips.md, "Converting").
WORLDS = {
    "opengl": np.eye(3),
    "unity": np.diag([-1.0, 1, 1]),
    "unreal": np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]]),
    "blender": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}


class ConvertError(Exception):
    """A sentence for whoever called convert.py."""


@dataclass
class SourceCamera:
    """Where a frame was drawn from, in the source's world."""

    fx: float
    fy: float
    cx: float
    cy: float
    axes: np.ndarray
    """[3, 3]: columns right, up and back."""
    position: np.ndarray

    @staticmethod
    def of_fov(horizontal: float, width: int, height: int, axes, position) -> "SourceCamera":
        """From a horizontal field of view in degrees; square pixels."""
        focal = width / 2 / np.tan(np.radians(horizontal) / 2)
        return SourceCamera(focal, focal, width / 2, height / 2, np.asarray(axes, np.float64),
                            np.asarray(position, np.float64))


@dataclass
class SourceFrame:
    """Planes as they were read; [H, W] or [H, W, 3], float."""

    number: int
    base_color: np.ndarray
    normals: np.ndarray
    depth: np.ndarray
    camera: SourceCamera
    roughness: np.ndarray | float = 0.5
    metallic: np.ndarray | float = 0.0
    emissive: np.ndarray | None = None
    final: np.ndarray | None = None


@dataclass
class Meaning:
    """What the numbers of a source are."""

    world: str = "opengl"
    metres_per_unit: float = 1.0  # of positions
    depth_metres_per_unit: float = 1.0
    depth_is_distance: bool = False
    normals_are_view: bool = False
    normals_are_encoded: bool = False  # 0..1
    color_is_srgb: bool = False
    exposure: float = 0.0  # stops, of the final picture
    units_per_metre: float = 400.0  # of the depth files


def srgb(linear: np.ndarray) -> np.ndarray:
    x = np.clip(np.nan_to_num(linear.astype(np.float64)), 0, 1)
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055)


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.round(np.clip(np.nan_to_num(values), 0, 1) * 255).astype(np.uint8)


class ClipWriter:
    """Frames into a clip folder in FrameDiffuser's layout."""

    def __init__(self, folder: Path, meaning: Meaning, fps: float | None) -> None:
        if folder.exists() and any(folder.iterdir()):
            raise ConvertError(f"{folder} exists and is not empty")
        self.folder, self.meaning, self.fps = folder, meaning, fps
        self.cameras: list[dict] = []
        self.beyond = 0  # surfaces that do not fit into the depth files

    def write(self, frame: SourceFrame) -> None:
        meaning, camera = self.meaning, frame.camera
        depth = self.planar(frame)
        units = np.where(depth > 0, np.maximum(np.round(depth * meaning.units_per_metre), 1), 0)
        self.beyond += int((units > 65535).sum())
        planes = {
            "BaseColor": self.color(frame.base_color),
            "Normals": self.normal_bytes(frame),
            "Depth": np.where(units > 65535, 0, units).astype(np.uint16),
            "Roughness": self.scalar(frame.roughness, depth),
            "Metallic": self.scalar(frame.metallic, depth)}
        if frame.emissive is not None:
            planes["Emissive"] = self.color(frame.emissive)
        if frame.final is not None:
            # Bytes are finished pictures, floats light.
            planes["FinalImage"] = frame.final if frame.final.dtype == np.uint8 else as_bytes(
                srgb(frame.final * 2.0 ** meaning.exposure))
        height, width = depth.shape
        for plane, pixels in planes.items():
            if pixels.shape[:2] != (height, width):
                raise ConvertError(f"frame {frame.number}: {plane} has {pixels.shape[1]}x"
                                   f"{pixels.shape[0]} pixels, depth {width}x{height}")
            folder = self.folder / plane
            folder.mkdir(parents=True, exist_ok=True)
            write_picture(folder / f"{plane}_{frame.number:04d}.png", pixels)
        world = WORLDS[meaning.world]
        matrix = np.eye(4)
        matrix[:3, :3] = world @ camera.axes
        matrix[:3, 3] = world @ camera.position * meaning.metres_per_unit
        self.cameras.append({
            "frame": frame.number, "width": width, "height": height, "fx": camera.fx,
            "fy": camera.fy, "cx": camera.cx, "cy": camera.cy,
            "camera_to_world": matrix.tolist()})

    def planar(self, frame: SourceFrame) -> np.ndarray:
        """Metres along the view axis, 0 for the sky."""
        depth = frame.depth.astype(np.float64) * self.meaning.depth_metres_per_unit
        with np.errstate(invalid="ignore"):
            seen = np.isfinite(depth) & (depth > 0) & (depth < FARTHEST)
        if self.meaning.depth_is_distance:
            camera = frame.camera
            y, x = np.mgrid[0:depth.shape[0], 0:depth.shape[1]] + 0.5
            depth = depth / np.sqrt(1 + ((x - camera.cx) / camera.fx) ** 2
                                    + ((y - camera.cy) / camera.fy) ** 2)
        return np.where(seen, depth, 0)

    def normal_bytes(self, frame: SourceFrame) -> np.ndarray:
        normals = np.nan_to_num(frame.normals.astype(np.float64))
        if self.meaning.normals_are_encoded:
            normals = normals * 2 - 1
        turn = WORLDS[self.meaning.world]
        if self.meaning.normals_are_view:
            turn = turn @ frame.camera.axes
        return as_bytes((normals @ turn.T) * 0.5 + 0.5)

    def color(self, values: np.ndarray) -> np.ndarray:
        return as_bytes(values if self.meaning.color_is_srgb else srgb(values))

    def scalar(self, values: np.ndarray | float, depth: np.ndarray) -> np.ndarray:
        return as_bytes(np.broadcast_to(np.asarray(values, np.float64), depth.shape))

    def finish(self) -> None:
        if not self.cameras:
            raise ConvertError("there is no frame to convert")
        encodings = {
            "baseColor": "srgb8", "emissive": "srgb8", "finalImage": "srgb8",
            "normals": {"space": "world", "axes": "y-up right-handed", "encoding": "n*0.5+0.5"},
            "depth": {"kind": "planar", "unitsPerMetre": self.meaning.units_per_metre, "sky": 0},
            "roughness": "linear8", "metallic": "linear8"}
        content = {"format": "frameloom-clip-1", "encodings": encodings,
                   "cameraConvention": CONVENTION,
                   "frames": sorted(self.cameras, key=lambda camera: camera["frame"])}
        if self.fps:
            content["fps"] = self.fps
        with written_whole(self.folder / "camera.json") as temporary:
            temporary.write_text(json.dumps(content, indent=1))
