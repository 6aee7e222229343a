# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Planes and cameras as engines have them, against the same frame as we have it."""

import numpy as np
import pytest

import frameloom
from conftest import synthetic_frame
from frameloom import ArgumentError, Camera, protocol
from frameloom.planes import arrays_of, plan


def first_picture(daemon, frame, **conventions):
    with frameloom.connect(daemon.socket, **conventions) as session:
        return np.asarray(session.render(**frame), np.int16)


def raw(camera, matrix):
    return Camera(camera.fx, camera.fy, camera.cx, camera.cy, matrix)


def test_a_packed_plane_is_two_planes_in_the_same_bytes():
    frame = synthetic_frame(0)
    del frame["roughness"]
    packed = np.zeros((64, 96, 3), np.uint8)
    layout = plan(arrays_of(dict(frame, occlusion_roughness_metallic=packed)))
    last, inside = layout.planes[-2:]
    assert (last.kind, last.channel, inside.kind, inside.channel) == (
        protocol.ROUGHNESS, 1, protocol.METALLIC, 2)
    assert layout.byte_count == 64 * 96 * (3 + 4 + 4 + 3)


def test_what_is_stated_twice_or_without_meaning_is_refused():
    frame = synthetic_frame(0)
    packed = np.zeros((64, 96, 3), np.uint8)
    with pytest.raises(ArgumentError, match="already"):
        arrays_of(dict(frame, occlusion_roughness_metallic=packed))
    with pytest.raises(ArgumentError, match="0 to 1"):
        plan(arrays_of(dict(frame, roughness=2.0)))
    with pytest.raises(ArgumentError, match="normals is"):
        plan(arrays_of(dict(frame, normals="guess")))


def test_planes_of_engines_give_the_same_picture(daemon):
    frame = synthetic_frame(0)
    # No two neighbours at one depth: which of them is the nearest would hang on the last bit.
    y, x = np.mgrid[0:64, 0:96]
    frame["depth"] = (frame["depth"] - 0.002 * x - 0.003 * y).astype(np.float32)
    metallic = np.zeros((64, 96), np.uint8)
    ours = first_picture(daemon, dict(frame, metallic=metallic), motion_unit="ndc")
    packed = np.stack([metallic, np.full_like(metallic, 128), metallic], -1)
    glTF = {key: value for key, value in frame.items() if key != "roughness"}
    assert np.array_equal(first_picture(daemon, dict(glTF, occlusion_roughness_metallic=packed)),
                          ours)
    # The same everywhere, and the other way round.
    constants = dict(frame, roughness=0.5, metallic=0.0)
    assert np.array_equal(first_picture(daemon, constants), ours)
    smooth = dict(frame, roughness=np.full((64, 96), 127, np.uint8))
    assert np.array_equal(first_picture(daemon, smooth, roughness_kind="smoothness"), ours)

    # Unity: mirrored in x, matrices by columns; forward device depth.
    unity = dict(frame, normals=frame["normals"] * (-1, 1, 1))
    unity["camera"] = raw(frame["camera"],
                          (np.diag([-1.0, 1, 1, 1]) @ frame["camera"].camera_to_world).T)
    unity["depth"] = ((1 - 0.1 / frame["depth"].astype(np.float64))
                      / (1 - 0.1 / 100)).astype(np.float32)
    picture = first_picture(daemon, unity, axes="unity", matrices="column-major", depth="device",
                            near=0.1, far=100)
    assert np.abs(picture - ours).max() <= 1

    # Unreal: z is up, centimetres; distance along the ray; linear light.
    swap = np.eye(4)[[0, 2, 1, 3]]
    pose = swap @ frame["camera"].camera_to_world
    pose = np.column_stack([-pose[:, 2], pose[:, 0], pose[:, 1], pose[:, 3] * (100, 100, 100, 1)])
    camera = raw(frame["camera"], pose)
    y, x = np.mgrid[0:64, 0:96] + 0.5
    rays = np.sqrt(((x - camera.cx) / camera.fx) ** 2 + ((y - camera.cy) / camera.fy) ** 2 + 1)
    color = frame["base_color"] / 255.0
    unreal = dict(frame, camera=camera, normals=frame["normals"][..., [0, 2, 1]],
                  depth=(frame["depth"] * rays * 100).astype(np.float32),
                  base_color=np.where(color <= 0.04045, color / 12.92,
                                      ((color + 0.055) / 1.055) ** 2.4).astype(np.float16))
    picture = first_picture(daemon, unreal, axes="unreal", depth="ray", depth_scale=0.01)
    assert np.abs(picture - ours).max() <= 1


@pytest.mark.parametrize("name", ["gltf", "godot", "threejs"])
def test_engines_with_our_world_are_known_by_name(daemon, name):
    frame = synthetic_frame(1)
    # three.js stores its matrices by columns.
    order = "column-major" if name == "threejs" else "row-major"
    pose = frame["camera"].camera_to_world
    camera = raw(frame["camera"], pose.T if name == "threejs" else pose)
    assert np.array_equal(
        first_picture(daemon, dict(frame, camera=camera), axes=name, matrices=order),
        first_picture(daemon, frame))
    # As `Camera` takes the name.
    assert np.array_equal(frameloom.camera_to_world(pose, axes=name), pose)


def test_names_of_worlds_that_the_daemon_does_not_know_are_refused(daemon):
    with frameloom.connect(daemon.socket, axes="panda3d") as session, pytest.raises(
            ArgumentError, match="opengl, gltf, godot, threejs, unity, unreal, blender") as caught:
        session.render(**synthetic_frame(0))
    assert caught.value.field == "axes"


def test_normals_are_computed_where_none_are_sent(daemon):
    # Moved out of the middle, so that both walls are seen.
    frame = synthetic_frame(0)
    ours = first_picture(daemon, frame)
    picture = first_picture(daemon, dict(frame, normals="from depth"))
    # Where wall and floor meet there is no one normal.
    assert np.abs(picture - ours).mean() < 5
    bare = {key: value for key, value in frame.items() if key != "camera"}
    with pytest.raises(frameloom.FrameError, match="computed from depth"):
        first_picture(daemon, dict(bare, normals="from depth"))
