# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Cameras, from the matrices that engines and tools have.

The daemon's camera looks along -Z with +Y up in a right-handed world with +Y up, in metres; pixels
count from the top-left corner, x right, y down, centers at +0.5 (docs/protocol.md).
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from . import protocol
from .errors import ArgumentError

Axes = Literal["opengl", "gltf", "godot", "threejs", "opencv", "blender", "panda3d", "unity",
               "unity-transform", "unreal"]


@dataclass(frozen=True)
class _Convention:
    world: npt.NDArray[np.float64]
    """3x3: its world axes to ours."""
    camera: npt.NDArray[np.float64]
    """3x3: our camera axes to its own."""
    has_row_vectors: bool = False
    metres_per_unit: float = 1.0


_SAME = np.eye(3)
_Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
_FLIP_Z = np.diag([1.0, 1, -1])
# World axes as each engine's glTF importer turns a scene, the same as the daemon's `axes`.
_FLIP_X = np.diag([-1.0, 1, 1])
_SWAP_YZ = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
# X forward, Y right, Z up: our right, up, back are its y, z, -x.
_UNREAL_CAMERA = np.array([[0.0, 0, -1], [1, 0, 0], [0, 1, 0]])

_CONVENTIONS: dict[str, _Convention] = {
    "opengl": _Convention(_SAME, _SAME),
    "gltf": _Convention(_SAME, _SAME),
    "godot": _Convention(_SAME, _SAME),
    "threejs": _Convention(_SAME, _SAME),
    # Looks along +Z with +Y down; COLMAP, Open3D. Its world axes are taken as ours.
    "opencv": _Convention(_SAME, np.diag([1.0, -1, -1])),
    # object.matrix_world: world with +Z up, camera like OpenGL's.
    "blender": _Convention(_Z_UP, _SAME),
    # NodePath.getMat: world with +Z up, camera looks along +Y; row vectors.
    "panda3d": _Convention(_Z_UP, _Z_UP.T, has_row_vectors=True),
    # Camera.cameraToWorldMatrix: left-handed world, camera already like OpenGL's.
    "unity": _Convention(_FLIP_X, _SAME),
    # Transform.localToWorldMatrix of the camera: looks along +Z.
    "unity-transform": _Convention(_FLIP_X, _FLIP_Z),
    # FTransform.ToMatrixNoScale: row vectors, centimetres.
    "unreal": _Convention(_SWAP_YZ, _UNREAL_CAMERA, has_row_vectors=True, metres_per_unit=0.01),
}


def _convention(axes: str) -> _Convention:
    found = _CONVENTIONS.get(axes)
    if found is None:
        raise ArgumentError(f"axes {axes!r} are not known ({', '.join(_CONVENTIONS)} are)",
                            field="axes")
    return found


def camera_to_world(matrix: npt.ArrayLike, *, axes: Axes = "opengl",
                    maps: Literal["camera_to_world", "world_to_camera"] = "camera_to_world",
                    row_vectors: bool | None = None,
                    metres_per_unit: float | None = None) -> npt.NDArray[np.float64]:
    """Turns an engine's 4x4 camera matrix into the one that the daemon wants.

    `axes` names whose matrix it is and implies the other two, which can be stated otherwise:
    `row_vectors`: positions are multiplied from the left (the translation is in the last row), or
    the numbers were read column by column. `metres_per_unit`: of the translation.

    Raises ArgumentError if the result is not a rotation and a translation.
    """
    convention = _convention(axes)
    given = np.asarray(matrix, np.float64)
    if given.shape != (4, 4) or not np.isfinite(given).all():
        raise ArgumentError(f"a camera matrix is 4x4 finite numbers, not {given.shape}",
                            field="camera_to_world")
    is_rows = convention.has_row_vectors if row_vectors is None else row_vectors
    unit = convention.metres_per_unit if metres_per_unit is None else metres_per_unit
    columns = given.T if is_rows else given
    if not np.allclose(columns[3], (0, 0, 0, 1), atol=1e-6):
        is_turned = np.allclose(columns.T[3], (0, 0, 0, 1), atol=1e-6)
        hint = f"; its last column is: row_vectors={not is_rows}?" if is_turned else ""
        raise ArgumentError(f"the last row of a camera matrix is 0 0 0 1, not {columns[3]}{hint}",
                            field="camera_to_world")
    if maps == "world_to_camera":
        columns = np.asarray(np.linalg.inv(columns), np.float64)
    elif maps != "camera_to_world":
        raise ArgumentError(f"maps {maps!r} is neither camera_to_world nor world_to_camera",
                            field="maps")
    result = np.eye(4)
    result[:3, :3] = convention.world @ columns[:3, :3] @ convention.camera
    result[:3, 3] = convention.world @ columns[:3, 3] * unit
    # Engines scale cameras by mistake; a scale is no part of where it looks.
    error = float(np.abs(result[:3, :3].T @ result[:3, :3] - np.eye(3)).max())
    if error > 1e-3:
        raise ArgumentError("the matrix is not a rotation and a translation: is there a scale in "
                            "it, or a projection?", field="camera_to_world", value=error,
                            limit=1e-3)
    if np.linalg.det(result[:3, :3]) < 0:
        raise ArgumentError("the matrix mirrors: a left-handed engine? State its axes.",
                            field="camera_to_world", value=-1, limit=1)
    return result


def world_vectors(vectors: npt.NDArray[np.floating], axes: Axes) -> npt.NDArray[np.float32]:
    """Turns vectors of an engine's world (normals, `[..., 3]`) into the daemon's world axes."""
    turned = np.asarray(vectors, np.float32) @ _convention(axes).world.T.astype(np.float32)
    return np.asarray(turned, np.float32)


@dataclass(frozen=True, eq=False)
class Camera:
    """Where one frame was drawn from."""

    fx: float
    """Focal length, pixels."""
    fy: float
    cx: float
    """Principal point, pixels from the left, without the jitter."""
    cy: float
    """Pixels from the top."""
    camera_to_world: npt.NDArray[np.float64]
    """4x4, column vectors, metres."""
    near: float = 0.0
    """Metres; 0: as stated in `connect`."""
    far: float = 0.0

    @classmethod
    def from_fov(cls, matrix: npt.ArrayLike, *, fov_y: float, width: int, height: int,
                 near: float = 0.0, far: float = 0.0, axes: Axes = "opengl",
                 maps: Literal["camera_to_world", "world_to_camera"] = "camera_to_world",
                 row_vectors: bool | None = None,
                 metres_per_unit: float | None = None) -> Camera:
        """From a vertical field of view in degrees; the other arguments as `camera_to_world`."""
        if not 0 < fov_y < 180:
            raise ArgumentError("fov_y is in degrees, above 0 and below 180", field="fov_y",
                                value=fov_y, limit=180)
        focal = height / 2 / math.tan(math.radians(fov_y) / 2)
        pose = camera_to_world(matrix, axes=axes, maps=maps, row_vectors=row_vectors,
                               metres_per_unit=metres_per_unit)
        return cls(focal, focal, width / 2, height / 2, pose, near, far)

    @classmethod
    def from_projection(cls, projection: npt.ArrayLike, matrix: npt.ArrayLike, *, width: int,
                        height: int, near: float = 0.0, far: float = 0.0, axes: Axes = "opengl",
                        maps: Literal["camera_to_world", "world_to_camera"] = "camera_to_world",
                        row_vectors: bool | None = None,
                        metres_per_unit: float | None = None) -> Camera:
        """From a perspective projection matrix *without jitter* and the camera's matrix.

        Clip space with y up or (Vulkan) down, any range of depth. `row_vectors` holds for both
        matrices; the other arguments as `camera_to_world`.
        """
        convention = _convention(axes)
        given = np.asarray(projection, np.float64)
        if given.shape != (4, 4):
            raise ArgumentError(f"a projection is 4x4, not {given.shape}", field="projection")
        is_rows = convention.has_row_vectors if row_vectors is None else row_vectors
        own = given.T if is_rows else given
        # An engine's projection starts either in the axes of its camera's matrix or (Unreal) in
        # view axes with x right and y up. w is the distance ahead, along the third axis.
        from_ours = own.copy()
        from_ours[:, :3] = own[:, :3] @ convention.camera
        for columns in (from_ours, own):
            w = columns[3]
            if w[2] != 0 and np.allclose(w[[0, 1, 3]], 0, atol=1e-9):
                break
        else:
            raise ArgumentError("not a perspective projection: its last row would be 0 0 -1 0 or "
                                "0 0 1 0", field="projection")
        columns = columns / abs(columns[3, 2])
        ahead = columns[3, 2]
        up = np.sign(columns[1, 1])
        pose = camera_to_world(matrix, axes=axes, maps=maps, row_vectors=row_vectors,
                               metres_per_unit=metres_per_unit)
        return cls(
            fx=float(abs(columns[0, 0]) * width / 2), fy=float(abs(columns[1, 1]) * height / 2),
            cx=float((1 + columns[0, 2] / ahead) * width / 2),
            cy=float((1 - up * columns[1, 2] / ahead) * height / 2),
            camera_to_world=pose, near=near, far=far)

    @classmethod
    def look_at(cls, eye: npt.ArrayLike, target: npt.ArrayLike, *, fov_y: float, width: int,
                height: int, up: npt.ArrayLike = (0, 1, 0), near: float = 0.0,
                far: float = 0.0) -> Camera:
        """At `eye`, looking at `target`, in the daemon's axes, metres."""
        position = np.asarray(eye, np.float64)
        back = position - np.asarray(target, np.float64)
        right = np.cross(np.asarray(up, np.float64), back)
        if not np.linalg.norm(back) > 0 or not np.linalg.norm(right) > 0:
            raise ArgumentError("eye, target and up do not give a direction", field="target")
        back /= np.linalg.norm(back)
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, :4] = np.column_stack([right, np.cross(back, right), back, position])
        return cls.from_fov(pose, fov_y=fov_y, width=width, height=height, near=near, far=far)

    def record(self) -> npt.NDArray[np.void]:
        """As `fl_camera`."""
        matrix = np.asarray(self.camera_to_world, np.float64)
        if matrix.shape != (4, 4):
            raise ArgumentError(f"camera_to_world is 4x4, not {matrix.shape}",
                                field="camera_to_world")
        record = np.zeros((), protocol.camera_dtype)
        for name, value in (("fx", self.fx), ("fy", self.fy), ("cx", self.cx), ("cy", self.cy),
                            ("near_plane", self.near), ("far_plane", self.far)):
            record[name] = value
        record["camera_to_world"] = matrix.reshape(16)
        return record
