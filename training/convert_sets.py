# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Published data sets: Hypersim (github.com/apple/ml-hypersim) and Noisebase
(github.com/balintio/noisebase), as their own pages describe their files."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from convert_exr import numbered
from convert_frame import ConvertError, SourceCamera, SourceFrame

HYPERSIM_FIELD_OF_VIEW = 60.0  # horizontal, degrees, of every image


def read_hdf5(path: Path) -> np.ndarray:
    import h5py
    try:
        with h5py.File(path, "r") as file:
            return file["dataset"][...]
    except (OSError, KeyError) as error:
        raise ConvertError(f"{path}: {error}") from error


def hypersim_unit(scene: Path) -> float:
    """Metres of an asset unit; cameras are in those."""
    path = scene / "_detail" / "metadata_scene.csv"
    try:
        with open(path, newline="") as file:
            rows = {row["parameter_name"]: row["parameter_value"] for row in csv.DictReader(file)}
        return float(rows["meters_per_asset_unit"])
    except (OSError, KeyError, ValueError) as error:
        raise ConvertError(f"{path}: {error!r}") from error


def read_hypersim(scene: Path, name: str) -> Iterator[SourceFrame]:
    """`scene`: a folder ai_VVV_NNN; `name`: a camera, "cam_00". Depth is distance in metres, the
    world has +Z up, roughness and metallic are not in the data."""
    detail, images = scene / "_detail" / name, scene / "images"
    axes = read_hdf5(detail / "camera_keyframe_orientations.hdf5")
    positions = read_hdf5(detail / "camera_keyframe_positions.hdf5")
    geometry, final = (images / f"scene_{name}_{kind}_hdf5" for kind in ("geometry", "final"))
    for number, path in sorted(numbered(str(geometry / "frame.*.depth_meters.hdf5")).items()):
        if number >= len(positions):
            raise ConvertError(f"{path}: {detail} has {len(positions)} cameras")
        depth = read_hdf5(path)
        height, width = depth.shape
        bumped = geometry / f"frame.{number:04d}.normal_bump_world.hdf5"
        plain = geometry / f"frame.{number:04d}.normal_world.hdf5"
        yield SourceFrame(
            number, read_hdf5(final / f"frame.{number:04d}.diffuse_reflectance.hdf5"),
            read_hdf5(bumped if bumped.exists() else plain), depth,
            SourceCamera.of_fov(HYPERSIM_FIELD_OF_VIEW, width, height, axes[number],
                                positions[number]),
            final=read_hdf5(final / f"frame.{number:04d}.color.hdf5"))


# ---- Noisebase ---------------------------------------------------------------------------------


def read_noisebase(path: Path, rendered: tuple[int, int] | None) -> Iterator[SourceFrame]:
    """A zip with a sequence (training format), or a folder of zips with one frame each (test
    format). `rendered`: width and height that crops were cut from; None: they are whole."""
    import zarr
    files = sorted(numbered(str(path / "frame*.zip")).items()) if path.is_dir() else [(None, path)]
    for number, file in files:
        try:
            store = zarr.storage.ZipStore(str(file), mode="r")
            arrays = zarr.open_group(store, mode="r")
        except Exception as error:
            raise ConvertError(f"{file}: {error}") from error
        if number is not None:
            yield noisebase_frame(number, lambda key: arrays[key][...], rendered)
        else:
            for index in range(arrays["camera_position"].shape[0]):
                yield noisebase_frame(index, lambda key, i=index: arrays[key][i], rendered)
        store.close()


def noisebase_frame(number: int, read, rendered: tuple[int, int] | None) -> SourceFrame:
    # Of all samples of a pixel one is taken for geometry, so that no surface is between two.
    position, normal, diffuse = (read(key)[..., 0].astype(np.float64)
                                 for key in ("position", "normal", "diffuse"))
    height, width = position.shape[1:]
    full_width, full_height = rendered or (width, height)
    row, column = (int(value) for value in np.asarray(read("crop_offset")).reshape(-1))
    eye, target, up = (np.asarray(read(key), np.float64) for key in
                       ("camera_position", "camera_target", "camera_up"))
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    projection = np.asarray(read("proj_mat"), np.float64)
    camera = SourceCamera(
        projection[0, 0] * full_width / 2, projection[1, 1] * full_height / 2,
        full_width / 2 - column, full_height / 2 - row,
        np.column_stack([right, np.cross(right, forward), -forward]), eye)
    depth = np.einsum("c,chw->hw", forward, position - eye[:, None, None])
    return SourceFrame(
        number, np.moveaxis(diffuse, 0, -1), np.moveaxis(normal, 0, -1), depth, camera,
        final=np.moveaxis(np.asarray(read("reference"), np.float32), 0, -1))
