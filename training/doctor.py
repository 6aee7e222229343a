# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Finds the mistakes that everybody makes when planes and cameras are first connected: upside
down, other axes, other units, a camera of another frame. The daemon makes the same tests with the
same names (`Sources/FrameDoctor`); docs/doctor.md explains both.

How: the planes of a frame, moved by depth and camera to where they were in an earlier frame, must
show what that frame showed, and normals must be those of the surfaces that depth draws. Both are
computed as stated and again under every alternative in a list. What is stated is wrong where one
alternative explains the planes much better, frame after frame. Nothing is compared to an absolute
measure of how good planes are, so noise, plain walls and darkness weaken the evidence and never
make a finding.

    python training/doctor.py check CLIP ... [--model FOLDER]
    python training/doctor.py palette DATA --model FOLDER

`palette` writes the model's planes.json: which base colors came up with which roughness in the
training. Without it linear base color, swapped channels and smoothness cannot be told.
"""

import argparse
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clip import Clip, Encodings, open_clip
from clip_files import ClipError, clip_folders
from doctor_clips import decoded, held, model_palette, palette_of
from doctor_geometry import (GAP_LIMIT, SIGNED_AXES, DoctorFrame, Hypothesis, compare,
                             depth_normals, grid, hypotheses)
from doctor_palette import (COLOR_GAIN, PALETTE_FILE, Palette, linear_from_srgb,
                            srgb_from_linear)
from doctor_words import KNOWN_AXES, WORDS, Finding, axes_name

FRAME_LIMIT = 40  # of a clip
PATIENCE = 30  # frames, before it is said that one of several things is wrong

NEEDED = 4  # comparisons before anything is said
GAIN = 0.02  # by how much an alternative must be better, of a cost of about 0.15 when all is right
SHARE = 0.8  # of the comparisons that must agree


@dataclass
class Doctor:
    """Looks at the frames of one session or clip, in order, and collects findings.

    A frame is judged when the next one has come, since a camera that is one frame late can only
    be told by the camera after it.
    """

    palette: Palette | None = None
    frames: int = 0
    comparisons: int = 0
    findings: list[Finding] = field(default_factory=list)
    history: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    sky: list[float] = field(default_factory=list)
    away: list[float] = field(default_factory=list)
    _gains: dict = field(default_factory=dict)  # (name, value) -> list of gains
    _stated: list = field(default_factory=list)
    _depths: list = field(default_factory=list)
    _marks: dict = field(default_factory=dict)  # static suspicion -> how many frames had it
    _colors: dict = field(default_factory=dict)
    _waiting: DoctorFrame | None = None
    _reference: DoctorFrame | None = None
    _age: int = 0
    _is_device: bool = False

    def examine(self, frame: DoctorFrame, is_cut: bool = False) -> None:
        if self._waiting is not None:
            if not is_cut:
                self._waiting.after = frame.camera
                frame.before = self._waiting.camera
            self._judge(self._waiting)
        if is_cut:
            self._reference, self._age = None, 0
        self._waiting = frame

    def finish(self) -> list[Finding]:
        if self._waiting is not None:
            self._judge(self._waiting)
            self._waiting = None
        if not self.findings and len(self._stated) < NEEDED:
            self._conclude(needed=1, gain=3 * GAIN, share=1.0)
        return self.findings

    def summary(self) -> str:
        """What was measured where nothing is wrong."""
        if not self.history:
            colors = "base color and roughness look right; " if self._colors else ""
            return (f"{colors}nothing else can be told of {self.frames} frames without cameras or "
                    "surfaces")
        return (f"looks right: {self.frames} frames, {np.mean(self.history):.1%} of the surfaces "
                f"found again, base color {255 * np.mean(self.errors):.1f} of 255 off there, "
                f"{np.mean(self.sky):.1%} sky, "
                f"{np.mean(self.away or [0]):.1%} of the normals face away")

    def _judge(self, frame: DoctorFrame) -> None:
        self.frames += 1
        self._is_device = frame.device is not None
        x, y = grid(*frame.depth.shape, self.frames)
        self._look(frame, x, y)
        if self._reference is not None and frame.camera and self._reference.camera:
            self._compare(frame, self._reference, x, y)
        self._age += 1
        # A frame without one before it cannot tell whether cameras are early: soon replaced.
        limit = GAP_LIMIT if self._reference is not None and self._reference.before else 0
        if self._reference is None or self._age > limit:
            self._reference, self._age = frame, 0
        if not self.findings:
            self._conclude(NEEDED, GAIN, SHARE)

    # What one frame shows by itself.

    def _look(self, frame: DoctorFrame, x, y) -> None:
        depth, sent, base = frame.depth[y, x], frame.normal[y, x], frame.base[y, x]
        surface = depth > 0
        self.sky.append(float(1 - surface.mean()))
        length = np.linalg.norm(sent, axis=1)
        spread = float(sent.std(0).max())
        has_unit_normals = spread > 0.1 and float((np.abs(length - 1) < 0.2).mean())
        def mark(name, holds):
            self._marks[name] = self._marks.get(name, 0) + bool(holds)
        textured = float(base.std(0).max()) > 0.02
        mark("depth-empty", surface.mean() < 0.001 and textured and has_unit_normals > 0.5)
        hidden = ~surface & (np.abs(length - 1) < 0.2)
        mark("depth-beyond-far", surface.mean() >= 0.001 and hidden.mean() > 0.3
             and sent[hidden].std(0).max() > 0.1)
        if surface.sum() < 100:
            return
        if self.palette:
            self._look_at_colors(base[surface], frame.roughness[y, x][surface])
        if frame.camera is None:
            return
        self._depths.append(float(np.median(depth[surface])))
        world = sent @ frame.turn().T if frame.is_view else sent
        ray = np.stack([(x + 0.5 - frame.camera.cx) / frame.camera.fx,
                        -(y + 0.5 - frame.camera.cy) / frame.camera.fy,
                        -np.ones(len(x))], 1) @ frame.turn().T
        self.away.append(float(((ray * world).sum(1) > 0)[surface].mean()))
        wall = frame.turn()[:, 2]  # a wall seen straight on has the same depth everywhere
        is_wall = (world[surface] @ wall > 0.98).mean() > 0.5
        constant = np.ptp(depth[surface]) < 1e-4 * depth[surface].max()
        mark("depth-constant", constant and not is_wall)
        near, even = depth_normals(frame, x, y, Hypothesis("stated"))
        drawn = near[even & surface]
        varied = len(drawn) > 100 and drawn.std(0).max() > 0.3
        flat = sent[surface].std(0).max() < 0.02
        mark("normals-constant", flat and varied)
        wrong = np.abs(length - 1)[surface] > 0.2
        if not flat and wrong.mean() > 0.3:
            once = (sent[surface] + 1) / 2
            twice = 2 * sent[surface] - 1
            unit = lambda n: float((np.abs(np.linalg.norm(n, axis=1) - 1) < 0.1).mean())
            mark("normals-encoded-twice", unit(twice) > 0.8)
            positive = np.maximum(near if frame.is_view else near @ frame.turn().T, 0)[surface]
            fits = np.linalg.norm(once - positive, axis=1)[even[surface]] < 0.3
            mark("normals-not-encoded", unit(twice) <= 0.8 and len(fits) > 100
                 and fits.mean() > 0.7)

    def _look_at_colors(self, base, roughness) -> None:
        stated = self.palette.score(base, roughness)
        for name, other in (
                ("red-blue-swapped", (base[:, ::-1], roughness)),
                ("base-color-linear", (srgb_from_linear(base), roughness)),
                ("base-color-encoded-twice", (linear_from_srgb(base), roughness)),
                ("smoothness", (base, 1 - roughness))):
            score = self.palette.score(*other)
            self._colors.setdefault(name, []).append(
                score - stated if score > self.palette.typical_score else 0.0)

    # What two frames show together.

    def _compare(self, frame: DoctorFrame, earlier: DoctorFrame, x, y) -> None:
        costs, stated = {}, None
        sent = frame.normal[y, x]
        length = np.linalg.norm(sent, axis=1)
        unit = sent / np.maximum(length, 1e-6)[:, None]
        for hypothesis in hypotheses(frame, earlier):
            found = compare(frame, earlier, x, y, hypothesis)
            near, even = depth_normals(frame, x, y, hypothesis)
            usable = even & (np.abs(length - 1) < 0.2)
            turn = hypothesis.camera_of(frame).matrix()[:3, :3]
            drawn = near if frame.is_view else near @ turn.T
            has_normals = usable.sum() >= 100
            # [ours, sent]: how much each axis of the sent normals goes along each of ours
            along = drawn[usable].T @ unit[usable] / max(1, usable.sum())
            apart = lambda likeness: 1 - likeness if has_normals else 0.0
            costs[hypothesis.name, hypothesis.value] = found.cost + apart(np.trace(along))
            if hypothesis.name != "stated":
                continue
            stated = found
            for order, signs in SIGNED_AXES if has_normals else []:
                if order == (0, 1, 2) and signs == (1, 1, 1):
                    continue
                likeness = sum(signs[i] * along[i, order[i]] for i in range(3))
                axes = axes_name(order, signs)
                name = "normals-green" if axes == "x, -y, z" else "normals-axes"
                costs[name, axes] = found.cost + apart(likeness)
            if has_normals:
                other = near @ turn.T if frame.is_view else near
                name = "normals-world" if frame.is_view else "normals-view"
                costs[name, 0.0] = found.cost + apart((other[usable] * unit[usable]).sum(1).mean())
        self.comparisons += 1
        self.history.append(stated.history)
        self.errors.append(stated.error)
        best = costs["stated", 0.0]
        if min(costs.values()) > 0.8:
            return  # a cut, or nothing that can be found again whatever is assumed
        self._stated.append(best)
        for key, cost in costs.items():
            self._gains.setdefault(key, []).append(best - cost)

    # What follows.

    def _conclude(self, needed: int, gain: float, share: float) -> None:
        count = len(self._stated)
        for name in WORDS:
            marks = self._marks.get(name, 0)
            if marks >= max(needed, 0.8 * self.frames):
                self._say(name, f"in {marks} of {self.frames} frames")
                return
        ranked = []
        for key, gains in self._gains.items():
            better = float(np.median(gains))
            if len(gains) >= max(needed, 0.7 * count) and better >= gain \
                    and np.mean(np.array(gains) > 0) >= share:
                ranked.append((better, key))
        ranked.sort(key=lambda r: -r[0])
        if ranked:
            better, (name, value) = ranked[0]
            alike = {name} | ({"unit", "near-plane"} if name in ("unit", "near-plane") else set())
            equals = {k[0] for g, k in ranked[1:] if better - g < 0.1 * better} - alike
            equals = sorted("depth-unit" if other == "unit" else other for other in equals)
            if equals and self.frames < PATIENCE:
                return  # more frames, or a camera that moves, will tell
            self._say_geometry(name, value, better, equals)
            return
        for name in WORDS:
            gains = self._colors.get(name, [])
            if len(gains) >= needed and np.median(gains) > COLOR_GAIN and np.mean(
                    np.array(gains) > 0) >= share:
                self._say(name, f"{math.exp(np.median(gains)):.1f} times likelier among what the "
                          "model was trained on than as stated")
                return

    def _say_geometry(self, name, value, better, equals) -> None:
        stated = float(np.median(self._stated))
        evidence = (f"planes and frames before differ by {stated:.2f} as stated, by "
                    f"{stated - better:.2f} that way, over {len(self._stated)} frames")
        if name in ("unit", "near-plane"):
            name, value = self._which_unit(value)
            evidence += f"; the factor is {value:g}"
        elif name in ("field-of-view", "far-plane"):
            evidence += f"; the factor is {value:g}"
        elif name == "normals-axes":
            known = KNOWN_AXES.get(value)
            evidence += f"; our x, y, z are its {value}" + (f", {known}" if known else "")
        if equals:
            evidence += f"; {' and '.join(equals)} would explain it as well"
        self._say(name, evidence)

    def _which_unit(self, k: float):
        """Depth that is k times too small looks like positions that are k times too large; the
        depths themselves say which is likelier: rooms and streets are some metres deep."""
        depth = float(np.median(self._depths))
        off = lambda d: abs(math.log10(max(d, 1e-9) / 5))
        if off(depth) <= off(depth * k):
            return "camera-unit", 1 / k
        return ("near-plane" if self._is_device else "depth-unit"), k

    def _say(self, name: str, evidence: str) -> None:
        cause, remedy = WORDS[name]
        self.findings.append(Finding(name, cause, evidence, remedy, self.frames))


def examine(frames, palette: Palette | None = None) -> Doctor:
    """The doctor after these frames, in order, or after the first that let it find something."""
    doctor = Doctor(palette)
    for frame in frames:
        doctor.examine(frame)
        if doctor.findings:
            break
    doctor.finish()
    return doctor


def examine_clip(clip: Clip, palette: Palette | None = None) -> Doctor:
    """Of the first frames of a clip in files."""
    count = min(len(clip.numbers), FRAME_LIMIT)
    return examine((decoded(clip, index) for index in range(count)), palette)


def examine_loaded(loaded, palette: Palette | None = None) -> Doctor:
    """The same of a clip in memory, `dataset.LoadedClip`."""
    count = min(len(loaded), FRAME_LIMIT)
    return examine((held(loaded, index) for index in range(count)), palette)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("check", help="say what is wrong with clips")
    check.add_argument("clips", type=Path, nargs="+", help="clips, or folders of clips")
    check.add_argument("--model", type=Path, help="folder of a model with a planes.json")
    palette = verbs.add_parser("palette", help="write a model's planes.json")
    palette.add_argument("data", type=Path, help="the training's clips")
    palette.add_argument("--model", type=Path, required=True, help="folder of the model")
    for verb in (check, palette):
        verb.add_argument("--depth-units-per-metre", type=float)
        verb.add_argument("--normal-space", choices=["world", "view"])
    options = parser.parse_args()
    encodings = Encodings(options.depth_units_per_metre, normal_space=options.normal_space)
    try:
        folders = [f for root in (options.clips if options.verb == "check" else [options.data])
                   for f in clip_folders(root)]
        clips = [open_clip(folder, encodings) for folder in folders]
        if not clips:
            print("no clip there", file=sys.stderr)
            return 1
        if options.verb == "palette":
            palette_of(clips).write(options.model / PALETTE_FILE)
            print(options.model / PALETTE_FILE)
            return 0
        used = model_palette(options.model) if options.model else None
        wrong = 0
        for clip in clips:
            doctor = examine_clip(clip, used)
            wrong += bool(doctor.findings)
            print(f"{clip.name}: {doctor.findings[0] if doctor.findings else doctor.summary()}")
        return 1 if wrong else 0
    except (ClipError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
