# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""`dataset.py check` names the mistakes in a folder of clips as the daemon does, from all that
the clips state; and the doctor's words and numbers are those of `Sources/FrameDoctor`."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

import doctor
import doctor_geometry
import doctor_palette
from doctor_words import KNOWN_AXES, WORDS

DEMO = REPOSITORY / "Clips" / "atrium-flight"
MODEL = REPOSITORY / "Models" / "atrium"
FRAMES = 10


class Recording:
    """The first frames of the demo clip, to be spoilt and written as another clip."""

    def __init__(self) -> None:
        self.document = json.loads((DEMO / "camera.json").read_text())
        self.document["frames"] = self.document["frames"][:FRAMES]
        self.planes = {
            plane: [np.array(Image.open(DEMO / plane / f"{plane}_{i:04d}.png"))
                    for i in range(FRAMES)]
            for plane in ("BaseColor", "Normals", "Depth", "Roughness", "Metallic", "FinalImage")}

    @property
    def frames(self) -> list[dict]:
        return self.document["frames"]

    def each(self, plane: str, change) -> None:
        self.planes[plane] = [change(pixels) for pixels in self.planes[plane]]

    def along_rays(self) -> None:
        for index, c in enumerate(self.frames):
            depth = self.planes["Depth"][index]
            y, x = np.mgrid[0:depth.shape[0], 0:depth.shape[1]] + 0.5
            longer = np.sqrt(1 + ((x - c["cx"]) / c["fx"]) ** 2 + ((y - c["cy"]) / c["fy"]) ** 2)
            self.planes["Depth"][index] = np.minimum(depth * longer, 65535).astype(np.uint16)

    def as_device_depth(self) -> None:
        def device(depth):
            value = 0.05 / np.maximum(depth / 400, 0.05) * 65535
            return np.where(depth > 0, np.round(value), 0).astype(np.uint16)
        self.each("Depth", device)
        self.document["encodings"]["depth"] = {"kind": "reversed"}
        for camera in self.frames:
            camera["near"] = 0.05
            camera.pop("far", None)

    def in_view(self) -> None:
        for index, camera in enumerate(self.frames):
            turn = np.array(camera["camera_to_world"])[:3, :3]
            normals = (self.planes["Normals"][index] / 127.5 - 1) @ turn
            self.planes["Normals"][index] = np.round((normals + 1) * 127.5).clip(
                0, 255).astype(np.uint8)

    def jittered(self, sign: float) -> None:
        """Drawn beside the pixel centers, and so much of it stated."""
        def moved(plane, offset):
            height, width = plane.shape[:2]
            y, x = np.mgrid[0:height, 0:width]
            if plane.dtype == np.uint16:
                return plane[np.rint(y + offset[1]).clip(0, height - 1).astype(int),
                             np.rint(x + offset[0]).clip(0, width - 1).astype(int)]
            unit = plane.reshape(height, width, -1).astype(float)
            at = doctor_geometry.bilinear(unit, (x + 0.5 + offset[0]).ravel(),
                                          (y + 0.5 + offset[1]).ravel())
            return np.round(at).reshape(plane.shape).astype(np.uint8)
        for index, camera in enumerate(self.frames):
            offset = [(0.3, -0.4), (-0.4, 0.2), (0.1, 0.45), (-0.2, -0.1)][index % 4]
            for plane in ("BaseColor", "Normals", "Depth"):
                self.planes[plane][index] = moved(self.planes[plane][index], offset)
            camera["jitter"] = [sign * offset[0], sign * offset[1]]

    def state(self, key: str, value) -> None:
        for camera in self.frames:
            camera[key] = value(camera[key])

    def write(self, folder) -> None:
        for plane, frames in self.planes.items():
            (folder / plane).mkdir(parents=True)
            for index, pixels in enumerate(frames):
                Image.fromarray(pixels).save(folder / plane / f"{plane}_{index:04d}.png",
                                             compress_level=1)
        (folder / "camera.json").write_text(json.dumps(self.document))


def linear(pixels):
    return np.round(doctor_palette.linear_from_srgb(pixels / 255) * 255).astype(np.uint8)


def wider(clip: Recording) -> None:
    clip.state("fx", lambda f: f * 1.3)
    clip.state("fy", lambda f: f * 1.3)


def with_near_in_centimetres(clip: Recording) -> None:
    clip.as_device_depth()
    clip.state("near", lambda near: near * 100)


def stated_view(clip: Recording) -> None:
    clip.document["encodings"]["normals"]["space"] = "view"


def in_stated_view(clip: Recording) -> None:
    clip.in_view()
    stated_view(clip)


def stated_units(clip: Recording) -> None:
    clip.document["encodings"]["depth"]["unitsPerMetre"] = 40_000


WRONG = {
    "base-color-linear": lambda clip: clip.each("BaseColor", linear),
    "red-blue-swapped": lambda clip: clip.each("BaseColor", lambda p: p[..., ::-1].copy()),
    "smoothness": lambda clip: clip.each("Roughness", lambda p: 255 - p),
    "field-of-view": wider,
    "ray-depth": Recording.along_rays,
    "depth-unit": stated_units,
    "depth-empty": lambda clip: clip.each("Depth", lambda p: p * 0),
    "near-plane": with_near_in_centimetres,
    "jitter-sign": lambda clip: clip.jittered(-1),
    "normals-view": Recording.in_view,
    "normals-world": stated_view,
    "normals-encoded-twice": lambda clip: clip.each(
        "Normals", lambda p: np.round(p / 2 + 127.5).astype(np.uint8)),
}
RIGHT = {
    "as recorded": lambda clip: None,
    "device depth": Recording.as_device_depth,
    "jittered": lambda clip: clip.jittered(1),
    "view normals": in_stated_view,
}


def check(folder, *words) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "training" / "dataset.py"), "check", str(folder), *words],
        capture_output=True, text=True, timeout=600)


def lines_of(folder, *words) -> dict[str, list[str]]:
    """By clip, what was said of it."""
    run = check(folder, *words)
    assert run.returncode == 0, run.stdout + run.stderr
    said: dict[str, list[str]] = {}
    for line in run.stdout.splitlines():
        if line.startswith("  look at this: "):
            name, sentence = line.removeprefix("  look at this: ").split(": ", 1)
            said.setdefault(name, []).append(sentence)
    return said


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name, spoil in {**WRONG, **RIGHT}.items():
        clip = Recording()
        spoil(clip)
        clip.write(folder / name)
    return lines_of(folder, "--model", str(MODEL))


@pytest.mark.parametrize("verdict", WRONG)
def test_check_names_the_mistake(verdict, said):
    cause, remedy = WORDS[verdict]
    assert len(said[verdict]) == 1
    assert said[verdict][0].startswith(f"{verdict}: {cause} (")
    assert said[verdict][0].endswith(f"). {remedy}")


@pytest.mark.parametrize("name", RIGHT)
def test_check_says_nothing_of_what_is_right(name, said):
    assert name not in said


def test_check_tells_colors_without_cameras(tmp_path):
    clip = Recording()
    clip.each("BaseColor", linear)
    clip.document["frames"] = []
    clip.write(tmp_path / "still")
    sentences = lines_of(tmp_path, "--model", str(MODEL))["still"]
    assert sentences[0].startswith("no camera.json")
    assert [s.split(":")[0] for s in sentences[1:]] == ["base-color-linear"]


def test_check_says_what_it_cannot_tell_without_a_model(clip_folder, tmp_path):
    assert "not told: linear base color" in check(clip_folder).stdout
    wrong = check(clip_folder, "--model", str(tmp_path))
    assert wrong.returncode == 1 and "is no model's folder" in wrong.stdout
    (tmp_path / "model.json").write_text("{}")
    assert f"a model that has {doctor_palette.PALETTE_FILE}" in check(
        clip_folder, "--model", str(tmp_path)).stdout
    (tmp_path / doctor_palette.PALETTE_FILE).write_text("{}")
    broken = check(clip_folder, "--model", str(tmp_path))
    assert broken.returncode == 1 and "format is not" in broken.stdout


# The daemon's doctor, as its source has it.

SWIFT = REPOSITORY / "Sources" / "FrameDoctor"
NOT_HERE = {
    "motion-sign": "clips have no motion planes",
    "motion-flipped": "clips have no motion planes",
    "motion-swapped": "clips have no motion planes",
    "motion-unit": "clips have no motion planes",
    "outside-model": "clips are checked to train a model, which need not be of the place that the "
                     "model whose palette is used knows",
}


def swift(name: str) -> str:
    return (SWIFT / f"{name}.swift").read_text()


def swift_names() -> dict[str, str]:
    """Case and verdict, in order."""
    body = swift("Finding").split("enum Name", 1)[1].split("\n    }\n", 1)[0]
    found = re.findall(r'^ +case (\w+)(?: = "([^"]+)")?$', body, re.MULTILINE)
    return {case: name or case for case, name in found}


def swift_words() -> dict[str, tuple[str, ...]]:
    body = swift("Finding").split("private var words", 1)[1].split("extension Hypothesis", 1)[0]
    said = {}
    for block in body.split("case .")[1:]:
        case, rest = block.split(":", 1)
        pieces = re.split(r'"((?:[^"\\]|\\.)*)"', rest)
        sentences = [pieces[1]]
        for between, literal in zip(pieces[2::2], pieces[3::2]):
            if between.strip() == "+":
                sentences[-1] += literal
            else:
                sentences.append(literal)
        said[case] = tuple(sentences)
    return said


def test_names_are_the_daemons():
    names = list(swift_names().values())
    assert len(names) > 30 and set(NOT_HERE) <= set(names)
    assert list(WORDS) == [name for name in names if name not in NOT_HERE]


def test_words_are_the_daemons():
    names, words = swift_names(), swift_words()
    assert set(words) == set(names)
    for case, name in names.items():
        if name not in NOT_HERE:
            assert WORDS[name] == words[case], name


def test_owners_of_axes_are_the_daemons():
    body = swift("Hypothesis").split("var owner", 1)[1]
    stated = dict(re.findall(r'case "([^"]+)": "([^"]+)"', body))
    assert len(stated) == 5 and stated == KNOWN_AXES


def numbers(text: str, pattern: str) -> list[float]:
    found = re.search(pattern, text)
    assert found, pattern
    return [float(number) for number in re.findall(r"[\d.]+", found[1])]


@pytest.mark.parametrize(("file", "pattern", "here"), [
    ("FrameDoctor", r"static let needed = (.+)", [doctor.NEEDED]),
    ("FrameDoctor", r"static let gain = (.+)", [doctor.GAIN]),
    ("FrameDoctor", r"static let share = (.+)", [doctor.SHARE]),
    ("FrameDoctor", r"static let colorGain = (.+)", [doctor_palette.COLOR_GAIN]),
    ("FrameDoctor", r"static let gapLimit = (.+)", [doctor_geometry.GAP_LIMIT]),
    ("FrameDoctor", r"equals.isEmpty \|\| measures.frames >= (\d+)", [doctor.PATIENCE]),
    ("DoctorFrame", r"sampleCount = (\d+)", [doctor_geometry.SAMPLES]),
    ("Comparison", r"limit: Float = (.+)", [255 * doctor_geometry.CLIP]),
    ("Comparison", r"sameSurface = (.+)", [doctor_geometry.SAME_SURFACE]),
    ("Comparison", r"leastInside = (.+)", [doctor_geometry.LEAST_INSIDE]),
    ("Hypothesis", r"\[(.+)\]\.map \{ \.fieldOfView", [*doctor_geometry.FOCAL_SCALES]),
    ("Hypothesis", r"let units = \[(.+)\]", [*doctor_geometry.UNIT_SCALES]),
    ("Palette", r"colorLevels = (\d+)", [doctor_palette.COLOR_LEVELS]),
    ("Palette", r"roughnessLevels = (\d+)", [doctor_palette.ROUGHNESS_LEVELS]),
])
def test_numbers_are_the_daemons(file, pattern, here):
    assert numbers(swift(file), pattern) == pytest.approx(here)
