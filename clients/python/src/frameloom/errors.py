# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What can go wrong. Every error says which field, what was found, and what was allowed."""
from __future__ import annotations

from typing import Any

import numpy as np

from . import protocol

_CODE_NAMES = {
    value: name.removeprefix("ERROR_")
    for name, value in vars(protocol).items()
    if name.startswith("ERROR_")
}


class FrameloomError(Exception):
    """Any error of this package.

    `field`: what was wrong, as the protocol or the call names it, else "". `value` and `limit`:
    what was found and what was expected or allowed, where they are numbers, else None.
    """

    def __init__(self, text: str, *, field: str = "", value: float | None = None,
                 limit: float | None = None) -> None:
        super().__init__(text)
        self.field = field
        self.value = value
        self.limit = limit


class ArgumentError(FrameloomError, ValueError):
    """An argument cannot be sent; nothing was."""


class NoDaemonError(FrameloomError, ConnectionError):
    """Nobody listens at the socket, or it belongs to somebody else."""


class ClosedError(FrameloomError, ConnectionError):
    """The connection broke, or the daemon stops. `Session.resume` goes on."""


class WaitTimeoutError(FrameloomError, TimeoutError):
    """The time is over. `limit`: the seconds waited."""


class ProtocolError(FrameloomError):
    """The daemon sent what the protocol does not allow."""


class FullError(FrameloomError):
    """As many frames as agreed (`limit`) have no answer that was taken: take pictures first."""


class DaemonError(FrameloomError):
    """The daemon's own words (`text`). `code`: its number; `name`: such as "ROW_STRIDE"."""

    def __init__(self, text: str, *, code: int, field: str, value: float, limit: float) -> None:
        self.code = code
        self.name = _CODE_NAMES.get(code, f"error {code}")
        self.text = text
        prefix = f"{self.name} in {field}" if field else self.name
        super().__init__(f"{prefix}: {text}", field=field, value=value, limit=limit)

    def parts(self) -> dict[str, Any]:
        """What another of these errors is made of."""
        return {"text": self.text, "code": self.code, "field": self.field, "value": self.value,
                "limit": self.limit}


class RefusedError(DaemonError):
    """The daemon did not open the session, or not in the new layout."""


class SessionError(DaemonError):
    """The daemon ended the session."""


class FrameError(DaemonError):
    """This frame (`frame_id`) failed; the session goes on."""

    def __init__(self, text: str, *, code: int, field: str, value: float, limit: float,
                 frame_id: int) -> None:
        super().__init__(text, code=code, field=field, value=value, limit=limit)
        self.frame_id = frame_id


def text_of(field: bytes) -> str:
    """A text of the wire; what is not UTF-8 is replaced."""
    return bytes(field).split(b"\0", 1)[0].decode("utf-8", "replace")


def words_of(error: np.void) -> dict[str, Any]:
    """The parts of an `fl_error` as a DaemonError takes them."""
    return {
        "text": text_of(error["text"]), "code": int(error["code"]),
        "field": text_of(error["field"]), "value": float(error["value"]),
        "limit": float(error["limit"]),
    }
