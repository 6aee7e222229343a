# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The G-buffer of a Blender scene by ray casting, which needs no window and no GPU.

Materials are read as the glTF importer makes them: a Principled BSDF with numbers or image textures for
base color, roughness (green), metallic (blue), normal, alpha and emission.
"""
import bpy
import frameloom
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

MAX_LAYERS = 8
MASK = 0.5


class _Texture:
    """An image with its halved versions; repeats."""

    def __init__(self, image, is_color):
        width, height = image.size
        pixels = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(pixels)
        pixels = pixels.reshape(height, width, 4)
        if is_color:
            rgb = pixels[..., :3]
            pixels[..., :3] = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        self.levels = [pixels]
        while min(self.levels[-1].shape[:2]) > 1:
            last = self.levels[-1]
            last = last[:last.shape[0] // 2 * 2, :last.shape[1] // 2 * 2]
            self.levels.append((last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2]) / 4)

    def sample(self, uv, footprint):
        """`footprint`: of a pixel, in units of the coordinates."""
        level = np.log2(np.maximum(footprint * max(self.levels[0].shape[:2]), 1))
        level = np.clip(np.rint(level), 0, len(self.levels) - 1).astype(int)
        out = np.empty((len(uv), 4), np.float32)
        for index in np.unique(level):
            pixels = self.levels[index]
            chosen = level == index
            size = np.array([pixels.shape[1], pixels.shape[0]])
            at = np.floor(uv[chosen] * size).astype(int) % size
            out[chosen] = pixels[at[:, 1], at[:, 0]]
        return out


class _Surface:
    def __init__(self, material, textures):
        self.base = np.array([0.8, 0.8, 0.8])
        self.roughness, self.metallic, self.normal_scale = 0.5, 0.0, 1.0
        self.base_map = self.surface_map = self.normal_map = None
        self.is_masked = False
        self.light, self.light_map, self.light_strength = np.zeros(3), None, 0.0
        nodes = material.node_tree.nodes if material and material.use_nodes else ()
        principled = next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)
        if principled is None:
            return
        inputs = principled.inputs
        self.base = np.array(inputs["Base Color"].default_value[:3])
        self.roughness, self.metallic = inputs["Roughness"].default_value, inputs["Metallic"].default_value

        def texture(name, is_color=False):
            node = _image_behind(inputs[name])
            if node is None or node.image is None:
                return None
            key = (node.image.name, is_color)
            if key not in textures:
                textures[key] = _Texture(node.image, is_color)
            return textures[key]

        self.base_map = texture("Base Color", True)
        self.surface_map = texture("Roughness") or texture("Metallic")
        self.normal_map = texture("Normal")
        self.is_masked = inputs["Alpha"].is_linked and self.base_map is not None
        strength = inputs["Emission Strength"].default_value
        self.light_map = texture("Emission Color", True) if strength > 0 else None
        self.light = np.array(inputs["Emission Color"].default_value[:3]) * strength
        self.light_strength = strength
        if inputs["Normal"].is_linked:
            node = inputs["Normal"].links[0].from_node
            if node.type == "NORMAL_MAP":
                self.normal_scale = node.inputs["Strength"].default_value


def _image_behind(socket):
    """The first image texture that the socket gets its value from."""
    waiting = [link.from_node for link in socket.links]
    while waiting:
        node = waiting.pop(0)
        if node.type == "TEX_IMAGE":
            return node
        waiting += [link.from_node for entry in node.inputs for link in entry.links]
    return None


class Geometry:
    """All triangles of a scene in the world, with what their corners carry."""

    def __init__(self, depsgraph):
        parts, self.surfaces, numbers, textures = [], [], {}, {}
        first = 0
        for instance in depsgraph.object_instances:
            source = instance.object
            if source.type != "MESH" or not instance.show_self:
                continue
            mesh = source.to_mesh()
            mesh.calc_loop_triangles()
            count = len(mesh.loop_triangles)
            if count:
                parts.append(self._part(mesh, np.array(instance.matrix_world), count, first))
                own = []
                for slot in (source.material_slots or [None]):
                    material = slot.material if slot else None
                    name = material.name if material else ""
                    if name not in numbers:
                        numbers[name] = len(self.surfaces)
                        self.surfaces.append(_Surface(material, textures))
                    own.append(numbers[name])
                parts[-1]["surface"] = np.array(own)[np.minimum(parts[-1]["surface"], len(own) - 1)]
                first += len(parts[-1]["points"])
            source.to_mesh_clear()
        if not parts:
            raise ValueError("the scene has no mesh")
        for name in parts[0]:
            setattr(self, name, np.concatenate([part[name] for part in parts]))
        #: Whether anything gives off light by itself.
        self.shines = any(surface.light_strength > 0 and (surface.light_map or surface.light.any())
                          for surface in self.surfaces)
        self.tree = BVHTree.FromPolygons(self.points.tolist(), self.triangles.tolist())
        corners = self.points[self.triangles]
        edges = corners[:, 1:] - corners[:, :1]
        coordinates = self.uv[:, 1:] - self.uv[:, :1]
        area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
        turn = coordinates[:, 0, 0] * coordinates[:, 1, 1] - coordinates[:, 0, 1] * coordinates[:, 1, 0]
        #: Texture coordinates per metre.
        self.density = np.sqrt(np.abs(turn) / np.maximum(area, 1e-12))
        safe = np.where(np.abs(turn) < 1e-20, 1, turn)[:, None]
        self.tangent = (edges[:, 0] * coordinates[:, 1, 1:] - edges[:, 1] * coordinates[:, 0, 1:]) / safe
        self.bitangent = (edges[:, 1] * coordinates[:, 0, :1] - edges[:, 0] * coordinates[:, 1, :1]) / safe

    @staticmethod
    def _part(mesh, matrix, count, first):
        def read(collection, name, width, kind=np.float32):
            values = np.empty(len(collection) * width, kind)
            collection.foreach_get(name, values)
            return values.reshape(-1, width) if width > 1 else values

        points = read(mesh.vertices, "co", 3) @ matrix[:3, :3].T + matrix[:3, 3]
        loops = read(mesh.loop_triangles, "loops", 3, np.int32)
        normals = read(mesh.corner_normals, "vector", 3)[loops] @ np.linalg.inv(matrix[:3, :3])
        layer = mesh.uv_layers.active
        uv = read(layer.data, "uv", 2)[loops] if layer else np.zeros((count, 3, 2), np.float32)
        return {
            "points": points, "triangles": read(mesh.loop_triangles, "vertices", 3, np.int32) + first,
            "normals": normals, "uv": uv,
            "surface": read(mesh.loop_triangles, "material_index", 1, np.int32),
        }

    def draw(self, matrix, camera, width, height):
        """The planes as `frameloom.Session.submit` takes them; normals in the daemon's axes."""
        y, x = np.mgrid[0:height, 0:width]
        rays = np.stack([(x + 0.5 - camera.cx) / camera.fx, (camera.cy - y - 0.5) / camera.fy,
                         -np.ones((height, width))], axis=-1).reshape(-1, 3)
        directions = rays @ matrix[:3, :3].T
        origin = matrix[:3, 3]
        count = width * height
        base, normals, light = (np.zeros((count, 3)) for _ in range(3))
        depth, roughness, metallic = np.zeros(count, np.float32), np.zeros(count), np.zeros(count)
        open_pixels, starts = np.arange(count), np.zeros(count)
        for _ in range(MAX_LAYERS):
            hit = self._cast(origin, directions[open_pixels], starts[open_pixels])
            found = hit[0] >= 0
            pixels, index, distance = open_pixels[found], hit[0][found], hit[1][found]
            if not len(pixels):
                break
            shade = self._shade(index, origin + directions[pixels] * distance[:, None], directions[pixels],
                                distance / camera.fx)
            solid = shade["alpha"] >= MASK
            done = pixels[solid]
            base[done], normals[done] = shade["base"][solid], shade["normal"][solid]
            light[done] = shade["light"][solid]
            roughness[done], metallic[done] = shade["roughness"][solid], shade["metallic"][solid]
            # The rays' third number is -1 in the camera, so that their length counts planar metres.
            depth[done] = distance[solid]
            # What is seen through is passed.
            open_pixels = pixels[~solid]
            starts[open_pixels] = distance[~solid] + 1e-4
        shape = (height, width)
        planes = {
            "base_color": frameloom.srgb8(base.reshape(*shape, 3)),
            "normals": frameloom.world_vectors(normals.reshape(*shape, 3), "blender"),
            "depth": depth.reshape(shape),
            "roughness": np.clip(roughness, 0, 1).reshape(shape),
            "metallic": np.clip(metallic, 0, 1).reshape(shape),
        }
        if self.shines:
            planes["emissive"] = frameloom.srgb8(np.minimum(light, 1).reshape(*shape, 3))
        return planes

    def _cast(self, origin, directions, starts):
        """Triangle (or -1) and distance along the direction, in lengths of the direction."""
        index = np.full(len(directions), -1)
        distance = np.zeros(len(directions))
        lengths = np.linalg.norm(directions, axis=1)
        cast = self.tree.ray_cast
        places = origin + directions * starts[:, None]
        for number, (place, direction) in enumerate(zip(places.tolist(), directions.tolist())):
            _, _, triangle, far = cast(Vector(place), Vector(direction))
            if triangle is not None:
                index[number], distance[number] = triangle, far
        return index, starts + distance / lengths

    def _shade(self, index, places, directions, pixel_metres):
        corners = self.points[self.triangles[index]]
        weights = _barycentric(corners, places)
        uv = (self.uv[index] * weights[..., None]).sum(1)
        normal = _unit((self.normals[index] * weights[..., None]).sum(1))
        footprint = self.density[index] * pixel_metres
        out = {name: np.zeros(len(index)) for name in ("roughness", "metallic")}
        out["base"], out["light"] = np.zeros((len(index), 3)), np.zeros((len(index), 3))
        out["alpha"] = np.ones(len(index))
        surfaces = self.surface[index]
        for number in np.unique(surfaces):
            surface, at = self.surfaces[number], surfaces == number
            out["base"][at] = surface.base
            out["roughness"][at], out["metallic"][at] = surface.roughness, surface.metallic
            if surface.base_map:
                texels = surface.base_map.sample(uv[at], footprint[at])
                out["base"][at] = texels[:, :3]
                if surface.is_masked:
                    out["alpha"][at] = texels[:, 3]
            out["light"][at] = surface.light
            if surface.light_map:
                texels = surface.light_map.sample(uv[at], footprint[at])
                out["light"][at] = texels[:, :3] * surface.light_strength
            if surface.surface_map:
                texels = surface.surface_map.sample(uv[at], footprint[at])
                out["roughness"][at], out["metallic"][at] = texels[:, 1], texels[:, 2]
            if surface.normal_map:
                bump = surface.normal_map.sample(uv[at], footprint[at])[:, :3] * 2 - 1
                bump[:, :2] *= surface.normal_scale
                normal[at] = _unit(
                    _unit(self.tangent[index[at]]) * bump[:, :1]
                    + _unit(self.bitangent[index[at]]) * bump[:, 1:2] + normal[at] * bump[:, 2:])
        # Normals face the viewer.
        away = (normal * directions).sum(1) > 0
        flat = _unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
        behind = (flat * directions).sum(1) > 0
        normal[away & behind] *= -1
        out["normal"] = normal
        return out


def _barycentric(corners, places):
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    p = places - corners[:, 0]
    aa, ab, bb = (a * a).sum(1), (a * b).sum(1), (b * b).sum(1)
    pa, pb = (p * a).sum(1), (p * b).sum(1)
    scale = np.maximum(aa * bb - ab * ab, 1e-20)
    v, w = (bb * pa - ab * pb) / scale, (aa * pb - ab * pa) / scale
    return np.stack([1 - v - w, v, w], axis=1)


def _unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
