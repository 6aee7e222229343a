# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""One clip folder in FrameDiffuser's layout: found, described, decoded. Every complaint is a
sentence that names the file."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from geometry import Camera
from pictures import read_picture

PLANES = ["BaseColor", "Normals", "Depth", "Roughness", "Metallic", "FinalImage", "Emissive"]
OPTIONAL = {"Metallic", "Emissive"}  # zero where absent, as in FrameDiffuser's own data
GREY = {"Depth", "Roughness", "Metallic"}
CLIP_FORMAT = "frameloom-clip-1"


class ClipError(Exception):
    """What is wrong with a clip; one sentence a problem."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Encodings:
    """How the numbers in the files are meant. From `camera.json`, else from options."""

    depth_units_per_metre: float | None = None
    depth_kind: str = "planar"  # or "reversed": device depth d/65535, 1 at the near plane
    normal_space: str = "world"  # or "view"


@dataclass
class Clip:
    name: str
    folder: Path
    numbers: list[int]
    files: dict[str, list[Path]]  # per plane, in the order of `numbers`
    cameras: list[Camera] | None
    encodings: Encodings
    size: tuple[int, int] = (0, 0)  # width, height


@dataclass
class Frame:
    """One decoded frame. Planes as bytes; depth in metres, 0 is sky."""

    base: np.ndarray  # [3, H, W] uint8, sRGB
    normal: np.ndarray  # [3, H, W] uint8, world, n = byte/127.5 - 1
    depth: np.ndarray  # [H, W] float32
    roughness: np.ndarray  # [H, W] uint8
    metallic: np.ndarray  # [H, W] uint8
    picture: np.ndarray  # [3, H, W] uint8, sRGB
    emissive: np.ndarray | None  # [3, H, W] uint8, sRGB of linear emission; None: no such folder


def clip_folders(root: Path) -> list[Path]:
    """The folder itself if it is a clip, else the clips one level below it."""
    if (root / "FinalImage").is_dir() or (root / "BaseColor").is_dir():
        return [root]
    inside = sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else []
    return [p for p in inside if any((p / plane).is_dir() for plane in PLANES)]


def plane_files(folder: Path, plane: str) -> dict[int, Path]:
    """Frame number to file: `Plane_0000.png`, or with any prefix `Clip_Plane_0000.png`."""
    pattern = re.compile(rf"^(?:.+_)?{plane}_(\d+)\.(?:png|jpg|jpeg)$", re.IGNORECASE)
    found: dict[int, Path] = {}
    for path in sorted((folder / plane).iterdir()):
        match = pattern.match(path.name)
        if match:
            found.setdefault(int(match.group(1)), path)
    return found


def read_cameras(path: Path, numbers: list[int], problems: list[str]) -> list[Camera] | None:
    try:
        frames = json.loads(path.read_text())["frames"]
        stated = {int(f.get("frame", i)): f for i, f in enumerate(frames)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problems.append(f"{path}: not readable as a camera file ({error!r})")
        return None
    absent = [n for n in numbers if n not in stated]
    if absent:
        problems.append(f"{path}: {len(stated)} cameras for {len(numbers)} frames; frame "
                        f"{absent[0]} has none")
        return None
    cameras = []
    for number in numbers:
        f = stated[number]
        try:
            rows = np.array(f["camera_to_world"], np.float64)
            camera = Camera(*(float(f[k]) for k in ("fx", "fy", "cx", "cy")),
                            int(f["width"]), int(f["height"]), float(f.get("near", 0.01)),
                            float(f.get("far", 1000.0)), tuple(rows.reshape(16).tolist()))
        except (ValueError, KeyError, TypeError) as error:
            problems.append(f"{path}: frame {number}: bad camera ({error!r})")
            return None
        complaint = camera_complaint(camera)
        if complaint:
            problems.append(f"{path}: frame {number}: {complaint}")
            return None
        cameras.append(camera)
    return cameras


def camera_complaint(camera: Camera) -> str | None:
    matrix = camera.matrix()
    if not np.isfinite(matrix).all():
        return "camera_to_world holds a value that is not finite"
    if not (camera.fx > 0 and camera.fy > 0 and math.isfinite(camera.cx + camera.cy)):
        return "fx and fy must be positive, cx and cy finite"
    turn = matrix[:3, :3]
    if np.abs(turn.T @ turn - np.eye(3)).max() > 1e-3 or np.linalg.det(turn) < 0:
        return "camera_to_world is no rotation and translation (scaled, mirrored or transposed?)"
    return None


def read_encodings(path: Path, options: Encodings, problems: list[str]) -> Encodings:
    """What `camera.json` states; options fill in what it leaves out."""
    stated = {}
    if path.exists():
        try:
            stated = json.loads(path.read_text()).get("encodings", {}) or {}
        except (ValueError, AttributeError):
            return options  # read_cameras says what is wrong with the file
    depth, normals = stated.get("depth", {}), stated.get("normals", {})
    space = normals.get("space", options.normal_space) if isinstance(normals, dict) \
        else options.normal_space
    kind = depth.get("kind", options.depth_kind)
    if kind not in ("planar", "reversed"):
        problems.append(f"{path}: depth kind '{kind}' is not known: planar or reversed")
    if space not in ("world", "view"):
        problems.append(f"{path}: normal space '{space}' is not known: world or view")
    units = depth.get("unitsPerMetre", options.depth_units_per_metre)
    return Encodings(float(units) if units else None, kind, space)


def open_clip(folder: Path, options: Encodings) -> Clip:
    """Lists a clip's files and reads their headers, not their pixels. Raises `ClipError`."""
    problems: list[str] = []
    listed: dict[str, dict[int, Path]] = {}
    for plane in PLANES:
        if not (folder / plane).is_dir():
            if plane not in OPTIONAL:
                problems.append(f"{folder}: the channel {plane} is missing (no folder {plane}/)")
            continue
        listed[plane] = plane_files(folder, plane)
        if not listed[plane]:
            problems.append(f"{folder / plane}: holds no file named {plane}_NNNN.png or .jpg")
    if problems:
        raise ClipError(problems)
    numbers = sorted(listed["FinalImage"])
    gaps = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if gaps:
        problems.append(f"{folder}: the numbering has a gap: frame {gaps[0]} is missing")
    for plane, files in listed.items():
        for number in numbers:
            if number not in files:
                problems.append(f"{folder / plane}: frame {number} is missing")
        for number in sorted(files.keys() - set(numbers)):
            problems.append(f"{files[number]}: has no FinalImage of the same number")
    encodings = read_encodings(folder / "camera.json", options, problems)
    cameras = None
    if (folder / "camera.json").exists():
        cameras = read_cameras(folder / "camera.json", numbers, problems)
    if encodings.depth_kind == "planar" and not encodings.depth_units_per_metre:
        problems.append(f"{folder / 'Depth'}: the depth has no known scale; state it in "
                        "camera.json (encodings.depth.unitsPerMetre) or with "
                        "--depth-units-per-metre")
    if cameras is None and not (folder / "camera.json").exists():
        if encodings.depth_kind == "reversed":
            problems.append(f"{folder}: reversed depth needs near and far from a camera.json")
        if encodings.normal_space == "view":
            problems.append(f"{folder}: view-space normals need the cameras of a camera.json")
    if problems:
        raise ClipError(problems)
    files = {plane: [found[n] for n in numbers] for plane, found in listed.items()}
    clip = Clip(folder.name, folder, numbers, files, cameras, encodings)
    clip.size = agreed_size(clip)
    return clip


def agreed_size(clip: Clip) -> tuple[int, int]:
    """The one size that every file of the clip and its cameras have, by their headers."""
    problems, agreed = [], None
    for plane, paths in clip.files.items():
        for path in paths:
            try:
                with Image.open(path) as image:
                    size = image.size
            except OSError as error:
                problems.append(f"{path}: cannot be read as a picture ({error})")
                continue
            agreed = agreed or size
            if size != agreed:
                problems.append(f"{path}: is {size[0]}x{size[1]}, the clip is "
                                f"{agreed[0]}x{agreed[1]}")
    for number, camera in zip(clip.numbers, clip.cameras or []):
        if agreed and (camera.width, camera.height) != agreed:
            problems.append(f"{clip.folder / 'camera.json'}: frame {number} says {camera.width}x"
                            f"{camera.height}, the pictures are {agreed[0]}x{agreed[1]}")
    if problems:
        raise ClipError(problems)
    return agreed


def metres(raw: np.ndarray, encodings: Encodings, camera: Camera | None) -> np.ndarray:
    """Planar depth in metres; 0 is sky."""
    if encodings.depth_kind == "planar":
        depth = raw.astype(np.float32) / np.float32(encodings.depth_units_per_metre)
    else:
        device = raw.astype(np.float64) / (255.0 if raw.dtype == np.uint8 else 65535.0)
        near, far = camera.near, camera.far
        z = near / np.maximum(device, 1e-12) if math.isinf(far) \
            else near * far / (near + device * (far - near))
        depth = np.where(device > 0, z, 0).astype(np.float32)
    far = camera.far if camera else math.inf
    return np.where(np.isfinite(depth) & (depth > 0) & (depth < far), depth, 0).astype(np.float32)


def eight_bit(pixels: np.ndarray) -> np.ndarray:
    """16-bit planes are kept with 8 bits, as the daemon receives them."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def read_frame(clip: Clip, index: int) -> Frame:
    """Decodes one frame of the clip. Raises `ClipError` naming the file that is broken."""
    planes: dict[str, np.ndarray] = {}
    width, height = clip.size
    for plane, paths in clip.files.items():
        try:
            pixels = read_picture(paths[index])
        except (OSError, ValueError, SyntaxError) as error:  # Pillow raises all three
            raise ClipError([f"{paths[index]}: is broken ({error})"]) from error
        if plane in GREY and pixels.ndim == 3:
            pixels = pixels[..., 0]
        if plane not in GREY and pixels.ndim == 2:
            raise ClipError([f"{paths[index]}: is grey, {plane} needs three channels"])
        planes[plane] = pixels
    camera = clip.cameras[index] if clip.cameras else None
    normal = eight_bit(planes["Normals"])
    if clip.encodings.normal_space == "view":
        turned = (normal / 127.5 - 1) @ camera.matrix()[:3, :3].T
        normal = np.clip(np.round((turned + 1) * 127.5), 0, 255).astype(np.uint8)
    first = lambda pixels: np.ascontiguousarray(eight_bit(pixels).transpose(2, 0, 1))
    metallic = eight_bit(planes["Metallic"]) if "Metallic" in planes \
        else np.zeros((height, width), np.uint8)
    emissive = first(planes["Emissive"]) if "Emissive" in planes else None
    return Frame(first(planes["BaseColor"]), np.ascontiguousarray(normal.transpose(2, 0, 1)),
                 metres(planes["Depth"], clip.encodings, camera), eight_bit(planes["Roughness"]),
                 metallic, first(planes["FinalImage"]), emissive)
