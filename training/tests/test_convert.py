# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What people have on disk, in small files made by the formats' own libraries, as clips."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clip import Encodings, open_clip, read_planes
from conftest import REPOSITORY
from convert import main as convert_main

OpenEXR = pytest.importorskip("OpenEXR", reason="training/requirements-convert.txt")
h5py = pytest.importorskip("h5py", reason="training/requirements-convert.txt")
zarr = pytest.importorskip("zarr", reason="training/requirements-convert.txt")

TRAINING = REPOSITORY / "training"
WIDTH, HEIGHT, FOV = 48, 36, 60.0
FOCAL = WIDTH / 2 / np.tan(np.radians(FOV) / 2)


class Room:
    """A floor and a wall behind it, seen in the daemon's axes, computed ray by ray."""

    def __init__(self, number: int) -> None:
        angle = 0.3 + 0.1 * number
        c, s = np.cos(angle), np.sin(angle)
        self.axes = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.array(
            [[1, 0, 0], [0, 0.96, 0.28], [0, -0.28, 0.96]])
        self.eye = np.array([0.4 * number - 1, 1.6, 2.5])
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
        rays = np.stack([(x - WIDTH / 2) / FOCAL, -(y - HEIGHT / 2) / FOCAL, -np.ones_like(x)], -1)
        world = rays @ self.axes.T
        with np.errstate(divide="ignore"):
            floor = np.where(world[..., 1] < 0, -self.eye[1] / world[..., 1], np.inf)
            wall = np.where(world[..., 2] < 0, (-3 - self.eye[2]) / world[..., 2], np.inf)
        wall[..., : WIDTH // 6] = np.inf  # a door into the sky
        self.depth = np.minimum(floor, wall)
        self.normals = np.where((floor < wall)[..., None], (0, 1, 0), (0, 0, 1)).astype(float)
        self.distance = self.depth * np.linalg.norm(rays, axis=-1)
        self.position = self.eye + world * self.depth[..., None]
        self.base = np.stack([x / WIDTH, y / HEIGHT, np.full_like(x, 0.25)], -1)  # linear
        self.roughness, self.metallic = x / WIDTH * 0.9, y / HEIGHT * 0.5
        self.picture = self.base * 0.5


# The daemon's axes to a source's, written out.
TO_WORLD = {"blender": lambda v: np.stack([v[..., 0], -v[..., 2], v[..., 1]], -1),
            "unreal": lambda v: np.stack([v[..., 0], v[..., 2], v[..., 1]], -1)}


def turned(room: Room, world: str) -> np.ndarray:
    """Camera to world, OpenGL's camera, in the other world."""
    columns = [*room.axes.T, room.eye]
    matrix = np.eye(4)
    matrix[:3] = np.column_stack([TO_WORLD[world](column) for column in columns])
    return matrix


def convert(*words) -> None:
    before, sys.argv = sys.argv, ["convert.py", *map(str, words)]
    try:
        assert convert_main() == 0
    finally:
        sys.argv = before


def expect(out: Path, *, rough=True, sky=True, picture=True) -> None:
    clip = open_clip(out, Encodings(), needs_picture=picture)
    assert len(clip.numbers) == 2
    for index in range(2):
        room, planes = Room(index), read_planes(clip, index)
        depth = planes["Depth"]
        seen = np.isfinite(room.depth)
        assert np.array_equal(depth > 0, seen) or not sky
        both = seen & (depth > 0)
        assert both.sum() > seen.sum() * 0.99
        # Half a unit of the files, and what halves of the source leave.
        error = np.abs(depth - np.where(both, room.depth, 0))[both]
        assert (error <= 0.00126 + 0.0005 * room.depth[both]).all()
        assert np.abs(planes["Normals"] / 127.5 - 1 - room.normals)[seen].max() < 0.006
        matrix = clip.cameras[index].matrix()
        assert np.allclose(matrix[:3, :3], room.axes, atol=1e-5)
        assert np.allclose(matrix[:3, 3], room.eye, atol=1e-4)
        assert np.isclose(clip.cameras[index].fx, FOCAL, atol=0.01)
        base = planes["BaseColor"] / 255
        linear = np.where(base <= 0.04045, base / 12.92, ((base + 0.055) / 1.055) ** 2.4)
        assert np.abs(linear - room.base)[seen].max() < 0.006
        if rough:
            assert np.abs(planes["Roughness"] / 255 - room.roughness).max() < 0.003
            assert np.abs(planes["Metallic"] / 255 - room.metallic).max() < 0.003


def write_exr(path: Path, channels: dict[str, np.ndarray], header: dict | None = None) -> None:
    with OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage,
                       **(header or {})},
                      {name: np.ascontiguousarray(pixels) for name, pixels in channels.items()}
                      ) as file:
        file.write(str(path))


def layer(name: str, values: np.ndarray, letters: str, dtype=np.float32) -> dict:
    parts = [values] if values.ndim == 2 else np.moveaxis(values, -1, 0)
    return {(f"{name}." if name else "") + letter: part.astype(dtype)
            for letter, part in zip(letters, parts, strict=True)}


def cameras_file(path: Path, world: str) -> Path:
    path.write_text(json.dumps({"frames": [
        {"frame": i, "fx": FOCAL, "fy": FOCAL, "cx": WIDTH / 2, "cy": HEIGHT / 2,
         "camera_to_world": turned(Room(i), world).tolist()} for i in range(2)]}))
    return path


def test_blender_passes(tmp_path):
    for i in range(2):
        room = Room(i)
        far = np.where(np.isfinite(room.depth), room.depth, 1e10)
        write_exr(tmp_path / f"passes_{i:04d}.exr", {
            **layer("ViewLayer.Depth", far, "Z"),
            **layer("ViewLayer.Normal", TO_WORLD["blender"](room.normals), "XYZ"),
            **layer("ViewLayer.BaseColor", room.base, "RGB"),
            **layer("ViewLayer.Roughness", room.roughness, "V"),
            **layer("ViewLayer.Metallic", room.metallic, "V"),
            **layer("ViewLayer.Combined", np.dstack([room.picture, np.ones((HEIGHT, WIDTH))]),
                    "RGBA")})
    cameras = cameras_file(tmp_path / "cameras.json", "blender")
    convert("blender", tmp_path / "passes_*.exr", tmp_path / "out", "--cameras", cameras,
            "--fps", 24)
    expect(tmp_path / "out")


def test_unreal_movie_render_queue(tmp_path):
    for i in range(2):
        room = Room(i)
        matrix = turned(room, "unreal")
        forward, right, up = -matrix[:3, 2], matrix[:3, 0], matrix[:3, 1]
        pitch = np.degrees(np.arcsin(forward[2]))
        yaw = np.degrees(np.arctan2(forward[1], forward[0]))
        # No roll: right lies in the ground's plane.
        assert abs(right[2]) < 1e-9 and up[2] > 0
        header = {f"unreal/camera/curPos/{a}": repr(float(v * 100))
                  for a, v in zip("xyz", matrix[:3, 3], strict=True)}
        header |= {"unreal/camera/curRot/pitch": repr(float(pitch)),
                   "unreal/camera/curRot/yaw": repr(float(yaw)),
                   "unreal/camera/curRot/roll": "0.0", "unreal/camera/FinalImage/fov": str(FOV)}
        depth = np.where(np.isfinite(room.depth), room.depth * 100, 1e12).astype(np.float32)
        write_exr(tmp_path / f"Shot.{i:04d}.exr", {
            **layer("", room.picture, "RGB", np.float16),
            **layer("FinalImageMovieRenderQueue_WorldDepth", np.dstack([depth] * 3), "RGB"),
            **layer("FinalImageWorldNormal", TO_WORLD["unreal"](room.normals), "RGB"),
            **layer("FinalImageBaseColor", room.base, "RGB"),
            **layer("FinalImageRoughness", np.dstack([room.roughness] * 3), "RGB"),
            **layer("FinalImageMetallic", np.dstack([room.metallic] * 3), "RGB")}, header)
    convert("unreal", tmp_path / "Shot.*.exr", tmp_path / "out")
    expect(tmp_path / "out")


def test_any_exr_with_distance_and_view_normals(tmp_path):
    for i in range(2):
        room = Room(i)
        write_exr(tmp_path / f"albedo{i}.exr", layer("", room.base, "RGB", np.float16))
        distance = np.where(np.isfinite(room.distance), room.distance, 0)
        write_exr(tmp_path / f"planes{i}.exr", {
            **layer("N", room.normals @ room.axes * 0.5 + 0.5, "XYZ"),
            **layer("", distance, "Z"),
            **layer("rough", room.roughness, "Y"), **layer("metal", room.metallic, "Y")})
    frames = [{"frame": i, "fx": FOCAL, "fy": FOCAL, "cx": WIDTH / 2, "cy": HEIGHT / 2,
               "camera_to_world": np.vstack([np.column_stack([Room(i).axes, Room(i).eye]),
                                             [0, 0, 0, 1]]).tolist()} for i in range(2)]
    (tmp_path / "cameras.json").write_text(json.dumps({"frames": frames}))
    planes = tmp_path / "planes*.exr"
    convert("exr", tmp_path / "out", "--cameras", tmp_path / "cameras.json",
            "--plane", f"baseColor={tmp_path}/albedo*.exr", "--plane", f"normals={planes}:N",
            "--plane", f"depth={planes}", "--plane", f"roughness={planes}:rough",
            "--plane", f"metallic={planes}:metal", "--depth", "distance", "--normals", "view",
            "--normals-encoded")
    expect(tmp_path / "out", picture=False)


def write_hdf5(path: Path, values) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["dataset"] = values


def test_hypersim_scene(tmp_path):
    scene, unit = tmp_path / "ai_001_001", 0.0254
    rooms = [Room(0), Room(1)]
    detail = scene / "_detail" / "cam_00"
    poses = [turned(room, "blender") for room in rooms]
    write_hdf5(detail / "camera_keyframe_orientations.hdf5", np.stack([p[:3, :3] for p in poses]))
    write_hdf5(detail / "camera_keyframe_positions.hdf5",
               np.stack([p[:3, 3] / unit for p in poses]))
    (scene / "_detail" / "metadata_scene.csv").write_text(
        f"parameter_name,parameter_value\nmeters_per_asset_unit,{unit}\n")
    for i, room in enumerate(rooms):
        geometry = scene / "images" / "scene_cam_00_geometry_hdf5" / f"frame.{i:04d}"
        final = scene / "images" / "scene_cam_00_final_hdf5" / f"frame.{i:04d}"
        depth = np.where(np.isfinite(room.distance), room.distance, np.nan)
        write_hdf5(Path(f"{geometry}.depth_meters.hdf5"), depth.astype(np.float16))
        write_hdf5(Path(f"{geometry}.normal_bump_world.hdf5"),
                   TO_WORLD["blender"](room.normals).astype(np.float16))
        write_hdf5(Path(f"{final}.diffuse_reflectance.hdf5"), room.base.astype(np.float16))
        write_hdf5(Path(f"{final}.color.hdf5"), room.picture.astype(np.float16))
    convert("hypersim", scene, tmp_path / "out", "--roughness", "0.4")
    expect(tmp_path / "out", rough=False)


def noisebase_arrays(room: Room, samples: int = 4) -> dict[str, np.ndarray]:
    def spread(values):
        return np.repeat(np.moveaxis(values, -1, 0)[..., None], samples, -1)
    position = np.where(np.isfinite(room.position), room.position, np.inf)
    n, f = 0.1, 1000.0
    return {
        "position": spread(position).astype(np.float32),
        "normal": spread(room.normals).astype(np.float16),
        "diffuse": spread(room.base).astype(np.float16),
        "reference": np.moveaxis(room.picture, -1, 0).astype(np.float32),
        "camera_position": room.eye.astype(np.float32),
        "camera_target": (room.eye - 3 * room.axes[:, 2]).astype(np.float32),
        "camera_up": room.axes[:, 1].astype(np.float32),
        "proj_mat": np.array([[2 * FOCAL / WIDTH, 0, 0, 0], [0, 2 * FOCAL / HEIGHT, 0, 0],
                              [0, 0, f / (f - n), -n * f / (f - n)], [0, 0, 1, 0]], np.float32),
        "crop_offset": np.zeros(2, np.int32)}


def write_zarr(path: Path, arrays: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    store = zarr.storage.ZipStore(str(path), mode="w")
    group = zarr.create_group(store, zarr_format=2)
    for name, values in arrays.items():
        group.create_array(name, data=values)
    store.close()


def test_noisebase_test_frames_and_training_sequence(tmp_path):
    rooms = [Room(0), Room(1)]
    for i, room in enumerate(rooms):
        write_zarr(tmp_path / "bistro1" / f"frame{i:04d}.zip", noisebase_arrays(room))
    convert("noisebase", tmp_path / "bistro1", tmp_path / "out")
    expect(tmp_path / "out", rough=False)

    # A sequence in one file, cut out of a larger picture: the principal point moves with it.
    frames = [noisebase_arrays(room) for room in rooms]
    for arrays in frames:
        arrays["crop_offset"] = np.array([20, 7], np.int32)
        arrays["proj_mat"] = arrays["proj_mat"] * np.array(
            [[WIDTH / 192], [HEIGHT / 108], [1], [1]], np.float32)
    write_zarr(tmp_path / "scene0000.zip",
               {key: np.stack([arrays[key] for arrays in frames]) for key in frames[0]})
    convert("noisebase", tmp_path / "scene0000.zip", tmp_path / "cut", "--rendered", "192x108")
    camera = json.loads((tmp_path / "cut" / "camera.json").read_text())["frames"][1]
    assert np.allclose([camera["fx"], camera["fy"], camera["cx"], camera["cy"]],
                       [FOCAL, FOCAL, 96 - 7, 54 - 20], atol=1e-3)


@pytest.mark.parametrize("words, says", [
    (["unreal", "nothing*.exr", "out"], "no file with a number"),
    (["blender", "a*.exr", "out"], "--cameras is needed"),
    (["exr", "out", "--plane", "colour=x.exr"], "PLANE one of baseColor"),
    (["hypersim", "no-scene", "out"], "metadata_scene.csv"),
    (["noisebase", "no-zip", "out"], "no-zip"),
])
def test_what_cannot_be_converted_is_said(tmp_path, words, says):
    run = subprocess.run([sys.executable, str(TRAINING / "convert.py"), *words], cwd=tmp_path,
                         capture_output=True, text=True, timeout=120)
    assert run.returncode == 1 and says in run.stderr and "Traceback" not in run.stderr


def test_a_layer_that_is_not_there_is_named_with_those_that_are(tmp_path):
    write_exr(tmp_path / "a0.exr", layer("Depth", np.ones((HEIGHT, WIDTH)), "Z"))
    cameras = cameras_file(tmp_path / "cameras.json", "blender")
    run = subprocess.run(
        [sys.executable, str(TRAINING / "convert.py"), "blender", f"{tmp_path}/a*.exr",
         str(tmp_path / "out"), "--cameras", str(cameras)], capture_output=True, text=True)
    assert run.returncode == 1 and "has no layer DiffCol; it has Depth" in run.stderr
