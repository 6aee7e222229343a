# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Python client of the Frameloom daemon: a G-buffer in, the finished picture out.

    import frameloom

    with frameloom.connect() as session:
        picture = session.render(base_color=..., normals=..., depth=..., roughness=...,
                                 camera=frameloom.Camera.from_fov(...))
"""
from __future__ import annotations

import math
import os
from typing import Literal

from .cameras import Camera, camera_to_world, world_vectors
from .connection import default_socket
from .conventions import Conventions, WorldAxes
from .errors import (ArgumentError, ClosedError, DaemonError, FrameError, FrameloomError,
                     FullError, NoDaemonError, ProtocolError, RefusedError, SessionError,
                     WaitTimeoutError)
from .history import History
from .messages import Opened
from .pictures import Picture
from .planes import srgb8
from .session import Session

__version__ = "0.1.0"

__all__ = [
    "ArgumentError", "Camera", "ClosedError", "DaemonError", "FrameError", "FrameloomError",
    "FullError", "History", "NoDaemonError", "Opened", "Picture", "ProtocolError", "RefusedError",
    "Session", "SessionError", "WaitTimeoutError", "camera_to_world", "connect", "srgb8",
    "world_vectors",
]


def connect(
    socket: str | os.PathLike[str] | None = None, *,
    model: str = "",
    origin: Literal["top-left", "bottom-left"] = "top-left",
    normal_space: Literal["world", "view"] = "world",
    axes: WorldAxes = "opengl",
    unit: Literal["usual", "metres", "centimetres"] = "usual",
    matrices: Literal["row-major", "column-major"] = "row-major",
    depth: Literal["linear", "device-reversed", "device", "device-signed", "ray"] = "linear",
    depth_scale: float | None = None,
    near: float = 0.0,
    far: float = math.inf,
    roughness_kind: Literal["direct", "smoothness", "godot"] = "direct",
    motion_unit: Literal["scaled", "ndc", "uv"] = "scaled",
    motion_scale: tuple[float, float] = (1.0, 1.0),
    motion_direction: Literal["to-previous", "from-previous"] = "to-previous",
    motion_is_jittered: bool = False,
    mailbox: Literal["every", "latest"] = "every",
    frame_budget: float = 0.0,
    incremental: bool = False,
    shared_memory: bool = True,
    quality: Literal["configured", "full", "half", "quarter"] = "configured",
    may_fall: bool = False,
    control_scale: float | None = None,
    adapter_scale: float | None = None,
    seed: int = 0,
    view: int = 0,
    client_name: str = "Python",
    history: History | None = None,
    timeout: float | None = 300.0,
    resume: float = 30.0,
) -> Session:
    """Connects to the daemon. The first frame opens the session.

    `socket`: by default `FRAMELOOM_SOCKET`, else where `frameloomd` listens. `model`: by default
    the daemon's. Everything else says how your frames are to be read (docs/protocol.md):

    - `origin`: which row comes first in memory, of planes and picture
    - `normal_space`: "view" needs a camera with every frame
    - `axes`, `unit`, `matrices`: whose world the normals and the matrices of `Camera` are in, if
      they are the engine's own; "gltf", "godot" and "threejs" are "opengl". Matrices made by
      `camera_to_world` or `Camera.from_fov` are in the daemon's already
    - `depth`: "linear" (planar, metres times `depth_scale`; 1 for float depth, to be stated for
      uint16), "ray" (along the pixel's ray) or a kind of device depth with `near` and `far`
    - `roughness_kind`: what the numbers of `roughness` are
    - `motion_unit`: "ndc", "uv", or "scaled": `motion_scale` pixels per unit; `motion_direction`:
      where it points, `motion_is_jittered`: whether it contains the difference of the jitters
    - `mailbox`: "every" frame is rendered, or a newer one replaces one that waits ("latest")
    - `frame_budget`: seconds in which a picture is wanted
    - `incremental`: render only what changed while the camera stands still
    - `shared_memory`: frames and pictures in memory shared with the daemon, less copying; where
      that does not work out they go through the socket
    - `quality`: the size at which light is computed ("half": both sides halved; base color stays as
      sharp as it is sent), by default as the daemon is configured; `may_fall`: lower levels may be
      used while frames come late or are dropped
    - `control_scale`, `adapter_scale`: of framediffuser models, 0.001 to 4
    - `history`: what the first frame continues from
    - `timeout`: seconds that any call waits at most; None: for ever
    - `resume`: seconds to wait for a daemon that is being restarted when the connection breaks; 0:
      raise ClosedError instead

    Raises NoDaemonError if nobody listens.
    """
    conventions = Conventions(
        model=model, origin=origin, normal_space=normal_space, axes=axes, unit=unit,
        matrices=matrices, depth=depth, depth_scale=depth_scale, near=near, far=far,
        roughness_kind=roughness_kind, motion_unit=motion_unit, motion_scale=motion_scale,
        motion_direction=motion_direction, motion_is_jittered=motion_is_jittered,
        mailbox=mailbox, frame_budget=frame_budget, incremental=incremental,
        shared_memory=shared_memory, quality=quality, may_fall=may_fall,
        control_scale=control_scale, adapter_scale=adapter_scale,
        seed=seed, view=view, client_name=client_name)
    path = default_socket() if socket is None else os.fspath(socket)
    return Session(path, conventions, timeout=timeout, resume=resume, history=history)
