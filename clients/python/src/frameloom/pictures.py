# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What comes back for a frame."""
from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


def png_bytes(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A PNG file of 8-bit pixels `[height, width, 3 or 4]`, first row on top."""
    height, width, channels = pixels.shape
    # Filter "sub": the difference to the pixel on the left, which smooth pictures pack well.
    rows = np.empty((height, width * channels + 1), np.uint8)
    rows[:, 0] = 1
    flat = np.ascontiguousarray(pixels).reshape(height, width * channels)
    rows[:, 1:] = flat
    rows[:, 1 + channels:] -= flat[:, :-channels]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 6, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"sRGB", b"\0")
            + chunk(b"IDAT", zlib.compress(rows.tobytes(), 3)) + chunk(b"IEND", b""))


@dataclass(frozen=True, repr=False, eq=False)
class Picture:
    """A finished picture. In a notebook it shows itself; `numpy.asarray` gives its pixels.

    Times are seconds on the daemon's side.
    """

    pixels: npt.NDArray[np.uint8]
    """`[height, width, 4]`, RGBA, sRGB; rows in the session's origin. Yours: never written again."""
    frame_id: int
    history_frame: int | None
    """Id of the frame whose picture this one was made from; None: made without history."""
    is_late: bool
    """It took longer than the session's frame budget."""
    is_approximate: bool
    """Rendering everything could have given other bytes (incremental sessions)."""
    quality: str
    """At which size its light was computed: "full", "half" or "quarter"."""
    computed_share: float
    """Share of the tiles that were rendered, 0 to 1."""
    dropped: tuple[int, ...]
    """The newest of the frames that were dropped since the picture before, at most 32."""
    dropped_count: int
    """How many were."""
    read: float
    """First to last byte of the frame."""
    queue: float
    """Last byte to start of rendering."""
    convert: float
    """Planes to network input."""
    render: float
    """Network."""
    encode: float
    """Network output to picture."""
    age: float
    """Last byte of the frame to this reply."""
    next_send: float
    """Suggested wait before the next frame is sent."""
    load: float
    """Share of the render threads' time in use, 0 to 1."""
    history_share: float | None
    """Share of the surfaces that were found in an earlier frame by depth and camera, 0 to 1. These
    four are what the daemon saw of the session so far (docs/doctor.md); None: not known."""
    sky_share: float | None
    """Share of the pixels that are sky."""
    away_share: float | None
    """Share of the surfaces whose normals face away from the viewer."""
    color_error: float | None
    """Mean difference of base color where surfaces were found, of 255."""
    latency: float
    """From `submit` to having the picture here."""
    is_bottom_up: bool = False
    """The first row of `pixels` is the lowest one (origin "bottom-left")."""

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def rgb(self) -> npt.NDArray[np.uint8]:
        """A view of the first three channels."""
        return self.pixels[:, :, :3]

    def png(self) -> bytes:
        """As a PNG file, the right way up."""
        return png_bytes(self.rgb[::-1] if self.is_bottom_up else self.rgb)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a PNG file."""
        data = self.png()
        with open(path, "wb") as file:
            file.write(data)

    def _repr_png_(self) -> bytes:
        return self.png()

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
                  ) -> npt.NDArray[np.generic]:
        if dtype is None or np.dtype(dtype) == np.uint8:
            return self.pixels.copy() if copy else self.pixels
        return self.pixels.astype(dtype)

    def __repr__(self) -> str:
        history = "no history" if self.history_frame is None else f"history {self.history_frame}"
        return (f"<frameloom.Picture frame {self.frame_id}, {self.width}x{self.height}, {history}, "
                f"{self.age * 1000:.1f} ms>")
