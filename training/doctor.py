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
import itertools
import json
import math
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from clip import Clip, ClipError, Encodings, clip_folders, open_clip, read_frame
from geometry import Camera

FRAME_LIMIT = 24  # of a clip
PALETTE_FILE = "planes.json"

SAMPLES = 2048  # pixels looked at in one frame
CLIP = 0.1  # a difference in base color from which on it is just wrong
SAME_SURFACE = 0.03  # relative, as for the history
LEAST_INSIDE = 0.3  # share of the surfaces that must have been in the earlier picture
FOCAL_SCALES = (0.5, 0.6, 0.7, 0.77, 0.85, 1.18, 1.3, 1.45, 1.7, 2.0)
UNIT_SCALES = (0.001, 0.01, 0.1, 0.3048, 3.2808, 10.0, 100.0, 1000.0)
GAP_LIMIT = 4  # frames that a comparison may reach back


@dataclass
class DoctorFrame:
    """One frame as stated: what a daemon understood of it. `before` and `after` are the cameras
    of the frames around it."""

    base: np.ndarray  # [H, W, 3] float32, 0..1
    normal: np.ndarray  # [H, W, 3] float32 as sent, in `view` space or world
    depth: np.ndarray  # [H, W] float32 metres, 0 sky
    roughness: np.ndarray  # [H, W] float32
    camera: Camera
    jitter: tuple[float, float] = (0.0, 0.0)
    is_view: bool = False
    device: tuple[float, float] | None = None  # near, far of reversed device depth
    before: Camera | None = None
    after: Camera | None = None

    def turn(self) -> np.ndarray:
        return self.camera.matrix()[:3, :3]


@dataclass
class Hypothesis:
    """A statement about the planes that may hold in place of what was stated."""

    name: str
    camera: object = staticmethod(lambda c: c)
    depth: object = None  # (z, x, y, camera) -> z
    jitter: object = None  # (jitter) -> jitter
    value: float = 0.0
    shift: int = 0  # the camera of so many frames later

    def camera_of(self, frame: DoctorFrame) -> Camera:
        return self.camera((frame.before, frame.camera, frame.after)[self.shift + 1])


def matrix_of(camera: Camera, matrix: np.ndarray) -> Camera:
    return replace(camera, camera_to_world=tuple(matrix.reshape(16)))


def rotation_only(camera: Camera, turn: np.ndarray) -> Camera:
    matrix = camera.matrix()
    matrix[:3, :3] = turn
    return matrix_of(camera, matrix)


def planar_from_ray(z, x, y, camera):
    return z / np.sqrt(1 + ((x - camera.cx) / camera.fx) ** 2 + ((y - camera.cy) / camera.fy) ** 2)


def redecoded(near, far, new_near, new_far):
    """Metres that reversed device depth would have given with another near and far plane."""
    def depth(z, x, y, camera):
        safe = np.maximum(z, 1e-9)
        d = near * (1 / safe - 1 / far) / (1 - near / far)
        w = d * (1 / new_near - 1 / new_far) + 1 / new_far
        return np.where(z > 0, 1 / np.maximum(w, 1e-12), 0)
    return depth


def hypotheses(frame: DoctorFrame, earlier: DoctorFrame) -> list[Hypothesis]:
    """Everything that geometry can tell apart, for cameras and planes like this frame's."""
    height, width = frame.depth.shape
    camera = frame.camera
    listed = [
        Hypothesis("stated"),
        Hypothesis("upside-down", lambda c: replace(c, fy=-c.fy, cy=height - c.cy)),
        Hypothesis("mirrored", lambda c: replace(c, fx=-c.fx, cx=width - c.cx)),
        Hypothesis("camera-inverted", lambda c: matrix_of(c, np.linalg.inv(c.matrix()))),
        Hypothesis("camera-transposed", lambda c: rotation_only(c, c.matrix()[:3, :3].T)),
        Hypothesis("camera-axes",
                   lambda c: rotation_only(c, c.matrix()[:3, :3] @ np.diag([1.0, -1, -1]))),
        Hypothesis("ray-depth", depth=planar_from_ray),
    ]
    if abs(camera.cx - width / 2) > 0.2 * width or abs(camera.cy - height / 2) > 0.2 * height:
        listed.append(Hypothesis("principal-point",
                                 lambda c: replace(c, cx=width / 2, cy=height / 2)))
    for k in FOCAL_SCALES:
        listed.append(Hypothesis("field-of-view",
                                 lambda c, k=k: replace(c, fx=c.fx * k, fy=c.fy * k), value=k))
    for k in UNIT_SCALES:
        listed.append(Hypothesis("unit", depth=lambda z, x, y, c, k=k: z * k, value=k))
    if frame.after and earlier.after:
        listed.append(Hypothesis("camera-late", shift=1))
    if frame.before and earlier.before:
        listed.append(Hypothesis("camera-early", shift=-1))
    if frame.device:
        near, far = frame.device
        for k in (0.001, 0.01, 0.1, 10.0, 100.0, 1000.0):
            if near * k < far:
                listed.append(Hypothesis("near-plane", value=k,
                                         depth=redecoded(near, far, near * k, far)))
            if near < far * k:
                listed.append(Hypothesis("far-plane", value=k,
                                         depth=redecoded(near, far, near, far * k)))
    if any(frame.jitter):
        listed += [
            Hypothesis("jitter-sign", jitter=lambda j: (-j[0], -j[1])),
            Hypothesis("jitter-flipped", jitter=lambda j: (j[0], -j[1])),
            Hypothesis("jitter-unit", jitter=lambda j: (j[0] * width / 2, j[1] * height / 2),
                       value=2),
            Hypothesis("jitter-unit", jitter=lambda j: (j[0] * width / 2, -j[1] * height / 2),
                       value=-2),
            Hypothesis("jitter-unit", jitter=lambda j: (j[0] * width, j[1] * height), value=1),
        ]
    return listed


def grid(height: int, width: int, turn: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of an even grid that lies elsewhere each frame, two pixels from the edge."""
    step = max(1, round(math.sqrt(height * width / SAMPLES)))
    y, x = np.mgrid[2 + turn * 5 % step:height - 2:step, 2 + turn * 3 % step:width - 2:step]
    return x.ravel(), y.ravel()


def bilinear(image: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    u, v = np.clip(u - 0.5, 0, width - 1.001), np.clip(v - 0.5, 0, height - 1.001)
    x, y = u.astype(int), v.astype(int)
    a, b = (u - x)[:, None], (v - y)[:, None]
    return ((image[y, x] * (1 - a) + image[y, x + 1] * a) * (1 - b)
            + (image[y + 1, x] * (1 - a) + image[y + 1, x + 1] * a) * b)


@dataclass
class Comparison:
    """How well a frame is found again in an earlier one."""

    cost: float  # mean difference, cut at CLIP and as a share of it; 1 at another surface
    history: float  # share of surfaces found on the same surface
    error: float  # mean difference of base color there
    movement: float  # median, pixels


def compare(frame: DoctorFrame, earlier: DoctorFrame, x, y, hypothesis: Hypothesis) -> Comparison:
    camera, before = hypothesis.camera_of(frame), hypothesis.camera_of(earlier)
    jitter, jitter_before = frame.jitter, earlier.jitter
    if hypothesis.jitter:
        jitter, jitter_before = hypothesis.jitter(jitter), hypothesis.jitter(jitter_before)
    decode = hypothesis.depth or (lambda z, x, y, c: z)
    z = decode(frame.depth[y, x].astype(np.float64), x + 0.5, y + 0.5, camera)
    surface = z > 0
    if not surface.any():
        return Comparison(1.0, 0.0, 1.0, 0.0)
    px, py = x + 0.5 + jitter[0], y + 0.5 + jitter[1]
    ray = np.stack([(px - camera.cx) / camera.fx, -(py - camera.cy) / camera.fy,
                    -np.ones(len(x))], 1) * z[:, None]
    joined = np.linalg.inv(before.matrix()) @ camera.matrix()
    q = ray @ joined[:3, :3].T + joined[:3, 3]
    again = -q[:, 2]
    front = again > 1e-3 * np.median(z[surface])
    safe = np.where(front, again, 1.0)
    u = np.where(front, before.cx + before.fx * q[:, 0] / safe - jitter_before[0], -1)
    v = np.where(front, before.cy - before.fy * q[:, 1] / safe - jitter_before[1], -1)
    height, width = frame.depth.shape
    inside = surface & (u > 0.5) & (u < width - 0.5) & (v > 0.5) & (v < height - 0.5)
    column = np.clip(np.rint(u - 0.5), 0, width - 1).astype(int)
    row = np.clip(np.rint(v - 0.5), 0, height - 1).astype(int)
    there = decode(earlier.depth[row, column].astype(np.float64), column + 0.5, row + 0.5, before)
    slack = SAME_SURFACE * again + 0.005 * np.median(z[surface])
    valid = inside & (there > 0) & (np.abs(there - again) < slack)
    difference = np.abs(bilinear(earlier.base, u, v) - frame.base[y, x]).mean(1)
    cost = 1.0  # where hardly anything was in the earlier picture
    if inside.sum() >= LEAST_INSIDE * surface.sum():
        cost = np.where(valid, np.minimum(difference, CLIP), CLIP)[inside].mean() / CLIP
    moved = np.hypot(u - x - 0.5, v - y - 0.5)[inside]
    return Comparison(float(cost), float(valid.sum() / surface.sum()),
                      float(difference[valid].mean()) if valid.any() else 1.0,
                      float(np.median(moved)) if len(moved) else 0.0)


def depth_normals(frame: DoctorFrame, x, y, hypothesis: Hypothesis):
    """Unit normals in camera space of the planes that depth draws, and where it draws one.

    On a plane 1/z is linear in the pixel: with its slopes (a, b) the normal is along
    (fx a, -fy b, a (px - cx) + b (py - cy) - 1/z), turned to face the viewer.
    """
    camera = hypothesis.camera_of(frame)
    decode = hypothesis.depth or (lambda z, x, y, c: z)

    def inverse(dx, dy):
        z = decode(frame.depth[y + dy, x + dx].astype(np.float64), x + dx + 0.5, y + dy + 0.5,
                   camera)
        return np.where(z > 0, 1 / np.maximum(z, 1e-12), 0)

    here, left, right = inverse(0, 0), inverse(-2, 0), inverse(2, 0)
    above, below = inverse(0, -2), inverse(0, 2)
    even = np.minimum.reduce([here, left, right, above, below]) > 0
    even &= (np.abs(left + right - 2 * here) < 0.01 * here)
    even &= (np.abs(above + below - 2 * here) < 0.01 * here)
    a, b = (right - left) / 4, (below - above) / 4
    n = -np.stack([camera.fx * a, -camera.fy * b,
                   a * (x + 0.5 - camera.cx) + b * (y + 0.5 - camera.cy) - here], 1)
    return n / np.maximum(np.linalg.norm(n, axis=1), 1e-12)[:, None], even


SIGNED_AXES = [(order, signs) for order in itertools.permutations(range(3))
               for signs in itertools.product((1, -1), repeat=3)]


@dataclass
class Finding:
    """One mistake, in words."""

    name: str
    cause: str
    evidence: str
    remedy: str
    frames: int  # how many were looked at when it was first said

    def __str__(self) -> str:
        return f"{self.name}: {self.cause} ({self.evidence}). {self.remedy}"


NEEDED = 4  # comparisons before anything is said
GAIN = 0.02  # by how much an alternative must be better, of a cost of about 0.15 when all is right
SHARE = 0.8  # of the comparisons that must agree


def axes_name(order, signs) -> str:
    """Which axes of the sent normals are our x, y, z: `x, z, -y`."""
    return ", ".join(("-" if sign < 0 else "") + "xyz"[axis] for axis, sign in zip(order, signs))


KNOWN_AXES = {
    "x, -y, z": "green channel flipped",
    "x, z, -y": "Z is up: Blender's axes",
    "x, y, -z": "left-handed, +Y up: Unity's axes",
    "-x, y, z": "left-handed, +Y up: x mirrored",
    "y, z, -x": "left-handed, Z up: Unreal's axes",
}

WORDS = {  # name: cause, remedy
    "upside-down": ("the planes are upside down",
                    "State the other origin (FL_ORIGIN_BOTTOM_LEFT after a read-back from OpenGL) "
                    "or flip the rows."),
    "mirrored": ("the planes are mirrored left to right", "Flip the columns, or the camera's x."),
    "camera-inverted": ("the matrix takes world to camera, not camera to world",
                        "Send its inverse."),
    "camera-transposed": ("the camera's rotation is transposed",
                          "Send the matrix row by row, for column vectors."),
    "camera-axes": ("the camera looks along +Z with +Y down (OpenCV, Vulkan)",
                    "Negate the second and third column of camera_to_world."),
    "ray-depth": ("depth is the distance along the ray, not planar z",
                  "Multiply it by the cosine between the ray and the view direction."),
    "principal-point": ("the principal point is not where the picture's center is",
                        "cx, cy are pixels from the top-left corner: width / 2, height / 2."),
    "field-of-view": ("the field of view is another one", "Check fx and fy: pixels, "
                      "0.5 * width / tan(0.5 * horizontal field of view)."),
    "depth-unit": ("depth is in another unit than stated", "Change depth_scale (metres per unit)."),
    "camera-unit": ("the camera's position is in another unit than metres",
                    "Send positions in metres."),
    "near-plane": ("the near plane is in another unit", "depth_near and near_plane are metres."),
    "far-plane": ("the far plane is in another unit", "depth_far and far_plane are metres."),
    "camera-late": ("the camera is that of the frame before",
                    "Send each frame's planes with the camera that drew them."),
    "camera-early": ("the camera is that of the frame after",
                     "Send each frame's planes with the camera that drew them."),
    "jitter-sign": ("the jitter has the wrong sign", "Negate it: it is what was added to the "
                    "pixel center when the planes were drawn."),
    "jitter-flipped": ("the jitter's y points up", "Negate jitter_y: it points down."),
    "jitter-unit": ("the jitter is not in pixels", "Multiply it by the size in pixels, by half of "
                    "it for clip coordinates."),
    "normals-axes": ("the normals have other axes", "State those axes, or turn the normals."),
    "normals-green": ("the green channel of the normals is flipped", "Negate their y."),
    "normals-view": ("the normals are in view space", "State FL_NORMALS_VIEW, or turn them by the "
                     "rotation of camera_to_world."),
    "normals-world": ("the normals are in world space", "State FL_NORMALS_WORLD."),
    "normals-constant": ("the normals are the same everywhere", "Check that the plane is drawn "
                         "and read back."),
    "normals-not-encoded": ("the normals are stored without n * 0.5 + 0.5: what is negative is "
                            "lost", "Encode them before they are stored."),
    "normals-encoded-twice": ("the normals were encoded twice", "n * 0.5 + 0.5 once."),
    "depth-empty": ("depth says sky everywhere, other planes show surfaces",
                    "Check that depth is drawn and read back, its clear value and its kind."),
    "depth-constant": ("depth is the same everywhere", "Check that depth is drawn and read back."),
    "depth-beyond-far": ("surfaces lie at or beyond the far plane and count as sky",
                         "Check depth_far and the depth scale."),
    "base-color-linear": ("base color is stored linear, not as sRGB",
                          "Write to an sRGB target or encode it."),
    "base-color-encoded-twice": ("base color is encoded as sRGB twice", "Encode it once."),
    "red-blue-swapped": ("red and blue are swapped", "Send RGBA, not BGRA."),
    "smoothness": ("the roughness plane holds smoothness", "Send 1 - smoothness."),
}


COLOR_GAIN = 1.0  # right frames of the training lose 1.8 or more by any alternative
COLOR_LEVELS, ROUGHNESS_LEVELS, SHARE_FLOOR = 6, 8, 1e-5
PALETTE_FORMAT = "frameloom-planes-1"


@dataclass
class Palette:
    """What the surfaces of a training looked like: how often each base color came up with each
    roughness. Linear color, swapped channels and smoothness show in nothing else."""

    shares: np.ndarray  # [6 * 6 * 6 * 8], red slowest, roughness fastest
    typical_score: float = 0.0  # what one frame in fifty of the training scores less than

    @staticmethod
    def bins(base: np.ndarray, roughness: np.ndarray) -> np.ndarray:
        level = np.clip((base * COLOR_LEVELS).astype(int), 0, COLOR_LEVELS - 1)
        color = (level[:, 0] * COLOR_LEVELS + level[:, 1]) * COLOR_LEVELS + level[:, 2]
        rough = np.clip((roughness * ROUGHNESS_LEVELS).astype(int), 0, ROUGHNESS_LEVELS - 1)
        return color * ROUGHNESS_LEVELS + rough

    @classmethod
    def of(cls, frames: list[tuple[np.ndarray, np.ndarray]]) -> "Palette":
        """Of the surfaces' base color `[N, 3]` and roughness `[N]`, frame by frame."""
        count = COLOR_LEVELS ** 3 * ROUGHNESS_LEVELS
        shares = sum(np.bincount(cls.bins(*f), minlength=count) for f in frames).astype(float)
        palette = cls(shares / shares.sum())
        palette.typical_score = float(np.percentile([palette.score(*f) for f in frames], 2))
        return palette

    def score(self, base: np.ndarray, roughness: np.ndarray) -> float:
        return float(np.log(np.maximum(self.shares[self.bins(base, roughness)],
                                       SHARE_FLOOR)).mean())

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({
            "format": PALETTE_FORMAT, "colorLevels": COLOR_LEVELS,
            "roughnessLevels": ROUGHNESS_LEVELS, "typicalScore": round(self.typical_score, 4),
            "shares": [float(f"{s:.3g}") if s > 0 else 0 for s in self.shares]}) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Palette":
        stated = json.loads(path.read_text())
        if stated.get("format") != PALETTE_FORMAT:
            raise ValueError(f"{path}: format is not {PALETTE_FORMAT}")
        return cls(np.array(stated["shares"], float), float(stated["typicalScore"]))


def srgb_from_linear(v):
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * np.maximum(v, 1e-9) ** (1 / 2.4) - 0.055)


def linear_from_srgb(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


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
        if not self.findings and 0 < len(self._stated) < NEEDED:
            self._conclude(needed=1, gain=3 * GAIN, share=1.0)
        return self.findings

    def summary(self) -> str:
        """What was measured where nothing is wrong."""
        if not self.history:
            return f"nothing can be told of {self.frames} frames without cameras or surfaces"
        return (f"looks right: {self.frames} frames, {np.mean(self.history):.1%} of the surfaces "
                f"found again, base color {255 * np.mean(self.errors):.1f} of 255 off there, "
                f"{np.mean(self.sky):.1%} sky, "
                f"{np.mean(self.away or [0]):.1%} of the normals face away")

    def _judge(self, frame: DoctorFrame) -> None:
        self.frames += 1
        self._is_device = frame.device is not None
        x, y = grid(*frame.depth.shape, self.frames)
        self._look(frame, x, y)
        if self._reference is not None:
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
        if self.palette:
            self._look_at_colors(base[surface], frame.roughness[y, x][surface])

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
        for name, marks in self._marks.items():
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
            equals = sorted({k[0] for g, k in ranked[1:] if better - g < 0.1 * better} - alike)
            if equals and self.frames < 30:
                return  # more frames, or a camera that moves, will tell
            self._say_geometry(name, value, better, equals)
            return
        for name, gains in self._colors.items():
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


def decoded(clip: Clip, index: int) -> DoctorFrame:
    """One frame as stated. `read_frame` turned view normals to the world: they are turned back."""
    frame = read_frame(clip, index)
    made = as_stated(frame.base, frame.normal, frame.depth, frame.roughness, clip.cameras[index])
    if clip.encodings.normal_space == "view":
        made = replace(made, normal=made.normal @ made.turn().astype(np.float32), is_view=True)
    if clip.encodings.depth_kind == "reversed":
        made = replace(made, device=(made.camera.near, made.camera.far))
    return made


def as_stated(base, normal, depth, roughness, camera: Camera) -> DoctorFrame:
    """From planes of bytes, channels first; depth in metres, normals of the world."""
    unit = lambda plane: plane.transpose(1, 2, 0).astype(np.float32)
    return DoctorFrame(unit(base) / 255, unit(normal) / 127.5 - 1, depth,
                       roughness.astype(np.float32) / 255, camera)


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
    """Of a clip without cameras nothing is said."""
    count = min(len(clip.numbers), FRAME_LIMIT) if clip.cameras else 0
    return examine((decoded(clip, index) for index in range(count)), palette)


def examine_loaded(clip, limit: int = 8) -> Doctor:
    """Of a clip in memory, `dataset.LoadedClip` with cameras."""
    planes, depth = clip.planes.cpu().numpy(), clip.depth.cpu().numpy()
    return examine(as_stated(planes[i, 0:3], planes[i, 3:6], depth[i], planes[i, 6],
                             clip.cameras[i]) for i in range(min(len(planes), limit)))


def palette_of(clips: list[Clip]) -> Palette:
    """Of the first frame of every clip."""
    frames = []
    for clip in clips:
        frame = read_frame(clip, 0)
        x, y = grid(*frame.depth.shape, 0)
        on = frame.depth[y, x] > 0
        frames.append((frame.base[:, y, x].T[on] / 255.0, frame.roughness[y, x][on] / 255.0))
    return Palette.of(frames)


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
        known = options.model and (options.model / PALETTE_FILE).exists()
        used = Palette.read(options.model / PALETTE_FILE) if known else None
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
