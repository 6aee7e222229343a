# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Pictures written byte by byte, as libraries do not write them."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: np.ndarray, extra: list[tuple[bytes, bytes]] = (), bits: int | None = None,
        color: int | None = None, filters: int = 0, interlaced: bool = False) -> bytes:
    """`[H, W]` or `[H, W, C]` of bytes or 16-bit numbers; all rows with one filter, or in turn (-1).
    Less than 8 bits a sample and palettes are given as the numbers to store."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    height, width, channels = pixels.shape
    bits = bits or (8 if pixels.dtype == np.uint8 else 16)
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels] if color is None else color
    passes = [(0, 0, 1, 1)] if not interlaced else [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
        (0, 1, 1, 2)]
    raw = b""
    for x, y, dx, dy in passes:
        part = pixels[y::dy, x::dx]
        if part.size:
            raw += filtered(packed_rows(part, bits), max(1, bits * channels // 8), filters)
    head = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, int(interlaced))
    body = b"".join(chunk(kind, data) for kind, data in extra)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body
            + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def packed_rows(pixels: np.ndarray, bits: int) -> list[bytes]:
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in pixels]
    if bits == 8:
        return [row.astype(np.uint8).tobytes() for row in pixels]
    rows = []
    for row in pixels[..., 0]:
        text = "".join(f"{int(v):0{bits}b}" for v in row)
        text += "0" * (-len(text) % 8)
        rows.append(bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)))
    return rows


def filtered(rows: list[bytes], size: int, kind: int) -> bytes:
    result, above = b"", bytes(len(rows[0]))
    for number, row in enumerate(rows):
        use = number % 5 if kind < 0 else kind
        line = bytearray([use])
        for i, value in enumerate(row):
            left = row[i - size] if i >= size else 0
            corner = above[i - size] if i >= size else 0
            up = above[i]
            near = left + up - corner
            paeth = min((left, up, corner), key=lambda v: (abs(near - v)))
            line.append((value - [0, left, up, (left + up) // 2, paeth][use]) & 255)
        result, above = result + bytes(line), row
    return result


def jpeg(pixels: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=options.pop("quality", 92), **options)
    return stream.getvalue()


def unpacked(file: bytes) -> np.ndarray:
    """What libjpeg-turbo makes of a JPEG file: the one answer that is not ours to write down."""
    return np.array(Image.open(io.BytesIO(file)))

def profile(kind: str) -> bytes:
    if kind == "srgb":
        made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        made[24:36] = bytes(12)  # when it was made
        return bytes(made)
    colorants = [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708),
                 (0.14307, 0.06061, 0.71410)]
    if kind == "wide":  # Adobe RGB (1998)
        colorants = [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087),
                     (0.14919, 0.06322, 0.74457)]
    gamma = {"linear": 256, "wide": 563, "gamma18": 461}[kind]
    tags = [(name, b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in c)))
            for name, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants)]
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, gamma) + b"\0\0"
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    at, table, data = 132 + 12 * len(tags), b"", b""
    for name, content in tags:
        table += struct.pack(">4sII", name, at + len(data), len(content))
        data += content
    body = struct.pack(">I", len(tags)) + table + data
    head = struct.pack(">I", 128 + len(body)) + bytes(12) + b"RGB XYZ " + bytes(12) + b"acsp"
    return head.ljust(128, b"\0") + body


def iccp(kind: str) -> tuple[bytes, bytes]:
    return b"iCCP", b"profile\0\0" + zlib.compress(profile(kind))


def cmyk(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).convert("CMYK").save(stream, "JPEG")
    return stream.getvalue()


def huge(side: int) -> bytes:
    head = struct.pack(">IIBBBBB", side, side, 16, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99)))
            + chunk(b"IEND", b""))
