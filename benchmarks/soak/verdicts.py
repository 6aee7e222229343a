# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What was found against its bar, one line each."""
from __future__ import annotations

import math


def say(*words: object) -> None:
    print(*words, flush=True)


def percentile(values: list[float], percent: float) -> float:
    """The smallest of the values that at least `percent` of them do not exceed; NaN of none."""
    values = sorted(values)
    if not values:
        return math.nan
    return values[min(len(values) - 1, math.ceil(len(values) * percent / 100) - 1)]


class Verdicts:
    """Of one run; `faults` are those that were not kept."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def judge(self, line: str, is_kept: bool, fault: str) -> None:
        """Says the line with its verdict; `fault` is what is repeated at the end if it is missed."""
        say(f"{line}  {'ok' if is_kept else 'FAILED'}")
        if not is_kept:
            self.faults.append(fault)
