# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Structs of the wire and what they mean here."""
from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from . import protocol
from .arguments import FrameArguments
from .cameras import Camera
from .errors import ProtocolError, text_of
from .pictures import Picture
from .planes import Layout, Pixels, Record
from .shared import SharedMemory


@dataclass(frozen=True)
class Opened:
    """What the daemon agreed to."""

    session_id: int
    model: str
    model_version: str
    precision: str
    precision_reason: str
    """Why the daemon took it, for people; empty from a daemon that does not say."""
    kernel_path: str
    """Same model version, precision and kernel path, same input: same bytes."""
    max_in_flight: int
    planned_bytes: int
    """What this session adds to the daemon's memory."""
    is_incremental: bool
    """Asked for and granted."""
    may_share_memory: bool
    """The same."""
    history: str
    """"none", "resumed" or "kept"."""

    @classmethod
    def of(cls, data: bytes) -> Opened:
        size = protocol.opened_dtype.itemsize
        body = np.frombuffer(data[:size].ljust(size, b"\0"), protocol.opened_dtype, 1)[0]
        names = {protocol.HISTORY_NONE: "none", protocol.HISTORY_RESUMED: "resumed",
                 protocol.HISTORY_KEPT: "kept"}
        return cls(
            int(body["session_id"]), text_of(body["model"]), text_of(body["model_version"]),
            text_of(body["precision"]), text_of(body["precision_reason"]),
            text_of(body["kernel_path"]),
            max(1, int(body["max_frames_in_flight"])), int(body["planned_bytes"]),
            bool(int(body["features"]) & protocol.FEATURE_INCREMENTAL),
            bool(int(body["features"]) & protocol.FEATURE_SHARED_MEMORY),
            names.get(int(body["history"]), "none"))


@dataclass(eq=False)
class Frame:
    """A frame that has no answer yet, or whose picture the next one continues from."""

    frame_id: int
    head: Record
    """Header and `fl_frame`."""
    payload: Pixels
    shared: SharedMemory | None
    """What the payload lies in, if it does."""
    slot: int
    camera: Camera | None
    jitter: tuple[float, float]
    sent_at: float
    """`time.monotonic`."""
    shows_planes: bool


HEAD_DTYPE = np.dtype([("header", protocol.header_dtype), ("body", protocol.frame_dtype)],
                      align=True)


def head_of(frame: FrameArguments, number: int, resets: bool, is_incremental: bool) -> Record:
    """Header and `fl_frame` of frame `number`. `resets`: it has no history; `is_incremental`: in
    such a session tiles may be kept unless the frame says otherwise."""
    camera, motion_from = frame.get("camera"), frame.get("motion_from")
    approximate = frame.get("approximate")
    flags = 0
    for flag, is_set in (
        (protocol.FRAME_RESET, resets),
        (protocol.FRAME_APPROXIMATE, is_incremental if approximate is None else approximate),
        (protocol.FRAME_HAS_CAMERA, camera is not None),
        (protocol.FRAME_HAS_MOTION_FROM, motion_from is not None),
        (protocol.FRAME_SHOW_PLANES, frame.get("show_planes")),
    ):
        flags |= flag if is_set else 0
    head = np.zeros((), HEAD_DTYPE)
    head["header"] = header(protocol.FRAME, flags, protocol.frame_dtype.itemsize, 0, number)
    body = head["body"]
    body["motion_from"] = motion_from or 0
    body["client_time_ns"] = time.monotonic_ns()
    body["exposure"], body["history_trust"] = 1, 1
    body["jitter_x"], body["jitter_y"] = frame.get("jitter", (0.0, 0.0))
    if camera is not None:
        body["camera"] = camera.record()
    return head


SLOT_BYTES = protocol.slot_dtype.itemsize


def bytes_of(frame: Frame, in_slot: bool) -> tuple[bytes, memoryview]:
    """A frame's message, before its payload, and the payload: nothing if it lies in a slot."""
    head = frame.head.copy()
    if not in_slot:
        head["header"]["payload_bytes"] = frame.payload.size
        return head.tobytes(), frame.payload.data
    # Numpy 1 does not narrow the results of in-place operations on a record's fields.
    head["header"]["flags"] = int(head["header"]["flags"]) | protocol.FRAME_IN_SLOT
    head["header"]["body_bytes"] = int(head["header"]["body_bytes"]) + SLOT_BYTES
    slot = np.zeros((), protocol.slot_dtype)
    slot["slot"] = frame.slot
    return head.tobytes() + slot.tobytes(), memoryview(b"")


def header(kind: int, flags: int = 0, body_bytes: int = 0, payload_bytes: int = 0,
           frame_id: int = 0) -> Record:
    """As `fl_header`."""
    return np.array((protocol.MAGIC, protocol.VERSION, kind, flags, body_bytes, payload_bytes,
                     frame_id), protocol.header_dtype)


def picture_of(flags: int, data: bytes, pixels: Pixels, frame: Frame, layout: Layout,
               is_bottom_up: bool) -> Picture:
    """The picture of an `fl_picture`; raises ProtocolError if it is not what was agreed."""
    body = np.frombuffer(data, protocol.picture_dtype, 1)[0]
    for name, agreed in (("width", layout.width), ("height", layout.height),
                         ("row_stride", layout.width * 4),
                         ("format", protocol.PICTURE_RGBA8_SRGB)):
        if body[name] != agreed:
            raise ProtocolError(f"a picture whose {name} was not agreed", field=name,
                                value=int(body[name]), limit=agreed)
    seconds = {name: int(body[f"{name}_ns"]) / 1e9
               for name in ("read", "queue", "convert", "render", "encode", "age", "next_send")}
    def seen(name: str, scale: float) -> float | None:
        return (int(body[name]) - 1) / scale if body[name] else None

    return Picture(
        pixels=pixels, frame_id=frame.frame_id,
        history_frame=int(body["history_frame"]) if flags & protocol.PICTURE_HISTORY else None,
        is_late=bool(flags & protocol.PICTURE_LATE),
        is_approximate=bool(flags & protocol.PICTURE_APPROXIMATE),
        quality="half" if flags & protocol.PICTURE_HALF
        else "quarter" if flags & protocol.PICTURE_QUARTER else "full",
        computed_share=float(body["computed_share"]),
        dropped=tuple(int(number) for number in body["dropped_ids"] if number),
        dropped_count=int(body["dropped_count"]), load=float(body["load"]),
        history_share=seen("history_percent", 100), sky_share=seen("sky_percent", 100),
        away_share=seen("away_percent", 100), color_error=seen("color_error", 1),
        latency=time.monotonic() - frame.sent_at, is_bottom_up=is_bottom_up, **seconds)
