# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The sound clip, and cases that change it."""

import base64
import copy
import json

import numpy as np

from clip_table.files import png

WIDTH, HEIGHT, UNITS = 7, 5, 400
PLANES = ["BaseColor", "Normals", "Depth", "Roughness", "Metallic", "FinalImage"]  # and Emissive
FIRST = {plane: f"{plane}/{plane}_0000.png" for plane in PLANES}


def srgb_of(light: np.ndarray) -> np.ndarray:
    curved = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (curved * 255 + 0.5).astype(np.uint8)


def camera(number: int) -> dict:
    return {"frame": number, "width": WIDTH, "height": HEIGHT, "fx": 6.5, "fy": 6.0, "cx": 3.5,
            "cy": 2.5, "near": 0.1, "far": 100,
            "camera_to_world": [[0.8, 0, 0.6, 1.5 + number], [0, 1, 0, 2], [-0.6, 0, 0.8, -3],
                                [0, 0, 0, 1]]}


def document(numbers=(0, 1), **encodings) -> dict:
    return {"format": "frameloom-clip-1", "fps": 24, "encodings": {
        "depth": {"kind": "planar", "unitsPerMetre": UNITS}, "normals": {"space": "world"},
        **encodings}, "frames": [camera(n) for n in numbers]}


class Sound:
    """Two frames of noise and the files that hold them; a case changes one or the other."""

    def __init__(self):
        rng = np.random.default_rng(5)
        byte = lambda *shape: rng.integers(0, 256, shape, dtype=np.uint8)
        self.planes = []
        for _ in range(2):
            raw = rng.integers(1, 36000, (HEIGHT, WIDTH)).astype(np.uint16)
            raw[0, :3] = 0
            self.planes.append({
                "BaseColor": byte(HEIGHT, WIDTH, 3), "Normals": byte(HEIGHT, WIDTH, 3),
                "Depth": raw, "Roughness": byte(HEIGHT, WIDTH), "Metallic": byte(HEIGHT, WIDTH),
                "FinalImage": byte(HEIGHT, WIDTH, 3)})
        self.files = {f"{plane}/{plane}_{number:04d}.png": png(self.planes[number][plane])
                      for number in range(2) for plane in PLANES}
        self.files["camera.json"] = json.dumps(document()).encode()
        self.answer = [
            {**planes, "Depth": planar_metres(planes["Depth"])} for planes in self.planes]
        self.numbers = [0, 1]


def planar_metres(raw: np.ndarray, units: float = UNITS, far: float = 100) -> np.ndarray:
    depth = raw.astype(np.float32) * np.float32(1 / units)
    return np.where(depth < far, depth, np.float32(0))


CASES: dict[str, dict] = {}


def case(change, name: str | None = None, refusal: str | None = None, path: str = "") -> None:
    """Adds a case. `change(clip)` edits a copy of the sound clip."""
    clip = copy.deepcopy(Sound())
    change(clip)
    entry: dict = {"files": {}}
    sound = Sound()
    for file in sorted(set(sound.files) | set(clip.files)):
        content = clip.files.get(file)
        if content != sound.files.get(file):
            entry["files"][file] = None if content is None else base64.b64encode(content).decode()
    if refusal is not None:
        entry["refusal"] = {"path": path, "sentence": refusal}
    else:
        entry["numbers"] = clip.numbers
        entry["planes"] = [
            {plane: base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()
             for plane, pixels in frame.items()
             if frame is not None and not (index < 2 and np.array_equal(
                 pixels, sound.answer[index].get(plane)))}
            for index, frame in enumerate(clip.answer)]
        absent = [plane for plane in PLANES if plane not in clip.answer[0]]
        if absent:
            entry["absent"] = absent
    assert name not in CASES, name
    CASES[name] = entry


def refuse(name: str, path: str, sentence: str, change) -> None:
    case(change, name, sentence, path)


def accept(name: str, change) -> None:
    case(change, name)


def file_edit(plane: str, make, answer=None):
    """Frame 0's file of a plane becomes `make(pixels)`, its planes `answer(pixels)`."""
    def change(clip):
        pixels = clip.planes[0][plane]
        clip.files[FIRST[plane]] = make(pixels)
        if answer is not None:
            clip.answer[0][plane] = answer(pixels)
    return change


def camera_edit(edit, answer=None):
    def change(clip):
        stated = document()
        stated = edit(stated) or stated
        clip.files["camera.json"] = stated if isinstance(stated, bytes) \
            else json.dumps(stated).encode()
        if answer is not None:
            answer(clip)
    return change


def renamed(names):
    """Every file `Plane/Plane_NNNN.png` becomes `Plane/` and `names(plane, number)`."""
    def change(clip):
        for plane in PLANES:
            for number in range(2):
                old = f"{plane}/{plane}_{number:04d}.png"
                clip.files[f"{plane}/{names(plane, number)}"] = clip.files.pop(old)
    return change


def frame_key(**keys):
    def edit(stated):
        stated["frames"][0].update(keys)
        for key, value in keys.items():
            if value is KeyError:
                del stated["frames"][0][key]
    return camera_edit(edit)


def encoding(**keys):
    return lambda stated: stated["encodings"].update(keys)


def camera_and_file(edit, plane, content, answer=None, both=False):
    def change(clip):
        camera_edit(edit)(clip)
        for number in range(2 if both else 1):
            clip.files[f"{plane}/{plane}_{number:04d}.png"] = content
            if answer is not None:
                clip.answer[number][plane] = answer
    return change
