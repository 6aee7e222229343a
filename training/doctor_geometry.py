# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The doctor's computations: frames as stated, the alternatives to what was stated, and how well
each explains two frames."""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from geometry import Camera

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
    camera: Camera | None  # its cx, cy without jitter; None: little can be told
    jitter: tuple[float, float] = (0.0, 0.0)  # pixels, right and down
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
            if near < far * k and math.isfinite(far):
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
