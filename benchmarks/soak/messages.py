# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The bytes of the frame protocol (docs/protocol.md) as these clients send them, right and wrong ones."""
from __future__ import annotations

import random
import struct

HEADER = struct.Struct("<IHHIIQQ")
OPEN = struct.Struct("<QII12BIfffHHddQ64s64s")
FRAME = struct.Struct("<QQffff22d")
# Of fl_picture: read, queue, convert, render, encode, age, in nanoseconds.
PICTURE_TIMES = struct.Struct("<6Q")
PICTURE_TIMES_OFFSET = 16
ERROR_TEXT_OFFSET = 88

MAGIC, VERSION = 0x4D4F4F4C, 1
T_OPEN, T_FRAME, T_RESET, T_RECONFIGURE, T_CLOSE = 1, 2, 3, 4, 5
T_OPENED, T_PICTURE, T_ERROR = 65, 66, 67
ENDS_THE_SESSION = 2  # severity of an fl_error
EVERY, LATEST = 1, 0  # mailbox

# kind, format, bytes a pixel: base color RGBA8, normals RGB8, depth R32F, roughness and metallic R8
PLANES = [(1, 1, 4), (2, 4, 3), (3, 11, 4), (4, 8, 1), (5, 8, 1)]


def header(kind: int, body: int = 0, payload: int = 0, frame: int = 0) -> bytes:
    """As fl_header; `body` and `payload` are the byte counts that it claims."""
    return HEADER.pack(MAGIC, VERSION, kind, 0, body, payload, frame)


def open_body(width: int, height: int, mailbox: int = EVERY, budget_us: int = 0, name: str = "soak") -> bytes:
    planes = b"".join(struct.pack("<BBHI", kind, form, 0, 0) for kind, form, _ in PLANES)
    planes += bytes(8 * (16 - len(PLANES)))
    return OPEN.pack(
        0, width, height, len(PLANES), 0, mailbox, 0, 1, 0, 0, 0, 1, 0, 0, 0, budget_us,
        1.0, 0.0, 0.0, 0, 0, 0.0, 0.0, 7, b"", name.encode()) + planes


def frame_body() -> bytes:
    return FRAME.pack(0, 0, 1.0, 1.0, 0.0, 0.0, *([0.0] * 22))


def frame_bytes(width: int, height: int) -> int:
    """Of a frame's payload."""
    return width * height * sum(count for _, _, count in PLANES)


def frame_payload(width: int, height: int, seed: int) -> bytes:
    """Planes that differ from frame to frame, and are the same for the same seed."""
    source = random.Random(seed)
    pixels = width * height
    tile = source.randbytes(4096)
    base = (tile * (pixels * 4 // 4096 + 1))[: pixels * 4]
    normals = bytes((128, 255, 128)) * pixels
    depth = struct.pack("<f", 2.0 + seed % 7) * pixels
    return base + normals + depth + bytes([90 + seed % 60]) * pixels + bytes(pixels)
