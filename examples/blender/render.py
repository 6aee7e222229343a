# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Renders the demo clip's path with Blender as a Python module (bpy) and the Frameloom engine.

    python render.py [--frames 3] [--size 256] [--out FOLDER] [--viewport]

`--viewport` takes the way of the interactive view instead of the final render's, as far as it goes without
a window: a coarse picture while the view moves, a whole one when it rests.
"""
import argparse
import json
import pathlib

import bpy
import numpy as np
from mathutils import Matrix

import frameloom_engine

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# glTF has +Y up, Blender +Z.
TO_BLENDER = Matrix(((1, 0, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", default=REPOSITORY / "walk/environment/atrium.glb")
    parser.add_argument("--clip", type=pathlib.Path, default=REPOSITORY / "Clips/atrium-flight")
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--socket", default="")
    parser.add_argument("--viewport", action="store_true")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("blender-frames"))
    options = parser.parse_args()

    bpy.ops.wm.read_factory_settings(use_empty=True)
    frameloom_engine.register()
    bpy.ops.import_scene.gltf(filepath=str(options.environment))
    scene = bpy.context.scene
    scene.render.engine = "FRAMELOOM"
    scene.frameloom.socket = options.socket
    scene.render.resolution_x = scene.render.resolution_y = options.size
    # The daemon's picture is ready for the display: nothing is to be graded again.
    scene.view_settings.view_transform = "Standard"
    cameras = json.loads((options.clip / "camera.json").read_text())["frames"][:options.frames]
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.angle = 2 * np.arctan(cameras[0]["width"] / 2 / cameras[0]["fx"])
    scene.collection.objects.link(camera)
    scene.camera = camera
    for number, recorded in enumerate(cameras, 1):
        camera.matrix_world = TO_BLENDER @ Matrix(recorded["camera_to_world"])
        camera.keyframe_insert("location", frame=number)
        camera.keyframe_insert("rotation_euler", frame=number)
    errors = []
    for number, recorded in enumerate(cameras, 1):
        scene.frame_set(number)
        path = (options.out / f"Rendered_{recorded['frame']:04}.png").resolve()
        if options.viewport:
            view(scene, options.size, path)
        else:
            scene.render.filepath = str(path)
            bpy.ops.render.render(write_still=True)
        errors.append(compare(path, options.clip / f"FinalImage/FinalImage_{recorded['frame']:04}.png"))
    frameloom_engine.unregister()
    ratios = 10 * np.log10(1 / np.array(errors))
    print(f"PSNR to the path-traced reference: mean {ratios.mean():.2f} dB, lowest {ratios.min():.2f} dB")


def view(scene, size, path, viewports={}):
    """What the viewport would show once its view rests, as a file."""
    viewport = viewports.setdefault(0, frameloom_engine.Viewport())
    depsgraph = bpy.context.evaluated_depsgraph_get()
    camera = scene.camera.evaluated_get(depsgraph)
    matrix, projection = np.array(camera.matrix_world), np.array(
        camera.calc_matrix_camera(depsgraph, x=size, y=size))
    moving = viewport.draw(depsgraph, matrix, projection, size, size)
    assert viewport.is_coarse and moving.shape[0] <= size
    resting = viewport.draw(depsgraph, matrix, projection, size, size)
    assert not viewport.is_coarse and resting.shape == (size, size, 4)
    image = bpy.data.images.new("view", size, size, float_buffer=True)
    image.pixels.foreach_set(resting.ravel())
    path.parent.mkdir(parents=True, exist_ok=True)
    scene.render.image_settings.file_format = "PNG"
    image.save_render(str(path), scene=scene)
    bpy.data.images.remove(image)


def compare(path, reference):
    """Mean squared difference, at the size of the picture."""
    pictures = []
    for name in (path, reference):
        image = bpy.data.images.load(str(name))
        width, height = image.size
        pixels = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(pixels)
        pictures.append(pixels.reshape(height, width, 4)[..., :3])
        bpy.data.images.remove(image)
    size, factor = pictures[0].shape[0], pictures[1].shape[0] // pictures[0].shape[0]
    small = pictures[1].reshape(size, factor, size, factor, 3).mean((1, 3))
    return ((pictures[0] - small) ** 2).mean()


if __name__ == "__main__":
    main()
