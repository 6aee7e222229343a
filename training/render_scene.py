# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A glTF file and a lighting file as a Cycles scene, and one frame of it: picture and G-buffer.

Needs Blender's Python module (requirements-render.txt). The lighting file: `sun` (direction,
color, strength_w_m2, angle_deg), `sky` (horizon, zenith, ground, strength), `exposure_ev`,
`lights` (area lights: position, direction, shape, size, power_w, color); glTF's axes, metres.
"""

import json
import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
import OpenEXR
from mathutils import Matrix, Vector
from mathutils.bvhtree import BVHTree

NEAR, FAR = 0.05, 300.0
DEPTH_UNITS_PER_METRE = 400.0
TO_BLENDER = Matrix(((1, 0, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))  # Y up to Z up


@dataclass(frozen=True)
class Quality:
    samples: int = 14
    least_samples: int = 8
    threshold: float = 0.05


def turned(vector) -> Vector:
    return TO_BLENDER.to_3x3() @ Vector(vector)


class Scene:
    def __init__(self, gltf: Path, lighting: Path, size: int, field_of_view: float, threads: int):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.import_scene.gltf(filepath=str(gltf))
        self.scene = bpy.context.scene
        self.size = size
        self.lighting = json.loads(lighting.read_text())
        self.exposure = 2.0 ** self.lighting.get("exposure_ev", 0.0)
        self.scene.render.engine = "CYCLES"
        self.add_planes()
        self.add_sun_and_lights()
        self.add_sky()
        self.set_up_camera(field_of_view)
        self.set_up_render(threads)
        self.rays: BVHTree | None = None

    def add_planes(self) -> None:
        """Base color, normal, roughness, metallic and emission of the first surface, as extra
        outputs."""
        for name in ("base", "normal", "surface", "emission"):
            plane = self.scene.view_layers[0].aovs.add()
            plane.name, plane.type = name, "COLOR"
        for material in bpy.data.materials:
            if material.use_nodes:
                add_plane_outputs(material)
                material.cycles.emission_sampling = "NONE"

    def add_sun_and_lights(self) -> None:
        if "sun" in self.lighting:
            stated = self.lighting["sun"]
            sun = bpy.data.lights.new("sun", "SUN")
            sun.energy, sun.color = stated["strength_w_m2"], stated["color"]
            sun.angle = math.radians(stated["angle_deg"])
            self.place(sun, None, stated["direction"])
        for stated in self.lighting.get("lights", []):
            light = bpy.data.lights.new(stated["name"], "AREA")
            light.shape, light.size = stated["shape"], stated["size"][0]
            if stated["shape"] in ("RECTANGLE", "ELLIPSE"):
                light.size_y = stated["size"][1]
            light.energy, light.color = stated["power_w"], stated["color"]
            holder = self.place(light, stated["position"], stated["direction"])
            holder.visible_camera = holder.visible_glossy = False

    def place(self, light, position, direction):
        holder = bpy.data.objects.new(light.name, light)
        self.scene.collection.objects.link(holder)
        holder.location = turned(position) if position else (0, 0, 0)
        # A rectangle keeps one side horizontal.
        z = -turned(direction).normalized()
        up = Vector((0, 0, 1)) if abs(z.z) < 0.9 else Vector((0, 1, 0))
        x = up.cross(z).normalized()
        holder.rotation_mode = "QUATERNION"
        holder.rotation_quaternion = Matrix((x, z.cross(x), z)).transposed().to_quaternion()
        return holder

    def add_sky(self) -> None:
        """strength * lerp(horizon, zenith, sqrt(up)); below the horizon the ground's color."""
        sky = self.lighting.get("sky", {"horizon": [0] * 3, "zenith": [0] * 3, "ground": [0] * 3,
                                        "strength": 0.0})
        world = bpy.data.worlds.new("sky")
        self.scene.world, world.use_nodes = world, True
        tree = world.node_tree
        new, link = tree.nodes.new, tree.links.new

        def math_node(operation, source, value):
            node = new("ShaderNodeMath")
            node.operation, node.inputs[1].default_value = operation, value
            link(source, node.inputs[0])
            return node.outputs[0]

        def mixed(factor, a, b):
            node = new("ShaderNodeMix")
            node.data_type = "RGBA"
            sockets = [s for s in node.inputs if s.type == "RGBA"]
            for socket, color in zip(sockets, (a, b)):
                if isinstance(color, list):
                    socket.default_value = (*color, 1)
                else:
                    link(color, socket)
            link(factor, node.inputs["Factor"])
            return next(s for s in node.outputs if s.type == "RGBA")

        separate = new("ShaderNodeSeparateXYZ")
        link(new("ShaderNodeTexCoord").outputs["Generated"], separate.inputs[0])
        height = separate.outputs[2]
        root = math_node("POWER", math_node("MAXIMUM", height, 0.0), 0.5)
        dome = mixed(root, sky["horizon"], sky["zenith"])
        color = mixed(math_node("GREATER_THAN", height, 0.0), sky["ground"], dome)
        background = tree.nodes["Background"]
        link(color, background.inputs["Color"])
        background.inputs["Strength"].default_value = sky["strength"]

    def set_up_camera(self, field_of_view: float) -> None:
        camera = bpy.data.cameras.new("camera")
        self.camera = bpy.data.objects.new("camera", camera)
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera
        camera.sensor_fit, camera.angle = "HORIZONTAL", math.radians(field_of_view)
        camera.clip_start, camera.clip_end = NEAR, FAR
        self.focal = 0.5 * self.size / math.tan(math.radians(field_of_view) / 2)

    def set_up_render(self, threads: int) -> None:
        render, cycles = self.scene.render, self.scene.cycles
        render.resolution_x = render.resolution_y = self.size
        render.resolution_percentage = 100
        render.use_persistent_data = True
        render.threads_mode, render.threads = "FIXED", threads
        image = render.image_settings
        image.file_format, image.color_depth, image.exr_codec = "OPEN_EXR_MULTILAYER", "32", "NONE"
        self.scene.view_settings.view_transform = "Standard"
        layer = self.scene.view_layers[0]
        layer.use_pass_z = layer.use_pass_combined = True
        cycles.device = "CPU"
        cycles.caustics_reflective = cycles.caustics_refractive = False
        cycles.blur_glossy, cycles.sample_clamp_indirect = 0.5, 6.0
        cycles.diffuse_bounces = cycles.glossy_bounces = 3
        cycles.transparent_max_bounces, cycles.use_auto_tile = 8, False

    def distance(self, origin, direction) -> float:
        """Free way along a ray in glTF's axes; infinite where it meets nothing."""
        if self.rays is None:
            graph = bpy.context.evaluated_depsgraph_get()
            points, polygons = [], []
            for instance in graph.object_instances:
                if instance.object.type != "MESH":
                    continue
                mesh, first = instance.object.to_mesh(), len(points)
                points += [instance.matrix_world @ v.co for v in mesh.vertices]
                polygons += [[first + i for i in p.vertices] for p in mesh.polygons]
                instance.object.to_mesh_clear()
            self.rays = BVHTree.FromPolygons(points, polygons)
            low, high = np.min(points, 0), np.max(points, 0)
            self.bounds = (np.array([low[0], low[2], -high[1]]),
                           np.array([high[0], high[2], -low[1]]))
        hit = self.rays.ray_cast(turned(origin), turned(direction).normalized())
        return math.inf if hit[3] is None else hit[3]

    def frame(self, camera_to_world: np.ndarray, quality: Quality, seed: int) -> dict:
        """Planes as they are stored, by their folder's name."""
        self.camera.matrix_world = TO_BLENDER @ Matrix(camera_to_world.tolist())
        cycles = self.scene.cycles
        cycles.samples, cycles.seed, cycles.max_bounces = quality.samples, seed, 4
        cycles.use_adaptive_sampling, cycles.use_denoising = True, True
        cycles.adaptive_threshold = quality.threshold
        cycles.adaptive_min_samples = quality.least_samples
        cycles.denoiser, cycles.denoising_input_passes = "OPENIMAGEDENOISE", "RGB_ALBEDO_NORMAL"
        cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.5
        shaded = self.rendered()
        # Depth cannot be averaged over a pixel: one ray through its center.
        cycles.samples, cycles.max_bounces = 1, 0
        cycles.use_adaptive_sampling = cycles.use_denoising = False
        cycles.pixel_filter_type, cycles.filter_width = "BOX", 0.01
        return stored_planes(shaded, self.rendered(), self.exposure)

    def rendered(self) -> dict[str, np.ndarray]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "frame.exr")
            self.scene.render.filepath = path
            bpy.ops.render.render(write_still=True)
            with OpenEXR.File(path, separate_channels=True) as file:
                return {name: np.array(channel.pixels, np.float32)
                        for name, channel in file.parts[0].channels.items()}


def add_plane_outputs(material) -> None:
    tree = material.node_tree
    shader = next((n for n in tree.nodes if n.type == "BSDF_PRINCIPLED"), None)
    if shader is None:
        raise ValueError(f"material '{material.name}' is not metallic-roughness")
    source = lambda name: shader.inputs[name].links[0].from_socket \
        if shader.inputs[name].is_linked else None
    alpha = source("Alpha")

    def output(plane, socket):
        node = tree.nodes.new("ShaderNodeOutputAOV")
        node.aov_name = plane
        if alpha is not None:  # alpha-masked texels are passed through
            scale = tree.nodes.new("ShaderNodeVectorMath")
            scale.operation = "SCALE"
            tree.links.new(socket, scale.inputs[0])
            tree.links.new(alpha, scale.inputs["Scale"])
            socket = scale.outputs[0]
        tree.links.new(socket, node.inputs["Color"])

    def color(name):
        socket = source(name)
        if socket is None:
            constant = tree.nodes.new("ShaderNodeRGB")
            constant.outputs[0].default_value = shader.inputs[name].default_value
            socket = constant.outputs[0]
        return socket

    output("base", color("Base Color"))
    strength, emission = source("Emission Strength"), tree.nodes.new("ShaderNodeVectorMath")
    emission.operation = "SCALE"
    tree.links.new(color("Emission Color"), emission.inputs[0])
    if strength is not None:
        tree.links.new(strength, emission.inputs["Scale"])
    else:
        emission.inputs["Scale"].default_value = shader.inputs["Emission Strength"].default_value
    output("emission", emission.outputs[0])
    normal = source("Normal")
    output("normal", normal if normal is not None else
           tree.nodes.new("ShaderNodeNewGeometry").outputs["Normal"])
    surface = tree.nodes.new("ShaderNodeCombineXYZ")
    for index, name in enumerate(("Roughness", "Metallic")):
        socket = source(name)
        if socket is not None:
            tree.links.new(socket, surface.inputs[index])
        else:
            surface.inputs[index].default_value = shader.inputs[name].default_value
    surface.inputs[2].default_value = 1.0  # where there is a surface at all
    output("surface", surface.outputs[0])


def srgb_bytes(linear: np.ndarray) -> np.ndarray:
    x = np.clip(linear, 0, 1)
    return unit_bytes(np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055))


def unit_bytes(x: np.ndarray) -> np.ndarray:
    return (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)


def stored_planes(shaded: dict, centered: dict, exposure: float) -> dict[str, np.ndarray]:
    def color(name: str) -> np.ndarray:
        return np.stack([next(v for k, v in shaded.items() if k.endswith(f"{name}.{c}"))
                         for c in "RGB"], -1)
    normal, surface = color(".normal"), color(".surface")
    normal = np.stack([normal[..., 0], normal[..., 2], -normal[..., 1]], -1)  # to Y up
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    there = (surface[..., 2:] >= 0.5) & (length > 1e-4)
    normal = np.where(there, normal / np.maximum(length, 1e-4), 0)
    depth = next(v for k, v in centered.items() if k.endswith(("Depth.Z", "Depth.V")))
    depth = np.where(np.isfinite(depth) & (depth < 1e6), depth, 0)
    return {
        "BaseColor": srgb_bytes(color(".base")), "Normals": unit_bytes(normal * 0.5 + 0.5),
        "Depth": np.clip(np.round(depth * DEPTH_UNITS_PER_METRE), 0, 65535).astype(np.uint16),
        "Roughness": unit_bytes(surface[..., 0]), "Metallic": unit_bytes(surface[..., 1]),
        "Emissive": srgb_bytes(color(".emission") * exposure),
        "FinalImage": srgb_bytes(color("Combined") * exposure)}
