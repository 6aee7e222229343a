# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Frames in flight: what was sent, what came back for it, and what the next frame continues from."""
from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np

from . import protocol
from .connection import Message
from .errors import FrameError, ProtocolError
from .history import History
from .memory import FrameMemory
from .messages import Frame, picture_of
from .pictures import Picture
from .planes import Layout, Pixels, Record


class Agreement(NamedTuple):
    """What frames are sent under."""

    layout: Layout
    record: Record
    """As `fl_open`."""


class FramesInFlight:
    """A session's frames and pictures, whichever connection they went over. Sends nothing."""

    def __init__(self, memory: FrameMemory, history: History | None, is_bottom_up: bool) -> None:
        self.agreement: Agreement | None = None
        """Of the frames that have no answer, and of the next one; None before the first."""
        self.unanswered: dict[int, Frame] = {}
        self.answers: deque[Picture | FrameError] = deque()
        """In the order of their frames, until they are taken."""
        self._memory = memory
        self._is_bottom_up = is_bottom_up
        # The frame and picture of the newest history and what they were sent under, else what the
        # session was given at its start.
        self._newest: tuple[Frame, Picture, Agreement] | None = None
        self._given_history = history
        self._filling: Pixels | None = None

    def __len__(self) -> int:
        """Frames without an answer and answers that were not taken."""
        return len(self.unanswered) + len(self.answers)

    # ---- What the next frame continues from -------------------------------------------------

    def history(self) -> History | None:
        """Views of memory that later frames are written to: copy what is kept."""
        if self._newest is None:
            return self._given_history
        frame, picture, (layout, record) = self._newest
        planes = {plane.name: layout.view(frame.payload, plane) for plane in layout.planes
                  if plane.name in ("base_color", "depth", "known")}
        return History(picture.pixels, planes["base_color"], planes["depth"], frame.camera,
                       planes.get("known"), frame.jitter, frame.frame_id, int(record["seed"]))

    @property
    def history_agreement(self) -> Agreement | None:
        """What the frame of the history was sent under; without one, what frames are now."""
        return self.agreement if self._newest is None else self._newest[2]

    # ---- What comes back --------------------------------------------------------------------

    def place(self, head: np.void) -> memoryview:
        """Where the pixels of a picture go (`connection.Place`)."""
        frame, agreement = self.unanswered.get(int(head["frame_id"])), self.agreement
        if frame is None or agreement is None:
            raise _not_in_flight("a picture", int(head["frame_id"]))
        height, width = agreement.layout.height, agreement.layout.width
        in_slot = bool(head["flags"] & protocol.PICTURE_IN_SLOT)
        if in_slot and (not self._memory.is_shared or frame.shared is None):
            raise ProtocolError("a picture in a slot for a frame that was in none", field="flags")
        expected = 0 if in_slot else height * width * 4
        if head["payload_bytes"] != expected:
            raise ProtocolError(f"a picture of {head['payload_bytes']} bytes",
                                field="payload_bytes", value=int(head["payload_bytes"]),
                                limit=expected)
        self._filling = np.empty((height, width, 4), np.uint8)
        if in_slot and frame.shared is not None:
            # Copied at once, so that the slot is free for the next frame.
            self._filling.reshape(-1)[:] = frame.shared.picture(frame.slot)
            return memoryview(b"")
        return self._filling.data.cast("B")

    def take_picture(self, message: Message) -> None:
        """The picture whose pixels were placed last."""
        frame_id = int(message.header["frame_id"])
        frame, agreement = self.unanswered.get(frame_id), self.agreement
        if frame is None or agreement is None or self._filling is None:
            raise _not_in_flight("a picture", frame_id)
        layout = agreement.layout
        pixels, self._filling = self._filling, None
        # It is also the history that the session resumes with.
        pixels.flags.writeable = False
        picture = picture_of(int(message.header["flags"]), message.body, pixels, frame, layout,
                             self._is_bottom_up)
        for number in [n for n in self.unanswered if n <= frame_id or n in picture.dropped]:
            passed = self.unanswered.pop(number)
            if passed is not frame:
                self._memory.release(passed, layout)
        self.answers.append(picture)
        # Planes that are shown instead of a picture leave the daemon's history as it was.
        if frame.shows_planes:
            self._memory.release(frame, layout)
            return
        if self._newest is not None:
            self._memory.release(self._newest[0], layout)
        self._newest = (frame, picture, agreement)

    def take_error(self, frame_id: int, error: dict[str, Any]) -> None:
        """The frame has no picture; `error` says why, as a DaemonError takes it."""
        frame = self.unanswered.pop(frame_id, None)
        if frame is None:
            raise _not_in_flight("an error", frame_id)
        layout = None if self.agreement is None else self.agreement.layout
        if error["code"] == protocol.ERROR_RENDER:
            for number in [n for n in self.unanswered if n < frame_id]:
                self._memory.release(self.unanswered.pop(number), layout)
        self._memory.release(frame, layout)
        self.answers.append(FrameError(**error, frame_id=frame_id))


def _not_in_flight(what: str, frame_id: int) -> ProtocolError:
    return ProtocolError(f"{what} for frame {frame_id}, which is not in flight", field="frame_id",
                         value=frame_id)
