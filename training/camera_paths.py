# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Random walks of a camera through the free space of a scene: walking, turning, strafing,
standing. The scene is asked one thing only: how far a ray goes."""

import math
from dataclasses import dataclass
from typing import Callable

import numpy as np

EYE_HEIGHT, CLEARANCE, HEADROOM = 1.66, 0.4, 0.25  # metres
FRAMES_PER_SECOND = 30
DIRECTIONS = [np.array([math.cos(a), 0.0, math.sin(a)])
              for a in np.linspace(0, 2 * math.pi, 12, endpoint=False)]
DOWN, UP = np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.0, 0.0])

Distance = Callable[[np.ndarray, np.ndarray], float]


class NoFreeSpace(Exception):
    pass


@dataclass
class Pose:
    position: np.ndarray
    yaw: float  # radians about +Y; 0 looks along -Z
    pitch: float

    def matrix(self) -> np.ndarray:
        """Camera to world."""
        cy, sy, cp, sp = (f(a) for a in (self.yaw, self.pitch) for f in (math.cos, math.sin))
        turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ \
            np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = turn, self.position
        return np.round(matrix, 7)


def is_free(distance: Distance, position: np.ndarray) -> bool:
    """Room for a person's head and shoulders, and a floor below."""
    floor = distance(position, DOWN)
    if not EYE_HEIGHT * 0.5 < floor < EYE_HEIGHT * 1.5 or distance(position, UP) < HEADROOM:
        return False
    return all(distance(position, d) > CLEARANCE for d in DIRECTIONS)


def start(distance: Distance, bounds: tuple[np.ndarray, np.ndarray],
          rng: np.random.Generator) -> np.ndarray:
    low, high = bounds
    for _ in range(4000):
        point = rng.uniform(low, high)
        floor = distance(point, DOWN)
        if not math.isfinite(floor):
            continue
        eye = point + DOWN * floor + UP * EYE_HEIGHT
        # A ceiling above tells an inside from a roof; open scenes are told apart by --open.
        if is_free(distance, eye):
            return eye
    raise NoFreeSpace("no place to stand was found in the scene's bounds: give other --bounds")


def walk(distance: Distance, bounds: tuple[np.ndarray, np.ndarray], frames: int,
         rng: np.random.Generator) -> list[np.ndarray]:
    """Camera-to-world matrices of one clip."""
    for _ in range(60):
        poses = attempted(distance, start(distance, bounds, rng), frames, rng)
        if poses is not None:
            return [pose.matrix() for pose in poses]
    raise NoFreeSpace(f"no free walk of {frames} frames was found")


def attempted(distance: Distance, position: np.ndarray, frames: int,
              rng: np.random.Generator) -> list[Pose] | None:
    step = 1.0 / FRAMES_PER_SECOND
    yaw, pitch = rng.uniform(-math.pi, math.pi), rng.normal(-0.05, 0.12)
    if distance(position, Pose(position, yaw, 0).matrix()[:3, :3] @ [0, 0, -1]) < 1.5:
        return None  # a face against the wall shows nothing
    speed = 0.0 if rng.random() < 0.1 else float(np.clip(rng.lognormal(0.3, 0.6), 0.2, 3.0))
    aside = rng.normal(0, 0.5)  # angle between where it looks and where it goes
    if rng.random() < 0.25:
        aside += math.pi / 2 * rng.choice([-1, 1])
    turning = math.radians(rng.normal(0, 50))  # a second
    nodding = math.radians(rng.normal(0, 6))
    poses = []
    for _ in range(frames):
        poses.append(Pose(position.copy(), yaw, pitch))
        going = yaw + aside
        ahead = np.array([-math.sin(going), 0.0, -math.cos(going)])
        following = position + ahead * speed * step
        if not is_free(distance, following):
            speed *= 0.7  # it slows down before it bumps, and turns away
            turning += math.radians(20) * rng.choice([-1, 1])
            following = position
        position = following
        turning += rng.normal(0, math.radians(40)) * math.sqrt(step)
        turning = float(np.clip(turning, -2.4, 2.4))
        yaw += turning * step
        pitch = float(np.clip(pitch + nodding * step, -0.6, 0.5))
    moved = np.linalg.norm(poses[-1].position - poses[0].position)
    if speed > 0.3 and moved < 0.2 * speed * step * (frames - 1):
        return None  # stuck in a corner
    return poses


def near_any(matrix: np.ndarray, others: list[np.ndarray], metres: float = 1.6,
             degrees: float = 40.0) -> bool:
    """Whether a camera stands close to one of the others and looks the same way."""
    for other in others:
        cosine = float(matrix[:3, 2] @ other[:3, 2])
        if np.linalg.norm(matrix[:3, 3] - other[:3, 3]) < metres and \
                cosine > math.cos(math.radians(degrees)):
            return True
    return False
