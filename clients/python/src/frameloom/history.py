# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What the next frame continues from: a session's whole state, and a client can have it."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import protocol
from .cameras import Camera
from .errors import ArgumentError
from .planes import Layout, Pixels, Record


@dataclass(frozen=True, eq=False)
class History:
    """A picture and the planes of its frame; see `Session.history` and `connect(history=...)`."""

    picture: Pixels
    """`[height, width, 4]`, RGBA, sRGB, in the session's origin."""
    base_color: npt.NDArray[np.generic]
    """As `render` takes it and of the same type as the frames that follow."""
    depth: npt.NDArray[np.generic]
    camera: Camera | None = None
    known: npt.NDArray[np.generic] | None = None
    jitter: tuple[float, float] = (0.0, 0.0)
    frame_id: int = 0
    """Frames that follow get larger ones."""
    seed: int = 0

    def record(self) -> Record:
        """As `fl_history`."""
        record = np.zeros((), protocol.history_dtype)
        record["height"], record["width"] = self.picture.shape[:2]
        record["frame_id"] = self.frame_id
        record["seed"] = self.seed
        record["jitter_x"], record["jitter_y"] = self.jitter
        if self.camera is not None:
            record["flags"] = protocol.HISTORY_HAS_CAMERA
            record["camera"] = self.camera.record()
        return record

    def payload(self, layout: Layout) -> bytes:
        """Its planes as a session of this layout opens with them."""
        height, width = self.picture.shape[:2]
        if self.picture.shape != (height, width, 4) or self.picture.dtype != np.uint8:
            raise ArgumentError("the picture of a history is uint8 [h,w,4]", field="picture")
        parts = [np.ascontiguousarray(self.picture).tobytes()]
        for name in ("base_color", "depth", "known"):
            plane = layout.plane(name)
            if plane is None:
                continue
            array = getattr(self, name)
            if array is None or array.shape[:2] != (height, width):
                raise ArgumentError(f"the history needs {name} of {width}x{height} pixels",
                                    field=name)
            shape = (height, width) + (
                (plane.format.channels,) if plane.format.channels > 1 else ())
            packed = np.empty(shape, plane.format.dtype)
            plane.format.write(packed, array)
            parts.append(packed.tobytes())
        return b"".join(parts)

    def copy(self) -> History:
        return History(
            self.picture.copy(), self.base_color.copy(), self.depth.copy(), self.camera,
            None if self.known is None else self.known.copy(), self.jitter, self.frame_id,
            self.seed)
