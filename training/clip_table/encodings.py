# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Cases: the encodings that camera.json states."""

import numpy as np

from clip_table.cases import (
    FIRST, HEIGHT, UNITS, WIDTH, accept, camera, camera_edit, encoding, planar_metres, refuse)
from clip_table.files import png


def add_encodings() -> None:
    depth = lambda **keys: encoding(depth={"unitsPerMetre": UNITS, **keys})
    end = "encodings.depth"
    colors = '("srgb", "srgb8", "srgb16", "linear", "linear8", "linear16")'
    axes = ('("y-up right-handed", "y-up left-handed", "z-up right-handed", "z-up left-handed")')
    for name, edit, sentence in [
            ("ray depth under another name", depth(kind="radial"),
             f'{end}.kind "radial" is not supported ("planar", "distance", "reversed")'),
            ("a scale of 0", encoding(depth={"unitsPerMetre": 0}),
             f"{end}.unitsPerMetre 0 is not from 0.000001 to 1000000000"),
            ("a sky of half a unit", depth(sky=0.5),
             f"{end}.sky 0.5 is no whole number from 0 to 65535"),
            ("an unknown key of depth", depth(far=100),
             f"{end}.far is not known; the nearest known key is sky"),
            ("depth as a text", encoding(depth="planar"), f"{end} is not an object"),
            ("tangent space", encoding(normals={"space": "tangent"}),
             'encodings.normals.space "tangent" is not supported ("world", "view")'),
            ("other axes", encoding(normals={"axes": "x-up"}),
             f'encodings.normals.axes "x-up" is not supported {axes}'),
            ("another encoding of normals", encoding(normals={"encoding": "octahedral"}),
             'encodings.normals.encoding "octahedral" is not supported ("n*0.5+0.5")'),
            ("a color space", encoding(baseColor="acescg"),
             f'encodings.baseColor "acescg" is not supported {colors}'),
            ("glossiness", encoding(roughness="gloss"), 'encodings.roughness "gloss" is not '
             'supported ("linear", "linear8", "linear16", "smoothness")'),
            ("metallic as a color", encoding(metallic="srgb8"), 'encodings.metallic "srgb8" is not '
             'supported ("linear", "linear8", "linear16")'),
            ("an unknown key of encodings", encoding(roughnes="linear8"),
             "encodings.roughnes is not known; the nearest known key is roughness"),
            ("reversed depth with a scale", depth(kind="reversed"),
             "encodings.depth.unitsPerMetre has no meaning for reversed depth")]:
        refuse(f"encodings: {name}", "camera.json", sentence, camera_edit(edit))
    refuse("encodings: no scale", "Depth", "the depth has no known scale; state it in camera.json "
           "(encodings.depth.unitsPerMetre) or by an option", camera_edit(encoding(depth={})))
    refuse("encodings: no camera.json", "Depth", "the depth has no known scale; state it in "
           "camera.json (encodings.depth.unitsPerMetre) or by an option",
           lambda clip: clip.files.pop("camera.json"))
    refuse("encodings: ray distance without cameras", "", "distance depth needs the cameras of a "
           "camera.json", camera_edit(lambda s: (depth(kind="distance")(s), s.update(frames=[]))[1]))
    refuse("encodings: view space without cameras", "", "view-space normals need the cameras of a "
           "camera.json", camera_edit(
               lambda s: (encoding(normals={"space": "view"})(s), s.update(frames=[]))[1]))

    def no_near(stated):
        encoding(depth={"kind": "reversed"})(stated)
        for entry in stated["frames"]:
            del entry["near"]
    refuse("encodings: reversed depth without a near plane", "camera.json", "the camera of frame 0 "
           "has no near plane, which reversed depth needs", camera_edit(no_near))

    def far_away(clip):
        for number, raw in enumerate(p["Depth"] for p in clip.planes):
            clip.answer[number]["Depth"] = planar_metres(raw, far=np.inf)
    accept("encodings: no cameras", camera_edit(lambda s: s.update(frames=[]), far_away))

    def sky(clip):
        raw = clip.planes[0]["Depth"]
        raw[1, :4], raw[2, 2] = 20000, 0
        clip.files[FIRST["Depth"]] = png(raw)
        depth_now = planar_metres(raw)
        depth_now[1, :4] = 0
        clip.answer[0]["Depth"] = depth_now
    accept("encodings: a sky stated", camera_edit(depth(sky=20000), sky))

    def ray(clip):
        entry = camera(0)
        x = (np.arange(WIDTH) + 0.5 - entry["cx"]) / entry["fx"]
        y = (np.arange(HEIGHT) + 0.5 - entry["cy"]) / entry["fy"]
        length = np.sqrt((x * x)[None] + (y * y)[:, None] + 1)
        for number, raw in enumerate(p["Depth"] for p in clip.planes):
            metres = raw.astype(np.float32) * np.float32(1 / UNITS)
            planar = (metres.astype(np.float64) / length).astype(np.float32)
            clip.answer[number]["Depth"] = np.where(planar < 100, planar, np.float32(0))
    accept("encodings: ray distance", camera_edit(depth(kind="distance"), ray))

    def device(far):
        def change(clip):
            for number, raw in enumerate(p["Depth"] for p in clip.planes):
                value = raw.astype(np.float32) / np.float32(65535)
                top, offset, span = (0.1 * far, 0.1, far - 0.1) if far else (0.1, 0, 1)
                with np.errstate(divide="ignore"):
                    z = np.float32(top) / (np.float32(offset) + value * np.float32(span))
                clip.answer[number]["Depth"] = np.where(
                    (raw > 0) & (z < (far or np.inf)), z, np.float32(0))
        return change
    accept("encodings: reversed depth", camera_edit(
        encoding(depth={"kind": "reversed"}), device(100)))

    def infinite(stated):
        encoding(depth={"kind": "reversed", "sky": 0})(stated)
        for entry in stated["frames"]:
            entry["far"] = 0
    accept("encodings: reversed depth, infinite", camera_edit(infinite, device(0)))

    def smooth(clip):
        for number, planes in enumerate(clip.planes):
            clip.answer[number]["Roughness"] = 255 - planes["Roughness"]
    accept("encodings: smoothness", camera_edit(encoding(roughness="smoothness"), smooth))

    def turned(order, signs):
        def change(clip):
            for number, planes in enumerate(clip.planes):
                channels = [planes["Normals"][..., c] for c in order]
                clip.answer[number]["Normals"] = np.stack(
                    [c if s > 0 else 255 - c for c, s in zip(channels, signs)], -1)
        return change
    for name, order, signs in [("y-up right-handed", (0, 1, 2), (1, 1, 1)),
                               ("y-up left-handed", (0, 1, 2), (1, 1, -1)),
                               ("z-up right-handed", (0, 2, 1), (1, 1, -1)),
                               ("z-up left-handed", (1, 2, 0), (1, 1, -1))]:
        accept(f"encodings: normals {name}", camera_edit(
            encoding(normals={"axes": name, "sky": 128, "encoding": "n*0.5+0.5"}),
            turned(order, signs)))
    accept("encodings: view-space normals stay in their space", camera_edit(
        encoding(normals={"space": "view"})))
    accept("encodings: everything as it is by default", camera_edit(encoding(
        baseColor="srgb8", finalImage="srgb8", roughness="linear8", metallic="linear8",
        depth={"kind": "planar", "unitsPerMetre": UNITS, "sky": 0})))
