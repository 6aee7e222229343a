# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Reads a glTF binary into Panda3D: geometry as it lies in the file, textures by Pillow."""
import io
import json
import struct

import numpy as np
from panda3d import core
from PIL import Image

KINDS = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class File:
    def __init__(self, path):
        data = open(path, "rb").read()
        if data[:4] != b"glTF":
            raise SystemExit(f"{path} is not a binary glTF file")
        json_bytes = struct.unpack_from("<I", data, 12)[0]
        self.json = json.loads(data[20:20 + json_bytes])
        self.blob = data[20 + json_bytes + 8:]

    def view(self, index):
        view = self.json["bufferViews"][index]
        start = view.get("byteOffset", 0)
        return self.blob[start:start + view["byteLength"]], view.get("byteStride")

    def accessor(self, index):
        accessor = self.json["accessors"][index]
        kind, width = np.dtype(KINDS[accessor["componentType"]]), WIDTHS[accessor["type"]]
        raw, stride = self.view(accessor["bufferView"])
        values = np.ndarray(
            (accessor["count"], width), kind, raw, accessor.get("byteOffset", 0),
            (stride or kind.itemsize * width, kind.itemsize))
        if not accessor.get("normalized"):
            return values
        return np.maximum(values.astype(np.float32) / np.iinfo(kind).max, -1)

    def texture(self, index, is_srgb):
        entry = self.json["textures"][index]
        source = entry.get("extensions", {}).get("EXT_texture_webp", entry)["source"]
        image = Image.open(io.BytesIO(self.view(self.json["images"][source]["bufferView"])[0]))
        # Panda3D's memory order is BGRA, rows from the bottom.
        pixels = np.asarray(image.convert("RGBA"))[::-1, :, [2, 1, 0, 3]]
        texture = core.Texture()
        texture.setup2dTexture(
            image.width, image.height, core.Texture.T_unsigned_byte,
            core.Texture.F_srgb_alpha if is_srgb else core.Texture.F_rgba)
        texture.setRamImage(pixels.tobytes())
        texture.setMinfilter(core.SamplerState.FT_linear_mipmap_linear)
        texture.setAnisotropicDegree(4)
        return texture


def _geometry(file, primitive):
    names = primitive["attributes"]
    columns = np.hstack([
        file.accessor(names["POSITION"]).astype(np.float32),
        file.accessor(names["NORMAL"]).astype(np.float32),
        # glTF's second coordinate runs down the image, Panda3D's up.
        file.accessor(names["TEXCOORD_0"]).astype(np.float32) * (1, -1) + (0, 1),
    ]).astype(np.float32)
    vertices = core.GeomVertexData("surface", core.GeomVertexFormat.getV3n3t2(), core.Geom.UHStatic)
    vertices.uncleanSetNumRows(len(columns))
    vertices.modifyArrayHandle(0).copyDataFrom(np.ascontiguousarray(columns).tobytes())
    triangles = core.GeomTriangles(core.Geom.UHStatic)
    triangles.setIndexType(core.GeomEnums.NT_uint32)
    indices = triangles.modifyVertices()
    values = file.accessor(primitive["indices"]).astype(np.uint32)
    indices.uncleanSetNumRows(len(values))
    indices.modifyHandle().copyDataFrom(values.tobytes())
    geometry = core.Geom(vertices)
    geometry.addPrimitive(triangles)
    return geometry


def _surface(file, index, blank):
    """The shader's inputs for one material."""
    material = file.json["materials"][index]
    values = material.get("pbrMetallicRoughness", {})

    def texture(entry, is_srgb=False):
        return file.texture(entry["index"], is_srgb) if entry else blank

    normal = material.get("normalTexture")
    strength = material.get("extensions", {}).get("KHR_materials_emissive_strength", {}).get(
        "emissiveStrength", 1)
    light = [factor * strength for factor in material.get("emissiveFactor", (0, 0, 0))]
    return {
        "base_texture": texture(values.get("baseColorTexture"), True),
        "normal_texture": texture(normal),
        "surface_texture": texture(values.get("metallicRoughnessTexture")),
        "emissive_texture": texture(material.get("emissiveTexture"), True),
        "emissive_factor": core.LVector3(*light),
        "base_factor": core.LVector4(*values.get("baseColorFactor", (1, 1, 1, 1))),
        "roughness_metallic": core.LVector2(
            values.get("roughnessFactor", 1), values.get("metallicFactor", 1)),
        "normal_scale": float(normal.get("scale", 1)) if normal else 0.0,
        "alpha_cutoff": float(material.get("alphaCutoff", 0.5)) if material.get("alphaMode") == "MASK" else 0.0,
    }, material.get("doubleSided", False)


def load(path):
    """The file's scene as a node path, each part with its shader's inputs, and whether something in it gives
    off light by itself."""
    file = File(path)
    blank = core.Texture()
    blank.setup2dTexture(1, 1, core.Texture.T_unsigned_byte, core.Texture.F_rgba)
    blank.setRamImage(b"\xff" * 4)
    surfaces = {}
    root = core.NodePath("environment")
    shines = any(any(material.get("emissiveFactor", ())) for material in file.json["materials"])
    for node in file.json["nodes"]:
        if "mesh" not in node:
            continue
        place = root.attachNewNode(node.get("name", "node"))
        place.setPos(*node.get("translation", (0, 0, 0)))
        place.setScale(*node.get("scale", (1, 1, 1)))
        for primitive in file.json["meshes"][node["mesh"]]["primitives"]:
            index = primitive["material"]
            if index not in surfaces:
                surfaces[index] = _surface(file, index, blank)
            inputs, is_two_sided = surfaces[index]
            part = core.GeomNode("part")
            part.addGeom(_geometry(file, primitive))
            path = place.attachNewNode(part)
            path.setShaderInputs(**inputs)
            path.setTwoSided(is_two_sided)
    return root, shines
