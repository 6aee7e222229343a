# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What a picture file says about its colors: sRGB, a power of light with sRGB's primaries (so also
linear), something else, or nothing. The same rules as FrameClip's `ColorStatement`."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np

SRGB_GAMMA = 0.45455
# xy of white, red, green, blue in cHRM; XYZ of red, green, blue under D50 in a profile.
SRGB_CHROMATICITIES = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
SRGB_COLORANTS = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708),
                  (0.14307, 0.06061, 0.71410))
MAX_PROFILE = 4 << 20


@dataclass(frozen=True)
class ColorStatement:
    """`gamma`: None where nothing is said, 0 for sRGB's curve, else samples are light ** gamma.
    `by`: what says so. `refusal`: why the colors cannot be read."""

    gamma: float | None = None
    by: str = ""
    refusal: str | None = None

    @property
    def says(self) -> str:
        return "sRGB" if self.gamma == 0 else \
            "linear" if self.gamma == 1 else f"gamma {self.gamma:.5f}"


def statement_of_png(chunks: list[tuple[bytes, bytes]]) -> ColorStatement:
    """In the order of the PNG specification: cICP, iCCP, sRGB, then gAMA with cHRM."""
    first = {}
    for kind, data in chunks:
        if kind == b"IDAT":
            break
        first.setdefault(kind, data)
    if b"cICP" in first:
        return of_code_points(first[b"cICP"])
    if b"iCCP" in first:
        return of_packed_profile(first[b"iCCP"])
    if b"sRGB" in first:
        return ColorStatement(0, "its sRGB chunk")
    return of_gamma(first.get(b"gAMA"), first.get(b"cHRM"))


def statement_of_jpeg(profile: bytes) -> ColorStatement:
    return of_profile(profile) if profile else ColorStatement()


def of_code_points(data: bytes) -> ColorStatement:
    by = "its cICP chunk"
    if len(data) == 4 and data[0] == 1 and data[2:] == b"\0\1" and data[1] in (8, 13):
        return ColorStatement(1 if data[1] == 8 else 0, by)
    numbers = ", ".join(str(byte) for byte in data[:4])
    return ColorStatement(by=by, refusal=f"its cICP chunk says {numbers}; sRGB (1, 13, 0, 1) and "
                          "linear (1, 8, 0, 1) are read")


def of_gamma(gamma: bytes | None, chromaticities: bytes | None) -> ColorStatement:
    if chromaticities is not None and len(chromaticities) == 32:
        found = [v / 100000 for v in struct.unpack(">8I", chromaticities)]
        if any(abs(a - b) > 0.005 for a, b in zip(found, SRGB_CHROMATICITIES)):
            return ColorStatement(by="its cHRM chunk", refusal="its cHRM chunk says other "
                                  "primaries than sRGB's; convert it to sRGB")
    if gamma is None or len(gamma) != 4:
        return ColorStatement()
    stated = struct.unpack(">I", gamma)[0]
    if not 10000 <= stated <= 500000:
        return ColorStatement(by="its gAMA chunk", refusal=f"its gAMA chunk says {stated}; 10000 "
                              "to 500000 are read")
    value = stated / 100000
    return ColorStatement(0 if abs(value - SRGB_GAMMA) <= 0.02 else value, "its gAMA chunk")


NOT_READ = ColorStatement(
    by="its color profile", refusal="its color profile is neither sRGB nor linear with sRGB's "
    "primaries; convert it to sRGB")


def of_packed_profile(data: bytes) -> ColorStatement:
    name, _, rest = data.partition(b"\0")
    unpack = zlib.decompressobj()
    try:
        profile = unpack.decompress(rest[1:], MAX_PROFILE)
    except zlib.error:
        return NOT_READ
    return of_profile(profile) if rest[:1] == b"\0" else NOT_READ


def of_profile(profile: bytes) -> ColorStatement:
    """By its primaries and curves, whatever its name is."""
    if len(profile) < 132 or profile[36:40] != b"acsp":
        return NOT_READ
    tags = {}
    for i in range(min(struct.unpack_from(">I", profile, 128)[0], 100)):
        if 132 + 12 * i + 12 > len(profile):
            return NOT_READ
        name, at, size = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        if at + size <= len(profile):
            tags.setdefault(name, profile[at:at + size])
    if profile[16:20] == b"GRAY":
        curves = [b"kTRC"]
    elif profile[16:20] == b"RGB ":
        curves = [b"rTRC", b"gTRC", b"bTRC"]
        for name, wanted in zip((b"rXYZ", b"gXYZ", b"bXYZ"), SRGB_COLORANTS):
            tag = tags.get(name, b"")
            if len(tag) < 20 or tag[:4] != b"XYZ ":
                return NOT_READ
            found = [v / 65536 for v in struct.unpack_from(">3i", tag, 8)]
            if any(abs(a - b) > 0.01 for a, b in zip(found, wanted)):
                return NOT_READ
    else:
        return NOT_READ
    kinds = {curve_kind(tags.get(name, b"")) for name in curves}
    return ColorStatement(kinds.pop(), "its color profile") \
        if len(kinds) == 1 and None not in kinds else NOT_READ


def curve_kind(tag: bytes) -> int | None:
    """0 for sRGB's curve, 1 for a straight line, None for any other."""
    points = (0.1, 0.25, 0.5, 0.75, 0.9)
    try:
        values = [curve_value(tag, x) for x in points]
    except (OverflowError, ZeroDivisionError):
        return None
    if any(v is None or isinstance(v, complex) for v in values):
        return None
    if all(abs(v - x) <= 0.001 for v, x in zip(values, points)):
        return 1
    if all(abs(v - ((x + 0.055) / 1.055) ** 2.4) <= 0.01 for v, x in zip(values, points)):
        return 0
    return None


def curve_value(tag: bytes, x: float) -> float | None:
    if tag[:4] == b"curv" and len(tag) >= 12:
        count, = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return x
        if count > (len(tag) - 12) // 2:
            return None
        if count == 1:
            return x ** (struct.unpack_from(">H", tag, 12)[0] / 256)
        at = x * (count - 1)
        low = min(int(at), count - 2)
        a, b = struct.unpack_from(">2H", tag, 12 + 2 * low)
        return (a + (b - a) * (at - low)) / 65535
    if tag[:4] == b"para" and len(tag) >= 12:
        kind, = struct.unpack_from(">H", tag, 8)
        if kind > 4 or len(tag) < 12 + 4 * (1, 3, 4, 5, 7)[kind]:
            return None
        g, a, b, c, d, e, f = [v / 65536 for v in struct.unpack_from(
            f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)] + [0.0] * (7 - (1, 3, 4, 5, 7)[kind])
        if kind == 0:
            return x ** g
        if kind <= 2:
            return (a * x + b) ** g + c if a and x >= -b / a else c
        return (a * x + b) ** g + e if x >= d else c * x + f
    return None


def srgb_bytes(pixels: np.ndarray, gamma: float) -> np.ndarray:
    """Samples that are light ** gamma, as 8-bit sRGB."""
    top = 255 if pixels.dtype == np.uint8 else 65535
    return srgb_table(gamma, top)[pixels]


_tables: dict[tuple[float, int], np.ndarray] = {}


def srgb_table(gamma: float, top: int) -> np.ndarray:
    key = (gamma, top)
    if key not in _tables:
        table = np.zeros(top + 1, np.uint8)
        for i in range(top + 1):
            light = i / top if gamma == 1 else (i / top) ** (1 / gamma)
            curved = light * 12.92 if light <= 0.0031308 else \
                1.055 * light ** (1 / 2.4) - 0.055
            table[i] = int(curved * 255 + 0.5)
        _tables[key] = table
    return _tables[key]
