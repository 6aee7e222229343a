# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Memory that the daemon has a descriptor of: frames and pictures lie in its slots (`fl_share`)."""
from __future__ import annotations

import fcntl
import mmap
import os

import numpy as np

from . import protocol
from .planes import Pixels, Record

_PAGE = mmap.PAGESIZE


def _rounded_up(count: int) -> int:
    return -(-count // _PAGE) * _PAGE


class SharedMemory:
    """A ring of kept slots. It outlives connections, and lives as long as an array in it does."""

    def __init__(self, frame_bytes: int, picture_bytes: int, slot_count: int) -> None:
        self.frame_bytes = frame_bytes
        self.picture_bytes = picture_bytes
        self._picture_offset = _rounded_up(frame_bytes)
        self._slot_bytes = self._picture_offset + _rounded_up(picture_bytes)
        self.slot_count = slot_count
        self.descriptor = os.memfd_create("frameloom", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, self._slot_bytes * slot_count)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS,
                        fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
            memory = mmap.mmap(self.descriptor, self._slot_bytes * slot_count)
        except BaseException:
            os.close(self.descriptor)
            raise
        self._bytes: Pixels = np.frombuffer(memory, np.uint8)

    def __del__(self) -> None:
        if hasattr(self, "_bytes"):
            os.close(self.descriptor)

    def record(self) -> Record:
        """As `fl_share`."""
        record = np.zeros((), protocol.share_dtype)
        record["slot_bytes"] = self._slot_bytes
        record["picture_offset"] = self._picture_offset
        record["slot_count"] = self.slot_count
        return record

    def frame(self, slot: int) -> Pixels:
        start = slot * self._slot_bytes
        return self._bytes[start:start + self.frame_bytes]

    def picture(self, slot: int) -> Pixels:
        start = slot * self._slot_bytes + self._picture_offset
        return self._bytes[start:start + self.picture_bytes]
