# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""One connection to the frame socket, which sends whatever it is told to."""
from __future__ import annotations

import socket
import struct
import time

from messages import (ENDS_THE_SESSION, ERROR_TEXT_OFFSET, EVERY, HEADER, PICTURE_TIMES,
                      PICTURE_TIMES_OFFSET, T_ERROR, T_FRAME, T_OPEN, T_OPENED, T_PICTURE,
                      frame_body, header, open_body)


class Ended(Exception):
    """The daemon closed, or said why it ends the session."""


class Session:
    def __init__(self, path: str, timeout: float = 30) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.told: tuple[int, ...] = ()
        for _ in range(200):
            try:
                self.socket.connect(path)
                return
            except BlockingIOError:  # EAGAIN: more clients at once than were accepted yet
                time.sleep(0.01)
            except (FileNotFoundError, ConnectionRefusedError) as error:
                raise Ended(f"no daemon: {error}")
        raise Ended("cannot connect")

    def close(self) -> None:
        self.socket.close()

    def send(self, kind: int, body: bytes = b"", payload: bytes = b"", frame: int = 0) -> None:
        try:
            self.socket.sendall(header(kind, len(body), len(payload), frame) + body)
            if payload:
                self.socket.sendall(payload)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Ended(str(error))

    def read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except ConnectionResetError as error:
                raise Ended(str(error))
            if not part:
                raise Ended("end of stream")
            data += part
        return bytes(data)

    def receive(self) -> tuple[int, int, bytes, bytes]:
        """Type, frame, body and payload of the next message."""
        _, _, kind, _, body_bytes, payload_bytes, frame = HEADER.unpack(self.read(HEADER.size))
        body = self.read(body_bytes)
        payload = self.read(payload_bytes)
        if kind == T_ERROR and struct.unpack_from("<I", body, 4)[0] == ENDS_THE_SESSION:
            raise Ended(body[ERROR_TEXT_OFFSET:].split(b"\0")[0].decode(errors="replace"))
        return kind, frame, body, payload

    def open(self, width: int, height: int, mailbox: int = EVERY, budget_us: int = 0,
             name: str = "soak") -> None:
        self.send(T_OPEN, open_body(width, height, mailbox, budget_us, name))
        kind, *_ = self.receive()
        if kind != T_OPENED:
            raise Ended(f"no FL_OPENED but {kind}")

    def render(self, number: int, payload: bytes) -> bytes:
        """Sends one frame and takes its picture; what the daemon says of its times stays in `told`."""
        self.send(T_FRAME, frame_body(), payload, frame=number)
        while True:
            kind, frame, body, picture = self.receive()
            if kind == T_PICTURE and frame == number:
                self.told = PICTURE_TIMES.unpack_from(body, PICTURE_TIMES_OFFSET)
                return picture
            if kind == T_ERROR:
                raise Ended(f"frame {number} failed")
