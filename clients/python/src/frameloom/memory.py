# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Where a session's frames lie until they are forgotten."""
from __future__ import annotations

import numpy as np

from .messages import Frame
from .planes import Layout, Pixels
from .shared import SharedMemory


class FrameMemory:
    """Slots of memory that the daemon has a descriptor of, else memory of the client alone; both
    are used again, since fresh memory costs page faults."""

    def __init__(self) -> None:
        self.is_shared = False
        """Whether the daemon of this connection has taken the slots."""
        self._shared: SharedMemory | None = None
        self._free_slots: list[int] = []
        self._spare: list[Pixels] = []

    def slots(self, layout: Layout, count: int) -> SharedMemory:
        """Slots for this layout, to be offered to the daemon; raises OSError if there are none."""
        sizes = layout.byte_count, layout.width * layout.height * 4
        shared = self._shared
        if shared is None or (shared.frame_bytes, shared.picture_bytes) != sizes:
            shared = self._shared = SharedMemory(*sizes, count)
            self._free_slots = list(range(count))
        return shared

    def taken(self, byte_count: int) -> tuple[SharedMemory | None, int, Pixels]:
        """Memory for a frame; with the slot that it lies in, if it does."""
        if self.is_shared and self._shared is not None and self._free_slots:
            slot = self._free_slots.pop()
            return self._shared, slot, self._shared.frame(slot)
        return None, 0, self._spare.pop() if self._spare else np.empty(byte_count, np.uint8)

    def is_in_slot(self, frame: Frame) -> bool:
        """Whether the daemon of this connection sees the frame where it lies."""
        return self.is_shared and frame.shared is not None and frame.shared is self._shared

    def release(self, frame: Frame, layout: Layout | None) -> None:
        """The frame is forgotten; `layout` is the one that frames have now."""
        if frame.shared is not None:
            # A frame of another layout lies in memory that is no longer offered.
            if frame.shared is self._shared:
                self._free_slots.append(frame.slot)
        elif layout is not None and frame.payload.size == layout.byte_count:
            self._spare.append(frame.payload)

    def forget_spare(self) -> None:
        """Frames have another size from now on."""
        self._spare.clear()
