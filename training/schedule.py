# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The order of a training: which history the network sees, on crops of what size, for how long."""

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

SAMPLE_PIXELS = 128 * 128  # budgets count crops of this size; a larger crop counts as several
HISTORIES = ("none", "true", "own")


@dataclass(frozen=True)
class Phase:
    name: str
    share: float  # of the whole budget
    history: str  # "none", "true" (noisy true pictures) or "own" (the model's own pictures)
    crop: int
    batch: int  # crops a step on each process
    longest: int = 1  # the longest walk on own pictures, in frames
    single: int = 0  # of `batch`: crops on their own beside the walks, whose frames are much alike


# The three stages of the paper. Most of the budget goes to the model's own pictures: only there
# does it meet its own errors as they pile up. The last phase has crops that the deepest level
# (1/32) sees more than its own border of.
DEFAULT = (
    Phase("first", 0.15, "none", 128, 8),
    Phase("true", 0.10, "true", 128, 8),
    Phase("own", 0.50, "own", 128, 8, longest=16, single=3),
    Phase("wide", 0.25, "own", 256, 3, longest=24, single=1),
)


class ScheduleError(Exception):
    pass


def read_schedule(path: Path) -> tuple[Phase, ...]:
    """A JSON list of phases, each with the fields of `Phase`."""
    try:
        phases = tuple(Phase(**entry) for entry in json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise ScheduleError(f"{path}: not a schedule ({error})") from error
    for phase in phases:
        if phase.history not in HISTORIES:
            raise ScheduleError(f"{path}: history '{phase.history}' is none of {HISTORIES}")
        if phase.crop % 32 or phase.crop < 32 or phase.batch < 1 or phase.share < 0:
            raise ScheduleError(f"{path}: phase '{phase.name}': crop must be a multiple of 32, "
                                "batch at least 1, share not negative")
        if not 0 <= phase.single < phase.batch:
            raise ScheduleError(f"{path}: phase '{phase.name}': single {phase.single} must be "
                                f"0..{phase.batch - 1}, less than the batch")
    if abs(sum(p.share for p in phases) - 1) > 1e-6:
        raise ScheduleError(f"{path}: the shares add up to {sum(p.share for p in phases):g}, not 1")
    return phases


def fitted(phases: tuple[Phase, ...], smallest_side: int) -> tuple[Phase, ...]:
    """Crops no larger than the pictures; a smaller crop comes in larger batches."""
    limit = smallest_side // 32 * 32
    out = []
    for phase in phases:
        crop = min(phase.crop, limit)
        batch = max(1, round(phase.batch * (phase.crop / crop) ** 2))
        single = round(phase.single * batch / phase.batch)
        out.append(replace(phase, crop=crop, batch=batch, single=single))
    return tuple(out)


def phase_at(phases: tuple[Phase, ...], progress: float) -> int:
    """The phase's number at a progress of 0..1."""
    reached = 0.0
    for number, phase in enumerate(phases):
        reached += phase.share
        if progress < reached - 1e-12:
            return number
    return len(phases) - 1


def learning_rate(peak: float, step: int, progress: float, warm_up: int = 200,
                  floor: float = 0.02) -> float:
    """Linear warm-up, then a cosine over the whole budget down to `floor`. The warm-up ends after
    so many steps or 3 % of the budget, whichever is sooner: a short training is not all warm-up."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    warmth = min(1.0, max((step + 1) / warm_up, progress / 0.03))
    return peak * warmth * (floor + (1 - floor) * cosine)


def as_json(phases: tuple[Phase, ...]) -> list[dict]:
    return [asdict(phase) for phase in phases]
