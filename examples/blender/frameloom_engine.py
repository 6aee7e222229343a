# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A render engine for Blender: rays find the first surface of each pixel, Frameloom makes the frame.

Install it as an add-on, or import it and call `register()`. The daemon must run, and the Python client
(`clients/python`) be importable. Choose "Frameloom" as render engine; Render Image and Render Animation
then send each frame to the daemon. The history is kept from frame to frame of an animation.
"""
import bpy
import frameloom
import numpy as np

import blender_gbuffer

bl_info = {
    "name": "Frameloom", "author": "The Frameloom authors", "version": (1, 0), "blender": (4, 2, 0),
    "category": "Render", "description": "Frames lit by the Frameloom daemon",
}

FAR = 163.8


class _Stream:
    """The session and the scene's geometry, which outlive Blender's engine objects: it makes one a frame."""

    session = None
    key = None
    last_frame = None
    geometry = None


class FrameloomEngine(bpy.types.RenderEngine):
    bl_idname = "FRAMELOOM"
    bl_label = "Frameloom"
    bl_use_preview = False

    def render(self, depsgraph):
        scene = depsgraph.scene
        settings = scene.frameloom
        percent = scene.render.resolution_percentage / 100
        width, height = int(scene.render.resolution_x * percent), int(scene.render.resolution_y * percent)
        camera = scene.camera.evaluated_get(depsgraph)
        self.update_stats("", "Frameloom: drawing the G-buffer")
        if _Stream.geometry is None or not settings.is_static:
            _Stream.geometry = blender_gbuffer.Geometry(depsgraph)
        matrix = np.array(camera.matrix_world)
        projection = np.array(camera.calc_matrix_camera(depsgraph, x=width, y=height))
        pose = frameloom.Camera.from_projection(
            projection, matrix, axes="blender", width=width, height=height, near=0.05, far=FAR)
        planes = _Stream.geometry.draw(matrix, pose, width, height)
        try:
            picture = self._ask(settings, width, height, scene.frame_current, planes, pose)
        except frameloom.FrameloomError as error:
            self.report({"ERROR"}, f"Frameloom: {error}")
            return
        self._show(picture.pixels, width, height)

    def _ask(self, settings, width, height, number, planes, pose):
        key = (settings.socket, settings.model)
        if _Stream.session is None or _Stream.key != key:
            _Stream.session = frameloom.connect(
                settings.socket or None, model=settings.model, far=FAR, client_name="Blender")
            _Stream.key = key
            _Stream.last_frame = None
        # Another place of the animation is a cut.
        is_next = _Stream.last_frame is not None and abs(number - _Stream.last_frame) <= 1
        _Stream.last_frame = number
        return _Stream.session.render(**planes, camera=pose, reset=not is_next)

    def _show(self, pixels, width, height):
        """The picture is ready for the display; Blender wants it linear and from the lowest row on."""
        encoded = pixels[::-1].astype(np.float32) / 255
        linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
        linear[..., 3] = 1
        result = self.begin_result(0, 0, width, height)
        result.layers[0].passes["Combined"].rect.foreach_set(linear.astype(np.float32).ravel())
        self.end_result(result)


class FrameloomSettings(bpy.types.PropertyGroup):
    socket: bpy.props.StringProperty(name="Socket", description="Of the daemon; empty: where it listens")
    model: bpy.props.StringProperty(name="Model", description="Empty: the daemon's default")
    is_static: bpy.props.BoolProperty(
        name="Only the camera moves", default=True,
        description="Keep the geometry from frame to frame instead of reading it again")


class FRAMELOOM_PT_render(bpy.types.Panel):
    bl_label = "Frameloom"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "render"
    COMPAT_ENGINES = {"FRAMELOOM"}

    @classmethod
    def poll(cls, context):
        return context.engine in cls.COMPAT_ENGINES

    def draw(self, context):
        for name in ("socket", "model", "is_static"):
            self.layout.prop(context.scene.frameloom, name)


CLASSES = (FrameloomSettings, FrameloomEngine, FRAMELOOM_PT_render)


def register():
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.frameloom = bpy.props.PointerProperty(type=FrameloomSettings)


def unregister():
    if _Stream.session is not None:
        _Stream.session.close()
        _Stream.session = None
    del bpy.types.Scene.frameloom
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
