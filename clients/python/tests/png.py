# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Reads PNG files, so that the tests need nothing but numpy."""
from __future__ import annotations

import struct
import zlib

import numpy as np


def read_png(data: bytes) -> np.ndarray:
    """`[height, width]` or `[height, width, channels]`, uint8 or uint16; not interlaced."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    position, packed, head = 8, b"", ()
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        checksum = struct.unpack_from(">I", data, position + 8 + length)[0]
        assert checksum == zlib.crc32(kind + body)
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        position += 12 + length
    width, height, depth, color, _, _, interlaced = head
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    assert depth in (8, 16) and interlaced == 0
    step = channels * depth // 8
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width * step + 1)
    pixels = np.zeros((height, width * step), np.uint8)
    above = np.zeros(width * step, np.uint8)
    for line, row in enumerate(rows):
        above = pixels[line] = _unfiltered(int(row[0]), row[1:], above, step)
    if depth == 16:
        return pixels.view(">u2").astype(np.uint16).reshape(_shape(height, width, channels))
    return pixels.reshape(_shape(height, width, channels))


def _shape(height: int, width: int, channels: int) -> tuple[int, ...]:
    return (height, width) if channels == 1 else (height, width, channels)


def _unfiltered(kind: int, row: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    if kind == 0:
        return row
    if kind == 1:
        return np.cumsum(row.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
    if kind == 2:
        return row + above
    done, up = list(row.tolist()), above.tolist()
    for index, value in enumerate(done):
        left = done[index - step] if index >= step else 0
        if kind == 3:
            done[index] = (value + (left + up[index]) // 2) & 255
            continue
        corner = up[index - step] if index >= step else 0
        estimate = left + up[index] - corner
        distances = (abs(estimate - left), abs(estimate - up[index]), abs(estimate - corner))
        nearest = distances.index(min(distances))
        done[index] = (value + (left, up[index], corner)[nearest]) & 255
    return np.array(done, np.uint8)
