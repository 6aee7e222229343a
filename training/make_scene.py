# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A small environment of our own, from numbers alone: a brick loft with columns, tables and
spheres, lit by sun through tall windows and two lamps. CC0-1.0.

    python training/make_scene.py --out DIR        writes DIR/loft.glb and DIR/lighting.json
"""

import argparse
import io
import json
import struct
import sys
from pathlib import Path

import numpy as np
from PIL import Image

TEXTURE = 256
FLOAT, INDEX = 5126, 5125  # glTF component types: float, unsigned int


def noise(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Smooth tileable noise `[TEXTURE, TEXTURE]` of -1..1."""
    coarse = rng.uniform(-1, 1, (cells, cells))
    at = np.arange(TEXTURE) * cells / TEXTURE
    i, t = at.astype(int), at % 1
    t = t * t * (3 - 2 * t)
    rows = coarse[i % cells] * (1 - t)[:, None] + coarse[(i + 1) % cells] * t[:, None]
    return rows[:, i % cells] * (1 - t) + rows[:, (i + 1) % cells] * t


def textures(rng: np.random.Generator) -> dict[str, np.ndarray]:
    y, x = np.mgrid[0:TEXTURE, 0:TEXTURE] / TEXTURE
    grain = sum(noise(rng, c) / 2 ** k for k, c in enumerate((8, 16, 32, 64)))[..., None]
    row = np.floor(y * 8)
    shifted = x * 4 + 0.5 * (row % 2)
    mortar = ((y * 8 % 1 < 0.08) | (shifted % 1 < 0.04))[..., None]
    tint = rng.uniform(0.8, 1.15, (8, 5))[row.astype(int), np.floor(shifted).astype(int) % 5]
    brick = np.where(mortar, [0.6, 0.58, 0.55], np.array([0.52, 0.23, 0.16]) * tint[..., None])
    checker = ((np.floor(x * 4) + np.floor(y * 4)) % 2)[..., None]
    tiles = np.where(checker > 0, [0.75, 0.72, 0.66], [0.22, 0.25, 0.28])
    rings = np.sin(40 * (x + 0.06 * noise(rng, 4)))[..., None]
    wood = np.array([0.48, 0.3, 0.16]) * (1 + 0.2 * rings)
    plaster = np.full((TEXTURE, TEXTURE, 3), [0.78, 0.76, 0.71])
    soften = {"brick": 0.12, "tiles": 0.05, "wood": 0.1, "plaster": 0.05}
    plain = {"brick": brick, "tiles": tiles, "wood": wood, "plaster": plaster}
    return {name: np.clip(color * (1 + soften[name] * grain), 0, 1)
            for name, color in plain.items()}


class Mesh:
    """Quads of one material, gathered."""

    def __init__(self):
        self.points, self.normals, self.coordinates, self.indices = [], [], [], []

    def quad(self, corner, across, up, metres_a_tile: float = 2.0) -> None:
        """A rectangle from `corner` along two edges; it faces across x up."""
        corner, across, up = (np.array(v, float) for v in (corner, across, up))
        normal = np.cross(across, up)
        normal /= np.linalg.norm(normal)
        first = len(self.points)
        width, height = np.linalg.norm(across), np.linalg.norm(up)
        for s, t in ((0, 0), (1, 0), (1, 1), (0, 1)):
            self.points.append(corner + s * across + t * up)
            self.normals.append(normal)
            self.coordinates.append([s * width / metres_a_tile, (1 - t) * height / metres_a_tile])
        self.indices += [first, first + 1, first + 2, first, first + 2, first + 3]

    def box(self, low, high) -> None:
        (x0, y0, z0), (x1, y1, z1) = low, high
        dx, dy, dz = x1 - x0, y1 - y0, z1 - z0
        self.quad((x0, y0, z1), (dx, 0, 0), (0, dy, 0))
        self.quad((x1, y0, z0), (-dx, 0, 0), (0, dy, 0))
        self.quad((x1, y0, z1), (0, 0, -dz), (0, dy, 0))
        self.quad((x0, y0, z0), (0, 0, dz), (0, dy, 0))
        self.quad((x0, y1, z1), (dx, 0, 0), (0, 0, -dz))
        self.quad((x0, y0, z0), (dx, 0, 0), (0, 0, dz))

    def sphere(self, center, radius: float, around: int = 32, rows: int = 16) -> None:
        first = len(self.points)
        for j in range(rows + 1):
            for i in range(around + 1):
                a, b = 2 * np.pi * i / around, np.pi * j / rows
                unit = np.array([np.sin(b) * np.cos(a), np.cos(b), -np.sin(b) * np.sin(a)])
                self.points.append(np.array(center) + radius * unit)
                self.normals.append(unit)
                self.coordinates.append([i / around, j / rows])
        for j in range(rows):
            for i in range(around):
                a = first + j * (around + 1) + i
                b = a + around + 1
                self.indices += [a, b, b + 1, a, b + 1, a + 1]


def loft() -> dict[str, Mesh]:
    """12 x 4 x 8 metres, the sun's side (+X) open in four tall windows."""
    parts = {name: Mesh() for name in MATERIALS}
    parts["tiles"].quad((0, 0, 8), (12, 0, 0), (0, 0, -8))
    parts["plaster"].quad((0, 4, 0), (12, 0, 0), (0, 0, 8))
    parts["brick"].quad((0, 0, 0), (12, 0, 0), (0, 4, 0))
    parts["brick"].quad((12, 0, 8), (-12, 0, 0), (0, 4, 0))
    parts["plaster"].quad((0, 0, 8), (0, 0, -8), (0, 4, 0))
    parts["brick"].box((11.9, 0, 0), (12.2, 0.8, 8))
    parts["brick"].box((11.9, 3.4, 0), (12.2, 4, 8))
    for z in (0.0, 1.6, 3.6, 5.6, 7.4):
        parts["brick"].box((11.9, 0.8, z), (12.2, 3.4, z + 0.6))
    for x in (3.5, 8.5):
        for z in (2.0, 6.0):
            parts["plaster"].box((x - 0.2, 0, z - 0.2), (x + 0.2, 4, z + 0.2))
    for x, z in ((1.6, 4.0), (6.0, 1.4), (6.0, 6.6)):
        parts["wood"].box((x - 0.8, 0.7, z - 0.4), (x + 0.8, 0.76, z + 0.4))
        for dx in (-0.7, 0.64):
            for dz in (-0.34, 0.28):
                parts["steel"].box((x + dx, 0, z + dz), (x + dx + 0.06, 0.7, z + dz + 0.06))
    parts["steel"].sphere((6.0, 1.0, 1.4), 0.24)
    parts["paint"].sphere((6.3, 0.98, 6.6), 0.22)
    parts["paint"].sphere((1.6, 1.06, 4.0), 0.3)
    parts["wood"].box((9.6, 0, 0.05), (11.2, 1.9, 0.4))
    parts["paint"].box((0.05, 0, 5.6), (0.9, 0.9, 7.6))
    for x in (3.0, 9.0):
        parts["steel"].box((x - 0.6, 3.3, 3.9), (x + 0.6, 3.36, 4.1))
        parts["lamp"].box((x - 0.55, 3.285, 3.91), (x + 0.55, 3.3, 4.09))  # above its light
    return parts


MATERIALS = {  # roughness, metallic, color or texture's name
    "brick": (0.9, 0.0, "brick"), "tiles": (0.25, 0.0, "tiles"), "wood": (0.5, 0.0, "wood"),
    "plaster": (0.95, 0.0, "plaster"), "steel": (0.2, 1.0, [0.6, 0.6, 0.62]),
    "paint": (0.35, 0.0, [0.05, 0.2, 0.42]), "lamp": (0.6, 0.0, [1.0, 0.78, 0.52])}
EMISSION = {"lamp": [1.0, 0.8, 0.55]}  # linear, at the picture's exposure

LIGHTING = {
    "sun": {"direction": [-0.72, -0.55, -0.42], "color": [1.0, 0.9, 0.76],
            "strength_w_m2": 12.0, "angle_deg": 1.0},
    "sky": {"horizon": [0.7, 0.79, 0.92], "zenith": [0.27, 0.45, 0.8],
            "ground": [0.2, 0.18, 0.15], "strength": 2.4},
    "exposure_ev": 0.0,
    "lights": [{"type": "AREA", "name": f"lamp{i}", "shape": "RECTANGLE",
                "position": [x, 3.28, 4.0], "direction": [0, -1, 0], "size": [1.1, 0.18],
                "power_w": 180, "color": [1, 0.78, 0.52]} for i, x in enumerate((3.0, 9.0))]}


class Binary:
    """The second half of a .glb file, filled piece by piece."""

    def __init__(self):
        self.content, self.views, self.accessors = bytearray(), [], []

    def view(self, data: bytes) -> int:
        self.content += b"\0" * (-len(self.content) % 4)
        self.views.append({"buffer": 0, "byteOffset": len(self.content), "byteLength": len(data)})
        self.content += data
        return len(self.views) - 1

    def accessor(self, array: np.ndarray, kind: str, component: int) -> int:
        entry = {"bufferView": self.view(array.tobytes()), "componentType": component,
                 "count": len(array), "type": kind}
        if kind == "VEC3":
            entry |= {"min": array.min(0).tolist(), "max": array.max(0).tolist()}
        self.accessors.append(entry)
        return len(self.accessors) - 1


def glb(parts: dict[str, Mesh], pictures: dict[str, np.ndarray]) -> bytes:
    binary = Binary()
    document = {"asset": {"version": "2.0", "copyright": "CC0-1.0"}, "scene": 0,
                "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}], "materials": [],
                "images": [], "textures": [], "samplers": [{}]}
    primitives = []
    for number, (name, mesh) in enumerate(parts.items()):
        roughness, metallic, color = MATERIALS[name]
        surface = {"roughnessFactor": roughness, "metallicFactor": metallic}
        if isinstance(color, str):
            file = io.BytesIO()
            Image.fromarray((pictures[color] * 255).round().astype(np.uint8)).save(file, "PNG")
            document["images"].append({"bufferView": binary.view(file.getvalue()),
                                       "mimeType": "image/png"})
            document["textures"].append({"source": len(document["images"]) - 1, "sampler": 0})
            surface["baseColorTexture"] = {"index": len(document["textures"]) - 1}
        else:
            surface["baseColorFactor"] = [*color, 1.0]
        material = {"name": name, "pbrMetallicRoughness": surface}
        if name in EMISSION:
            material["emissiveFactor"] = EMISSION[name]
        document["materials"].append(material)
        floats = lambda rows: np.array(rows, np.float32)
        primitives.append({
            "attributes": {"POSITION": binary.accessor(floats(mesh.points), "VEC3", FLOAT),
                           "NORMAL": binary.accessor(floats(mesh.normals), "VEC3", FLOAT),
                           "TEXCOORD_0": binary.accessor(floats(mesh.coordinates), "VEC2", FLOAT)},
            "indices": binary.accessor(np.array(mesh.indices, np.uint32), "SCALAR", INDEX),
            "material": number})
    document |= {"meshes": [{"name": "loft", "primitives": primitives}],
                 "bufferViews": binary.views, "accessors": binary.accessors,
                 "buffers": [{"byteLength": len(binary.content)}]}
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = bytes(binary.content) + b"\0" * (-len(binary.content) % 4)
    total = 12 + 8 + len(text) + 8 + len(body)
    return (struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON")
            + text + struct.pack("<I4s", len(body), b"BIN\0") + body)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    content = glb(loft(), textures(np.random.default_rng(options.seed)))
    (options.out / "loft.glb").write_bytes(content)
    (options.out / "lighting.json").write_text(json.dumps(LIGHTING, indent=1) + "\n")
    print(f"{options.out / 'loft.glb'}: {len(content)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
