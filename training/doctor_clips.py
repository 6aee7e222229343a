# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Clips as the doctor looks at them: planes and cameras with all that the clip states of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from clip import Clip, read_plane, read_planes
from clip_files import ClipError
from doctor_geometry import DoctorFrame, grid
from doctor_palette import PALETTE_FILE, Palette


def stated_frame(clip: Clip | None, camera, index: int, base: np.ndarray, normal: np.ndarray,
                 depth: np.ndarray, roughness: np.ndarray) -> DoctorFrame:
    """From planes of bytes, channels last; depth in metres, normals in the space that the clip
    states. `camera`: as clips have it, without its jitter, or None. Without a clip: normals of
    the world, linear depth, no jitter."""
    made = DoctorFrame(base.astype(np.float32) / 255, normal.astype(np.float32) / 127.5 - 1,
                       depth, roughness.astype(np.float32) / 255, camera)
    if clip is None or camera is None:
        return made
    jitter = clip.jitters[index] if clip.jitters else (0.0, 0.0)
    return replace(
        made, camera=replace(camera, cx=camera.cx + jitter[0], cy=camera.cy + jitter[1]),
        jitter=jitter, is_view=clip.encodings.normal_space == "view",
        device=(camera.near, camera.far) if clip.encodings.depth_kind == "reversed" else None)


def decoded(clip: Clip, index: int) -> DoctorFrame:
    """One frame, read from its files."""
    planes = read_planes(clip, index)
    return stated_frame(clip, clip.cameras and clip.cameras[index], index, planes["BaseColor"],
                        planes["Normals"], planes["Depth"], planes["Roughness"])


def held(loaded, index: int) -> DoctorFrame:
    """One frame of a clip in memory, `dataset.LoadedClip`. There normals are turned into the world
    and cut to bytes, which hides wrong ones: those of the view are read again from their file."""
    planes = loaded.planes[index].cpu().numpy().transpose(1, 2, 0)
    source = loaded.source
    normal = planes[..., 3:6]
    if source and source.encodings.normal_space == "view":
        normal = read_plane(source, "Normals", index)
    return stated_frame(source, loaded.cameras and loaded.cameras[index], index, planes[..., :3],
                        normal, loaded.depth[index].cpu().numpy(), planes[..., 6])


def palette_of(clips: list[Clip]) -> Palette:
    """Of the first frame of every clip."""
    def surfaces() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for clip in clips:
            frame = decoded(clip, 0)
            x, y = grid(*frame.depth.shape, 0)
            on = frame.depth[y, x] > 0
            yield frame.base[y, x][on], frame.roughness[y, x][on]
    return Palette.of(list(surfaces()))


def model_palette(folder: Path) -> Palette | None:
    """What the planes of a model's training looked like; None where its folder does not say.
    Raises `ClipError`."""
    if not (folder / "model.json").exists():
        raise ClipError([f"{folder}: is no model's folder (it has no model.json)"])
    path = folder / PALETTE_FILE
    try:
        return Palette.read(path) if path.exists() else None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ClipError([f"cannot use {path}: {error}"]) from error
