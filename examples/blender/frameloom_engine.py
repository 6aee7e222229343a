# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A render engine for Blender: rays find the first surface of each pixel, Frameloom makes the frame.

Install it as an add-on, or import it and call `register()`. The daemon must run, and the Python client
(`clients/python`) be importable. Choose "Frameloom" as render engine; Render Image and Render Animation
then send each frame to the daemon, and so does a viewport whose shading is "Rendered". The history is kept
from frame to frame of an animation, and of a viewport.
"""
import bpy
import frameloom
import numpy as np

import blender_gbuffer

bl_info = {
    "name": "Frameloom", "author": "The Frameloom authors", "version": (1, 1), "blender": (4, 2, 0),
    "category": "Render", "description": "Frames lit by the Frameloom daemon",
}

NEAR, FAR = 0.05, 163.8


class Stream:
    """A session with the daemon that is opened when it is first needed, and again after it broke."""

    def __init__(self, name, **options):
        self.name, self.options = name, options
        self.session, self.key, self.sends_emissive = None, None, True

    def render(self, settings, planes, **frame):
        """The picture of a frame; `settings` say which daemon and which model."""
        key = (settings.socket, settings.model)
        if self.key != key:
            self.close()
            self.key, self.sends_emissive = key, True
        try:
            return self._ask(settings, planes, **frame)
        except frameloom.RefusedError as error:
            # Models that do not read the emissive plane refuse it by name.
            if error.field != "planes" or "emissive" not in planes or not self.sends_emissive:
                raise
            self.key, self.sends_emissive = key, False
            return self._ask(settings, planes, **frame)

    def _ask(self, settings, planes, **frame):
        if self.session is None:
            self.session = frameloom.connect(
                settings.socket or None, model=settings.model, far=FAR, client_name=self.name,
                **self.options)
        if not self.sends_emissive:
            planes = {name: plane for name, plane in planes.items() if name != "emissive"}
        try:
            return self.session.render(**planes, **frame)
        except frameloom.FrameError:
            raise  # of this frame alone
        except frameloom.FrameloomError:
            self.close()
            raise

    def close(self):
        if self.session is not None:
            self.session.close()
        self.session = self.key = None


class _Shared:
    """What outlives Blender's engine objects: it makes one for each final frame."""

    stream = Stream("Blender")
    last_frame = None
    geometry = None


class FrameloomEngine(bpy.types.RenderEngine):
    bl_idname = "FRAMELOOM"
    bl_label = "Frameloom"
    bl_use_preview = False

    # Final frames.

    def render(self, depsgraph):
        scene = depsgraph.scene
        settings = scene.frameloom
        percent = scene.render.resolution_percentage / 100
        width, height = int(scene.render.resolution_x * percent), int(scene.render.resolution_y * percent)
        camera = scene.camera.evaluated_get(depsgraph)
        self.update_stats("", "Frameloom: drawing the G-buffer")
        if _Shared.geometry is None or not settings.is_static:
            _Shared.geometry = blender_gbuffer.Geometry(depsgraph)
        matrix = np.array(camera.matrix_world)
        projection = np.array(camera.calc_matrix_camera(depsgraph, x=width, y=height))
        # Another place of the animation is a cut.
        number = scene.frame_current
        is_next = _Shared.last_frame is not None and abs(number - _Shared.last_frame) <= 1
        _Shared.last_frame = number
        try:
            pixels = drawn(_Shared.stream, settings, _Shared.geometry, matrix, projection, width, height,
                           reset=not is_next)
        except frameloom.FrameloomError as error:
            self.report({"ERROR"}, f"Frameloom: {error}")
            return
        result = self.begin_result(0, 0, width, height)
        result.layers[0].passes["Combined"].rect.foreach_set(linear_rows(pixels).ravel())
        self.end_result(result)

    # The viewport. Blender keeps one engine object for each.

    def view_update(self, context, depsgraph):
        """The scene changed: read it anew when it is next drawn."""
        viewport_of(self).geometry = None

    def view_draw(self, context, depsgraph):
        import gpu
        from gpu_extras.presets import draw_texture_2d

        region, view = context.region, context.region_data
        # Blender's matrix may be shifted to a part of the camera's frame; it says where the rays go.
        projection = np.array(view.window_matrix)
        matrix = np.linalg.inv(np.array(view.view_matrix))
        size = (region.width, region.height)
        if view.is_perspective is False:
            self.update_stats("Frameloom", "an orthographic view has no rays from one point: turn it")
            return
        viewport = viewport_of(self)
        try:
            image = viewport.draw(depsgraph, matrix, projection, *size)
        except frameloom.FrameloomError as error:
            self.update_stats("Frameloom", str(error))
            return
        self.update_stats("", "")
        height, width = image.shape[:2]
        buffer = gpu.types.Buffer("FLOAT", width * height * 4, image.ravel())
        texture = gpu.types.GPUTexture((width, height), format="RGBA16F", data=buffer)
        # The picture is linear; Blender's display settings apply to it.
        self.bind_display_space_shader(depsgraph.scene)
        gpu.state.blend_set("NONE")
        draw_texture_2d(texture, (0, 0), *size)
        self.unbind_display_space_shader()
        # Once more with the whole resolution when the view has come to rest.
        if viewport.is_coarse:
            self.tag_redraw()


class Viewport:
    """A view that moves is drawn small, since rays are slow; when it rests, at its size."""

    MOVING_PIXELS = 128 * 128
    RESTING_PIXELS = 512 * 512

    def __init__(self):
        self.stream = Stream("Blender viewport", mailbox="latest")
        self.geometry, self.last_view, self.size = None, None, None
        self.is_coarse = False

    def draw(self, depsgraph, matrix, projection, width, height):
        """Linear RGBA, rows from the lowest."""
        settings = depsgraph.scene.frameloom
        if self.geometry is None:
            self.geometry = blender_gbuffer.Geometry(depsgraph)
            self.last_view = None
        rests = self.last_view is not None and np.array_equal(self.last_view[0], matrix) \
            and np.array_equal(self.last_view[1], projection)
        self.last_view = (matrix, projection)
        self.is_coarse = not rests
        size = fitted(width, height, self.RESTING_PIXELS if rests else self.MOVING_PIXELS)
        pixels = drawn(self.stream, settings, self.geometry, matrix, projection, *size)
        return linear_rows(pixels)


#: By engine object, which cannot hold attributes before Blender calls its own `__init__`.
_viewports = {}


def viewport_of(engine):
    key = engine.as_pointer()
    if key not in _viewports:
        _viewports[key] = Viewport()
    return _viewports[key]


def fitted(width, height, pixels):
    """A size of about so many pixels in the same shape, sides in multiples of 4 and at least 32."""
    scale = min(1, (pixels / (width * height)) ** 0.5)
    return tuple(max(32, int(side * scale) // 4 * 4) for side in (width, height))


def drawn(stream, settings, geometry, matrix, projection, width, height, **frame):
    """The picture of a view: RGBA bytes, rows from the top."""
    pose = frameloom.Camera.from_projection(
        projection, matrix, axes="blender", width=width, height=height, near=NEAR, far=FAR)
    planes = geometry.draw(matrix, pose, width, height)
    return stream.render(settings, planes, camera=pose, **frame).pixels


def linear_rows(pixels):
    """The picture is ready for the display; Blender wants it linear and from the lowest row on."""
    encoded = pixels[::-1].astype(np.float32) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    linear[..., 3] = 1
    return np.ascontiguousarray(linear, np.float32)


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
    for stream in [_Shared.stream, *(viewport.stream for viewport in _viewports.values())]:
        stream.close()
    _viewports.clear()
    _Shared.geometry = _Shared.last_frame = None
    del bpy.types.Scene.frameloom
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
