# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""One clip folder in FrameDiffuser's layout: found, described, decoded. docs/clips.md is the
contract; every complaint is a sentence that names the file, the same that the Swift reader has."""

import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from camera_file import CameraFile, CameraFileError, Statements, read_camera_file
from clip_files import ClipError, listed_planes, numbering
from color_statement import ColorStatement, srgb_bytes
from geometry import Camera
from picture_file import Header, PictureError, decode, read_header

GREY = {"Depth", "Roughness", "Metallic"}
COLORS = {"BaseColor": "baseColor", "FinalImage": "finalImage", "Emissive": "emissive"}


@dataclass(frozen=True)
class Encodings:
    """How the numbers in the files are meant, as options state it: they win over `camera.json`."""

    depth_units_per_metre: float | None = None
    depth_kind: str | None = None  # planar, distance or reversed
    normal_space: str | None = None  # world or view
    depth_far: float | None = None  # metres; at or beyond it is sky
    frame_step: int = 1  # from one frame's number to the next


@dataclass
class Clip:
    name: str
    folder: Path
    numbers: list[int]
    files: dict[str, list[Path]]  # per plane, in the order of `numbers`
    cameras: list[Camera] | None  # the jitter is taken off their cx and cy
    stated: Statements
    encodings: Encodings  # options and file put together
    size: tuple[int, int] = (0, 0)  # width, height
    said: list[str] = field(default_factory=list)  # where an option won over the file
    jitters: list[tuple[float, float]] | None = None


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


# Statements


def open_clip(folder: Path, options: Encodings, needs_picture: bool = True) -> Clip:
    """Lists a clip's files and reads their headers, not their pixels. Raises `ClipError`."""
    listed = listed_planes(folder)
    if needs_picture and "FinalImage" not in listed:
        raise ClipError([f"{folder}: the folder FinalImage is missing; training needs it"])
    numbers = numbering(folder, listed, options.frame_step)
    path, file = folder / "camera.json", None
    if path.exists():
        try:
            file = read_camera_file(path)
        except (CameraFileError, OSError) as error:
            raise ClipError([f"{path}: {error}"]) from error
    stated = file.statements if file else Statements()
    absent = [n for n in numbers if n not in file.cameras] if file and file.cameras else []
    if absent:
        raise ClipError([f"{path}: frame {absent[0]} has no camera"])
    has_cameras = bool(file and file.cameras)
    encodings, said = put_together(stated, options)
    problem = unstated(folder, encodings, stated, has_cameras)
    if problem:
        raise ClipError([problem])
    clip = Clip(folder.name, folder, numbers,
                {plane: [found[n] for n in numbers] for plane, found in listed.items()},
                None, stated, encodings, said=said)
    clip.size = agreed_size(clip)
    if has_cameras:
        clip.jitters = [file.jitters[n] for n in numbers]
        clip.cameras = fitted_cameras(clip, file, options)
    return clip


def put_together(stated: Statements, options: Encodings) -> tuple[Encodings, list[str]]:
    """The option wins; a sentence says so where the file states something else."""
    said = []

    def pick(name: str, option, value, unit: str = ""):
        if option is None:
            return value
        if value is not None and value != option:
            said.append(f"{name} is {option:g}{unit}" if isinstance(option, float)
                        else f"{name} is {option}")
            said[-1] += f" as the option says; camera.json says {value}"
        return option
    units = pick("the depth's unit", options.depth_units_per_metre, stated.units_per_metre,
                 " a metre")
    kind = pick("the depth's kind", options.depth_kind, stated.depth_kind) or "planar"
    space = pick("the normals' space", options.normal_space, stated.normal_space) or "world"
    return Encodings(float(units) if units else None, kind, space, options.depth_far), said


def unstated(folder: Path, encodings: Encodings, stated: Statements,
             has_cameras: bool) -> str | None:
    if encodings.depth_kind != "reversed" and not encodings.depth_units_per_metre:
        return (f"{folder / 'Depth'}: the depth has no known scale; state it in camera.json "
                "(encodings.depth.unitsPerMetre) or by an option")
    if encodings.depth_kind == "reversed" and stated.units_per_metre is not None:
        return (f"{folder / 'camera.json'}: encodings.depth.unitsPerMetre has no meaning for "
                "reversed depth")
    if encodings.depth_kind != "planar" and not has_cameras:
        return f"{folder}: {encodings.depth_kind} depth needs the cameras of a camera.json"
    if encodings.normal_space == "view" and not has_cameras:
        return f"{folder}: view-space normals need the cameras of a camera.json"
    return None


def fitted_cameras(clip: Clip, file: CameraFile, options: Encodings) -> list[Camera]:
    width, height = clip.size
    cameras, path = [], clip.folder / "camera.json"
    for number in clip.numbers:
        camera, jitter = file.cameras[number], file.jitters[number]
        found = camera.width or width, camera.height or height
        if found != clip.size:
            raise ClipError([f"{path}: the camera of frame {number} is for {found[0]}x{found[1]} "
                             f"pixels, the planes have {width}x{height}"])
        if clip.encodings.depth_kind == "reversed" and not camera.near:
            raise ClipError([f"{path}: the camera of frame {number} has no near plane, which "
                             "reversed depth needs"])
        if options.depth_far is not None and math.isfinite(camera.far) \
                and camera.far != options.depth_far:
            said = (f"depth at or beyond {options.depth_far:g} m is sky as the option says; "
                    f"camera.json says {camera.far:g}")
            clip.said += [said] if said not in clip.said else []
        cameras.append(replace(camera, width=width, height=height, cx=camera.cx - jitter[0],
                               cy=camera.cy - jitter[1]))
    return cameras


# Pixels


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ClipError([f"{path}: cannot be read: {os.strerror(error.errno or 0)}"]) from error


def checked_header(clip: Clip, plane: str, path: Path, file: bytes) -> Header:
    """Raises `ClipError` where the file cannot be this plane."""
    try:
        header = read_header(file)
        refuse_header(clip, plane, header)
    except PictureError as error:
        raise ClipError([f"{path}: {error}"]) from error
    return header


def refuse_header(clip: Clip, plane: str, header: Header) -> None:
    found = header.width, header.height
    if clip.size != (0, 0) and found != clip.size:
        raise PictureError(f"is {found[0]}x{found[1]} pixels, the clip has {clip.size[0]}x"
                           f"{clip.size[1]}")
    if plane == "Depth":
        if header.kind == "JPEG":
            raise PictureError("is a JPEG file, which changes depth; PNG of 8 or 16 bits is read")
        if header.is_palette or header.bits < 8:
            raise PictureError(f"holds {header.pixels}; depth is grey of 8 or 16 bits")
    if plane == "Normals" and header.channels < 3:
        raise PictureError(f"holds {header.pixels}; normals have three channels")
    if plane in COLORS:
        gamma_of(header.color, clip.stated.colors.get(plane), COLORS[plane])


def gamma_of(color: ColorStatement, stated: float | None, key: str) -> float:
    """What the samples of a color plane are: 0 for sRGB, else light to this power."""
    if color.refusal:
        raise PictureError(color.refusal)
    if color.gamma is None or stated is None:
        return stated or color.gamma or 0
    if color.gamma != stated:
        raise PictureError(f"{color.by} says {color.says}, camera.json says "
                           f"{'linear' if stated else 'sRGB'} (encodings.{key}): one is wrong")
    return stated


def agreed_size(clip: Clip) -> tuple[int, int]:
    """The one size that every file of the clip has, by their headers."""
    problems = []
    for plane, paths in clip.files.items():
        for path in paths:
            try:
                header = checked_header(clip, plane, path, read_file(path))
                if clip.size == (0, 0):
                    clip.size = header.width, header.height
            except ClipError as error:
                problems += error.problems
    if problems:
        raise ClipError(problems)
    return clip.size


def eight_bit(pixels: np.ndarray) -> np.ndarray:
    """16-bit planes are kept with 8 bits, as the daemon receives them."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def one_channel(plane: str, pixels: np.ndarray) -> np.ndarray:
    first = pixels[..., 0]
    if pixels.shape[2] >= 3 and not (np.array_equal(first, pixels[..., 1])
                                     and np.array_equal(first, pixels[..., 2])):
        raise PictureError(f"holds RGB whose channels differ; {plane} is one channel, write it as "
                           "grey")
    return first


def read_plane(clip: Clip, plane: str, index: int) -> np.ndarray:
    """`[H, W]` of a grey plane, `[H, W, 3]` bytes of another; depth as it is stored."""
    path = clip.files[plane][index]
    file = read_file(path)
    header = checked_header(clip, plane, path, file)
    try:
        pixels = decode(file, header)
        if plane in GREY:
            pixels = one_channel(plane, pixels)
    except PictureError as error:
        raise ClipError([f"{path}: {error}"]) from error
    if plane == "Depth":
        return pixels
    if plane in GREY:
        pixels = eight_bit(pixels)
        return 255 - pixels if plane == "Roughness" and clip.stated.is_smoothness else pixels
    pixels = np.repeat(pixels[..., :1], 3, 2) if pixels.shape[2] < 3 else pixels[..., :3]
    if plane == "Normals":
        return with_axes(eight_bit(pixels), clip.stated.normal_axes)
    gamma = gamma_of(header.color, clip.stated.colors.get(plane), COLORS[plane])
    return srgb_bytes(pixels, gamma) if gamma else eight_bit(pixels)


def with_axes(normals: np.ndarray, axes: tuple | None) -> np.ndarray:
    if axes is None:
        return normals
    return np.stack([normals[..., channel] if sign > 0 else 255 - normals[..., channel]
                     for channel, sign in axes], -1)


def metres(raw: np.ndarray, clip: Clip, index: int) -> np.ndarray:
    """Planar depth in metres; 0 is sky. Every operation is that of the Swift reader and the daemon
    (`DepthConversion`), to the last bit."""
    camera = clip.cameras[index] if clip.cameras else None
    kind = clip.encodings.depth_kind
    value = raw.astype(np.float32)
    with np.errstate(all="ignore"):
        if kind == "reversed":
            value = value / np.float32(255 if raw.dtype == np.uint8 else 65535)
            near, far = camera.near, camera.far
            top, offset, span = (near * far, near, far - near) if math.isfinite(far) \
                else (near, 0, 1)
            depth = np.float32(top) / (np.float32(offset) + value * np.float32(span))
        else:
            depth = value * np.float32(1 / clip.encodings.depth_units_per_metre)
        if kind == "distance":
            depth = planar(depth, camera)
    far = clip.encodings.depth_far or (camera.far if camera else math.inf)
    if kind == "reversed":
        far = min(far, camera.far)
    is_sky = ~np.isfinite(depth) | (depth <= 0) | ~(depth < np.float32(far)) | (raw == 0)
    if clip.stated.depth_sky is not None:
        is_sky |= raw == clip.stated.depth_sky
    return np.where(is_sky, np.float32(0), depth)


def planar(distance_: np.ndarray, camera: Camera) -> np.ndarray:
    """Distances along the rays of pixels as distances along the viewing direction."""
    height, width = distance_.shape
    x = (np.arange(width) + 0.5 - camera.cx) / camera.fx
    y = (np.arange(height) + 0.5 - camera.cy) / camera.fy
    return (distance_ / np.sqrt((x * x)[None, :] + (y * y)[:, None] + 1)).astype(np.float32)


def read_planes(clip: Clip, index: int) -> dict[str, np.ndarray]:
    """What both readers must agree on: planes as stored in the clip, depth in metres, normals in
    the space that the clip states. Raises `ClipError` naming the file that is broken."""
    planes = {plane: read_plane(clip, plane, index) for plane in clip.files}
    planes["Depth"] = metres(planes["Depth"], clip, index)
    return planes


def read_frame(clip: Clip, index: int) -> Frame:
    """One frame of the clip for training, normals turned into the world."""
    planes = read_planes(clip, index)
    width, height = clip.size
    normal = planes["Normals"]
    if clip.encodings.normal_space == "view":
        turned = (normal / 127.5 - 1) @ clip.cameras[index].matrix()[:3, :3].T
        normal = np.clip(np.round((turned + 1) * 127.5), 0, 255).astype(np.uint8)
    first = lambda pixels: np.ascontiguousarray(pixels.transpose(2, 0, 1))
    metallic = planes.get("Metallic", np.zeros((height, width), np.uint8))
    emissive = first(planes["Emissive"]) if "Emissive" in planes else None
    return Frame(first(planes["BaseColor"]), first(normal), planes["Depth"], planes["Roughness"],
                 metallic, first(planes["FinalImage"]), emissive)
