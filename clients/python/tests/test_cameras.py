# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Cameras of engines, each against a point that the engine's own rules put on the screen."""
import math

import numpy as np
import pytest

import frameloom

WIDTH, HEIGHT = 200, 100


def pixel(camera: frameloom.Camera, point) -> np.ndarray:
    """Where the daemon sees a point of its world (docs/protocol.md)."""
    x, y, z = (np.linalg.inv(camera.camera_to_world) @ [*point, 1])[:3]
    assert z < 0, "behind the camera"
    return np.array([camera.fx * x / -z + camera.cx, -camera.fy * y / -z + camera.cy])


# A camera at (right 1, up 2, ahead 3), turned 30 degrees to the right, in each engine's words; and
# a point 5 m ahead of it, 1 m to its right and 2 m above it.
TURN = math.radians(30)
SIN, COS = math.sin(TURN), math.cos(TURN)
RIGHT, UP, AHEAD = np.array([COS, 0, SIN]), np.array([0, 1.0, 0]), np.array([SIN, 0, -COS])
EYE = np.array([1.0, 2, -3])
POINT = EYE + 5 * AHEAD + 1 * RIGHT + 2 * UP
EXPECTED = [100 + 100 * 1 / 5, 50 - 100 * 2 / 5]  # focal length 100
FOV_Y = math.degrees(2 * math.atan(HEIGHT / 2 / 100))


def pose(x, y, z, eye) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3] = np.column_stack([x, y, z, eye])
    return matrix


def engine(name: str) -> tuple[np.ndarray, dict]:
    """The camera's matrix as that engine has it, from our world's axes by hand."""
    def z_up(v):  # x right, y ahead, z up
        return np.array([v[0], -v[2], v[1]])

    def left_handed(v):  # y up, x mirrored
        return np.array([-v[0], v[1], v[2]])

    def unreal(v):  # z up, mirrored; centimetres for positions
        return np.array([v[0], v[2], v[1]])

    match name:
        case "opengl" | "gltf" | "godot" | "threejs":
            return pose(RIGHT, UP, -AHEAD, EYE), {}
        case "opencv":
            return pose(RIGHT, -UP, AHEAD, EYE), {}
        case "blender":
            return pose(z_up(RIGHT), z_up(UP), -z_up(AHEAD), z_up(EYE)), {}
        case "panda3d":
            return pose(z_up(RIGHT), z_up(AHEAD), z_up(UP), z_up(EYE)).T, {}
        case "unity-transform":
            return pose(*map(left_handed, (RIGHT, UP, AHEAD, EYE))), {}
        case "unity":
            matrix = pose(*map(left_handed, (RIGHT, UP, AHEAD, EYE))) @ np.diag([1, 1, -1, 1])
            return np.linalg.inv(matrix), {"maps": "world_to_camera"}
        case "unreal":
            return pose(unreal(AHEAD), unreal(RIGHT), unreal(UP), unreal(EYE) * 100).T, {}
    raise AssertionError(name)


ENGINES = ["opengl", "gltf", "godot", "threejs", "opencv", "blender", "panda3d",
           "unity-transform", "unity", "unreal"]


@pytest.mark.parametrize("name", ENGINES)
def test_a_point_lands_where_the_engine_drew_it(name):
    matrix, words = engine(name)
    camera = frameloom.Camera.from_fov(matrix, fov_y=FOV_Y, width=WIDTH, height=HEIGHT,
                                       axes=name, **words)
    np.testing.assert_allclose(pixel(camera, POINT), EXPECTED, atol=1e-9)


@pytest.mark.parametrize("name", ENGINES)
def test_world_vectors_turn_like_the_camera(name):
    """The way that the camera looks, as the engine's world has it."""
    matrix, words = engine(name)
    theirs = np.linalg.inv(matrix) if words else matrix
    if name in ("panda3d", "unreal"):
        theirs = theirs.T
    ahead = {"panda3d": (0, 1, 0), "unreal": (1, 0, 0), "opencv": (0, 0, 1),
             "unity-transform": (0, 0, 1)}.get(name, (0, 0, -1))
    turned = frameloom.world_vectors(theirs[:3, :3] @ np.array(ahead, float), name)
    np.testing.assert_allclose(turned, AHEAD, atol=1e-6)


def test_look_at():
    camera = frameloom.Camera.look_at(EYE, EYE + AHEAD, fov_y=FOV_Y, width=WIDTH, height=HEIGHT)
    np.testing.assert_allclose(pixel(camera, POINT), EXPECTED, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "projection"),
    [
        # Off-center: principal point 10 pixels to the right and 5 down, 0.1 of each half.
        ("opengl", [[1, 0, -0.1, 0], [0, 2, 0.1, 0], [0, 0, -1.01, -0.2], [0, 0, -1, 0]]),
        # Vulkan: clip y down.
        ("opengl", [[1, 0, -0.1, 0], [0, -2, -0.1, 0], [0, 0, 0, 0.1], [0, 0, -1, 0]]),
        # From left-handed view space, depth 1 to 0.
        ("unity-transform", [[1, 0, 0.1, 0], [0, 2, -0.1, 0], [0, 0, 0, 0.1], [0, 0, 1, 0]]),
        # Unreal's starts in view axes (right, up, ahead), not in its camera's; row vectors.
        ("unreal", np.array([[1, 0, 0.1, 0], [0, 2, -0.1, 0], [0, 0, 0, 10], [0, 0, 1, 0]]).T),
        # Panda3D's starts in its camera's: right, ahead, up; row vectors.
        ("panda3d", np.array([[1, 0.1, 0, 0], [0, -0.1, 2, 0], [0, 1, 0, -2], [0, 1, 0, 0]]).T),
    ],
)
def test_projection_matrices(name, projection):
    matrix, words = engine(name)
    camera = frameloom.Camera.from_projection(projection, matrix, width=WIDTH, height=HEIGHT,
                                              axes=name, **words)
    np.testing.assert_allclose(pixel(camera, POINT), np.array(EXPECTED) + [10, 5], atol=1e-9)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (pose(RIGHT, UP, -AHEAD, EYE).T, "row_vectors=True"),
        (pose(2 * RIGHT, UP, -AHEAD, EYE), "scale"),
        (pose(RIGHT, UP, AHEAD, EYE), "left-handed"),
        (np.eye(3), "4x4"),
        (np.full((4, 4), np.nan), "4x4"),
    ],
)
def test_matrices_that_are_no_camera_say_why(matrix, words):
    with pytest.raises(frameloom.ArgumentError, match=words) as caught:
        frameloom.camera_to_world(matrix)
    assert caught.value.field == "camera_to_world"
