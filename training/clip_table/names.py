# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Cases: names of files and folders."""

import json

import numpy as np

from clip_table.cases import HEIGHT, PLANES, WIDTH, accept, document, refuse, renamed, srgb_of
from clip_table.files import jpeg, png


def add_names() -> None:
    accept("sound", lambda clip: None)
    accept("names: a prefix", renamed(lambda p, n: f"Corridor_FinalImage{p}_{n:04d}.png"))
    accept("names: a point before the number", renamed(lambda p, n: f"{p}.{n:04d}.png"))
    accept("names: nothing before the number", renamed(lambda p, n: f"{n}.png"))
    accept("names: no separator", renamed(lambda p, n: f"{p}{n:03d}.PNG"))
    accept("names: a dash after a word is no minus", renamed(lambda p, n: f"{p}-{n:04d}.png"))
    accept("names: other files beside", lambda clip: clip.files.update({
        "Depth/Thumbs.db": b"x", "Depth/notes.txt": b"x", "Normals/Normals_0000.exr": b"x",
        "Depth/Depth_0000.png.tmp": b"x", "extra/a.png": b"x"}))
    accept("names: hidden files beside", lambda clip: clip.files.update({
        f"{plane}/._{plane}_{n:04d}.png": b"Mac" for plane in PLANES for n in range(2)}))

    def negative(clip):
        renamed(lambda p, n: f"{p}_-{1 - n:03d}.png" if n == 0 else f"{p}_0000.png")(clip)
        clip.files["camera.json"] = json.dumps(document((-1, 0))).encode()
        clip.numbers = [-1, 0]
    accept("names: negative numbers", negative)

    def preview(clip):
        for plane in ("BaseColor", "Depth", "FinalImage"):
            for number in range(2):
                clip.files[f"{plane}/{plane}_{number:04d}.jpg"] = jpeg(
                    np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    accept("names: a JPEG beside a PNG is a preview", preview)
    refuse("names: one number twice", "Depth/b_0000.png",
           "has the same frame number as Depth_0000.png",
           lambda clip: clip.files.update({"Depth/b_0000.png": b"x"}))
    refuse("names: two JPEGs of one number", "Normals/a_7.jpg",
           "has the same frame number as a_07.jpeg",
           lambda clip: clip.files.update({"Normals/a_07.jpeg": b"x", "Normals/a_7.jpg": b"x"}))
    refuse("names: a version after the number", "BaseColor/BaseColor_0001_v2.png",
           "has the same frame number as BaseColor_0000_v2.png",
           renamed(lambda p, n: f"{p}_{n:04d}_v2.png"))
    refuse("names: a gap", "", "the numbering has a gap: frame 1 is missing", lambda clip: [
        clip.files.update({f"{p}/{p}_0002.png": clip.files.pop(f"{p}/{p}_0001.png")})
        for p in PLANES])
    refuse("names: one frame of one plane", "Roughness", "frame 1 is missing",
           lambda clip: clip.files.pop("Roughness/Roughness_0001.png"))
    refuse("names: one frame more of one plane", "BaseColor", "frame 2 is missing",
           lambda clip: clip.files.update({"Normals/Normals_0002.png": b"x"}))

    def only(name):
        def change(clip):
            for number in range(2):
                del clip.files[f"Depth/Depth_{number:04d}.png"]
            if name:
                clip.files[f"Depth/{name}"] = b"x"
            else:
                clip.files["Depth/.hidden"] = b"x"
        return change
    end = "holds no frames: PNG or JPEG files whose names end in a number, like Depth_0000.png "
    refuse("names: only EXR", "Depth", end + "(found Depth_0000.exr; EXR files are not read, "
           "docs/clips.md says how to convert them)", only("Depth_0000.exr"))
    refuse("names: no number", "Depth", end + "(found depth.png)", only("depth.png"))
    refuse("names: a number of ten digits", "Depth", end + "(found 1234567890.png)",
           only("1234567890.png"))
    refuse("names: an empty folder", "Depth", "is empty", only(None))

    def without(plane, new=None):
        def change(clip):
            for number in range(2):
                content = clip.files.pop(f"{plane}/{plane}_{number:04d}.png")
                if new:
                    clip.files[f"{new}/{plane}_{number:04d}.png"] = content
            if not new:
                for frame in clip.answer:
                    del frame[plane]
        return change
    for plane in ("BaseColor", "Normals", "Depth", "Roughness"):
        refuse(f"names: no {plane}", "", f"the folder {plane} is missing", without(plane))
    accept("names: no Metallic", without("Metallic"))
    accept("names: no FinalImage", without("FinalImage"))

    def shining(clip):
        for number, planes in enumerate(clip.planes):
            clip.files[f"Emissive/Emissive_{number:04d}.png"] = png(planes["FinalImage"])
            clip.answer[number]["Emissive"] = planes["FinalImage"]
    accept("names: an emissive plane", shining)

    def shining_light(clip):
        shining(clip)
        clip.files["camera.json"] = json.dumps(document(emissive="linear8")).encode()
        for frame in clip.answer:
            frame["Emissive"] = srgb_of(frame["Emissive"] / 255)
    accept("names: an emissive plane of light", shining_light)

    def shining_once(clip):
        shining(clip)
        del clip.files["Emissive/Emissive_0000.png"]
    refuse("names: one frame of the emissive plane", "Emissive", "frame 0 is missing", shining_once)
    refuse("names: a slip in an optional folder", "Metalic", "is no plane of a clip; did you mean "
           "Metallic?", without("Metallic", "Metalic"))
    refuse("names: a folder in lower case", "normals", "is no plane of a clip; did you mean "
           "Normals?", without("Normals", "normals"))
