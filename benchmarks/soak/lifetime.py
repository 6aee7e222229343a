# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Processes that end with the one that started them, and clients that end when they are asked to."""
from __future__ import annotations

import ctypes
import os
import signal
import sys

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end_with_parent() -> None:
    """A client must not flood a machine for good because the soak that began it was killed."""
    die_with_parent()
    if os.getppid() == 1:
        sys.exit(1)


class Stop:
    """Whether SIGTERM came. For one object in a process; read by all its threads."""

    def __init__(self) -> None:
        self.is_asked = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_: object) -> None:
        self.is_asked = True
