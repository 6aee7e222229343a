# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""One connection: messages out and in, so that neither side can block the other for good."""
from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np

from . import protocol
from .errors import ClosedError, NoDaemonError, ProtocolError, WaitTimeoutError


def default_socket() -> str:
    """`FRAMELOOM_SOCKET`, else where `frameloomd` listens by default."""
    stated = os.environ.get("FRAMELOOM_SOCKET")
    if stated:
        return stated
    folder = os.environ.get("XDG_RUNTIME_DIR") if os.geteuid() != 0 else None
    return f"{folder}/frameloom/frames.sock" if folder else "/run/frameloom/frames.sock"


class Deadline:
    """The moment at which waiting ends; None: never."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def remaining(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    @property
    def is_over(self) -> bool:
        return self.remaining() == 0.0


@dataclass
class Message:
    header: np.void
    body: bytes


# Where the pixels of a message go; raises for one that nobody waits for.
Place = Callable[[np.void], memoryview]


def _offset(record: np.dtype[np.void], field: str) -> int:
    """Bytes before a field."""
    assert record.fields is not None
    return record.fields[field][1]


_LEAST_BODY = {
    # Earlier daemons end before the reason.
    protocol.OPENED: _offset(protocol.opened_dtype, "precision_reason"),
    protocol.PICTURE: protocol.picture_dtype.itemsize,
    protocol.ERROR: protocol.error_dtype.itemsize,
    protocol.CLOSED: 0,
    protocol.SHARED: 0,
}


class Connection:
    """Belongs to one thread at a time."""

    def __init__(self, path: str, deadline: Deadline, *, waits_for_daemon: bool = False) -> None:
        self._socket = _connect(path, deadline, waits_for_daemon)
        self._outgoing: deque[memoryview] = deque()
        self._attached: tuple[memoryview, int] | None = None
        self._write_failed = False
        self._header_bytes = bytearray(protocol.HEADER_BYTES)
        self._expect_header()

    def close(self) -> None:
        self._socket.close()

    def put(self, *parts: bytes | memoryview) -> None:
        """Queues bytes. They are read when they are written: leave them as they are."""
        self._outgoing.extend(memoryview(part).cast("B") for part in parts if len(part) > 0)

    def put_descriptor(self, descriptor: int) -> None:
        """Queues one byte with a descriptor attached; nothing else may follow before it is sent."""
        carrier = memoryview(b"\0")
        self._outgoing.append(carrier)
        self._attached = (carrier, descriptor)

    @property
    def is_written(self) -> bool:
        return not self._outgoing

    def exchange(self, is_done: Callable[[], bool], deadline: Deadline, place: Place,
                 take: Callable[[Message], None]) -> None:
        """Writes and reads until `is_done`; at least what can be done without waiting.

        Raises ClosedError at the end of the connection, WaitTimeoutError at the deadline.
        """
        while True:
            self._write()
            while (message := self._read(place)) is not None:
                take(message)
                # What follows the answer to a control message is read under what it agreed.
                if is_done():
                    return
            # Only now: the daemon's reason to close was still to be read.
            if self._write_failed:
                raise ClosedError("the connection broke")
            if is_done():
                return
            remaining = deadline.remaining()
            if remaining == 0:
                raise WaitTimeoutError(f"no answer within {deadline.seconds:g} seconds",
                                       limit=deadline.seconds)
            poll = select.poll()
            poll.register(self._socket, select.POLLIN | (select.POLLOUT if self._outgoing else 0))
            poll.poll(None if remaining is None else int(remaining * 1000) + 1)

    def _write(self) -> None:
        while self._outgoing and not self._write_failed:
            try:
                sent = self._send()
            except BlockingIOError:
                return
            except OSError:
                self._write_failed = True
                return
            while sent > 0:
                first = self._outgoing[0]
                if sent >= len(first):
                    sent -= len(self._outgoing.popleft())
                else:
                    self._outgoing[0] = first[sent:]
                    sent = 0

    def _send(self) -> int:
        parts = list(islice(self._outgoing, 16))
        if self._attached is None or parts[-1] is not self._attached[0]:
            return self._socket.sendmsg(parts)
        if len(parts) > 1:
            return self._socket.sendmsg(parts[:-1])
        # The byte that carries the descriptor goes by itself.
        sent = socket.send_fds(self._socket, parts, [self._attached[1]])
        self._attached = None
        return sent

    def _expect_header(self) -> None:
        self._header: np.void | None = None
        self._body: bytearray | None = None
        self._target = memoryview(self._header_bytes)
        self._filled = 0

    def _read(self, place: Place) -> Message | None:
        """The next message, if all of it is here."""
        while True:
            while self._filled < len(self._target):
                try:
                    count = self._socket.recv_into(self._target[self._filled:])
                except BlockingIOError:
                    return None
                except OSError as error:
                    raise ClosedError(f"the connection broke: {error.strerror}") from error
                if count == 0:
                    raise ClosedError("the daemon closed the connection")
                self._filled += count
            self._filled = 0
            if self._header is None:
                self._header = _checked(bytes(self._header_bytes))
                self._body = bytearray(int(self._header["body_bytes"]))
                self._target = memoryview(self._body)
                continue
            assert self._body is not None
            is_body = self._target.obj is self._body
            if is_body and self._header["type"] == protocol.PICTURE:
                self._target = place(self._header)
                if len(self._target) > 0:
                    continue
            message = Message(self._header, bytes(self._body))
            self._expect_header()
            return message


def _checked(data: bytes) -> np.void:
    header: np.void = np.frombuffer(data, protocol.header_dtype)[0]
    kind, body_bytes = int(header["type"]), int(header["body_bytes"])
    if header["magic"] != protocol.MAGIC:
        raise ProtocolError("a message does not start with the magic number", field="magic",
                            value=int(header["magic"]), limit=protocol.MAGIC)
    if header["version"] != protocol.VERSION:
        raise ProtocolError("a message of another version", field="version",
                            value=int(header["version"]), limit=protocol.VERSION)
    if kind not in _LEAST_BODY:
        raise ProtocolError(f"a message of the unknown type {kind}", field="type", value=kind)
    if not _LEAST_BODY[kind] <= body_bytes <= protocol.MAX_BODY_BYTES:
        raise ProtocolError(f"a message of type {kind} with a body of {body_bytes} bytes",
                            field="body_bytes", value=body_bytes, limit=_LEAST_BODY[kind])
    if kind != protocol.PICTURE and header["payload_bytes"] != 0:
        raise ProtocolError(f"a message of type {kind} with a payload", field="payload_bytes",
                            value=int(header["payload_bytes"]), limit=0)
    return header


def _connect(path: str, deadline: Deadline, waits_for_daemon: bool) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A frame is megabytes: fewer wake-ups. The system may grant less, which only costs time.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        made.setblocking(False)
        while True:
            try:
                made.connect(path)
                return made
            except OSError as error:
                absent = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ECONNREFUSED)
                full = error.errno == errno.EAGAIN
                if not (full or (absent and waits_for_daemon)) or deadline.is_over:
                    raise _connect_error(path, error, absent) from error
            # A full queue of a Unix socket cannot be polled for.
            time.sleep(0.005)
    except BaseException:
        made.close()
        raise


def _connect_error(path: str, error: OSError, absent: bool) -> Exception:
    if absent:
        return NoDaemonError(f"{path}: no daemon listens here; start one with `frameloomd`, or "
                             "name another socket", field="socket")
    # "AF_UNIX path too long" comes without a number.
    reason = error.strerror or str(error)
    return NoDaemonError(f"{path}: {reason}", field="socket")
