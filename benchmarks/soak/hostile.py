# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Clients that do harm, by mistake or on purpose. Each runs until it is asked to stop."""
from __future__ import annotations

import hashlib
import os
import random
import signal
import socket
import threading
import time

from lifetime import Stop
from messages import (EVERY, FRAME, T_FRAME, T_OPEN, T_RECONFIGURE, T_RESET, frame_body,
                      frame_bytes, frame_payload, header, open_body)
from playing import slow
from session import Ended, Session


def crashing(path: str, options: dict, stop: Stop) -> dict:
    """Half a frame, then nothing more; the process of its own is killed."""
    payload = frame_payload(128, 128, 1)
    while not stop.is_asked:
        child = os.fork()
        if child == 0:
            try:
                session = Session(path)
                session.open(128, 128, EVERY, 0, "crashing")
                session.render(1, payload)
                head = header(T_FRAME, body=FRAME.size, payload=len(payload), frame=2)
                session.socket.sendall(head + frame_body() + payload[: len(payload) // 2])
            except Exception:
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        time.sleep(0.02)
    return {}


def reconnecting(path: str, options: dict, stop: Stop) -> dict:
    width = options.get("width", 256)
    payload = frame_payload(width, width, 4)
    count = 0
    while not stop.is_asked:
        session = None
        try:
            session = Session(path)
            session.open(width, width, EVERY, 0, "reconnecting")
            session.render(1, payload)
            count += 1
        except Ended:
            time.sleep(0.01)
        finally:
            if session:
                session.close()
    return {"frames": count}


def noclose(path: str, options: dict, stop: Stop) -> dict:
    """Opens sessions and connections, and leaves them."""
    held: list[Session] = []
    while not stop.is_asked:
        try:
            session = Session(path)
            if len(held) % 2:
                session.open(64, 64, EVERY, 0, "noclose")
            held.append(session)
        except Ended:
            time.sleep(0.05)
        if len(held) > options.get("count", 40):
            for session in held:
                session.close()
            held = []
        time.sleep(0.01)
    return {}


def garbage(path: str, options: dict, stop: Stop) -> dict:
    """Random bytes, and messages with one to three bytes changed."""
    source = random.Random(options.get("seed", 5))
    body = open_body(128, 128)
    whole = header(T_OPEN, body=len(body)) + body
    while not stop.is_asked:
        session = None
        try:
            session = Session(path, 2)
            data = bytearray(whole)
            if source.random() < 0.5:
                data = bytearray(source.randbytes(source.randrange(1, 4000)))
            else:
                for _ in range(source.randrange(1, 4)):
                    data[source.randrange(len(data))] = source.randrange(256)
            session.socket.sendall(data)
            session.socket.settimeout(0.05)
            session.read(64)
        except (Ended, OSError):
            pass
        finally:
            if session:
                session.close()
        time.sleep(0.002)
    return {}


def oversized(path: str, options: dict, stop: Stop) -> dict:
    """Claims more than there is room for: a side, a body, a payload, a frame that does not come."""
    turn = 0
    while not stop.is_asked:
        session = None
        turn += 1
        try:
            session = Session(path, 5)
            if turn % 4 == 1:
                session.send(T_OPEN, open_body(65535, 65535))
                session.receive()
            elif turn % 4 == 2:
                session.socket.sendall(header(T_OPEN, body=0xffffffff))
                session.receive()
            elif turn % 4 == 3:
                session.open(64, 64)
                session.socket.sendall(header(T_FRAME, body=FRAME.size, payload=1 << 40, frame=1))
                session.receive()
            session.send(T_OPEN, open_body(4096, 4096))
            session.receive()
            whole = frame_bytes(4096, 4096)
            session.socket.sendall(header(T_FRAME, body=FRAME.size, payload=whole, frame=1) + frame_body())
        except (Ended, OSError):
            pass
        finally:
            if session:
                session.close()
        time.sleep(0.05)
    return {}


def resetting(path: str, options: dict, stop: Stop) -> dict:
    """A flood of resets."""
    flood = header(T_RESET) * 2000
    while not stop.is_asked:
        session = None
        try:
            session = Session(path, 2)
            session.open(64, 64, EVERY, 0, "resetting")
            while not stop.is_asked:
                session.socket.sendall(flood)
        except (Ended, OSError):
            pass
        finally:
            if session:
                session.close()
    return {}


def opening(path: str, options: dict, stop: Stop) -> dict:
    """The largest session there is, again and again, and made larger and smaller."""
    while not stop.is_asked:
        session = None
        try:
            session = Session(path)
            session.open(4096, 4096, EVERY, 0, "opening")
            session.send(T_RECONFIGURE, open_body(64, 64))
            session.receive()
            session.send(T_RECONFIGURE, open_body(2048, 2048))
            session.receive()
        except (Ended, OSError):
            time.sleep(0.02)
        finally:
            if session:
                session.close()
    return {}


def control(path: str, options: dict, stop: Stop) -> dict:
    """On the control socket: requests whose answers grow with the sessions, empty lines, and
    connections that say nothing."""
    lines = b'{"request":"sessions"}\n{"request":"stats"}\n' * 200 + b"\n" * 4000
    idle: list[socket.socket] = []
    while not stop.is_asked:
        try:
            flood = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            flood.settimeout(1)
            flood.connect(path)
            idle.append(flood)
            flood.sendall(lines)
            flood.recv(65536)
        except OSError:
            time.sleep(0.01)
        while len(idle) > 20:
            idle.pop(0).close()
    return {}


def hostile(path: str, options: dict, stop: Stop) -> dict:
    """Many in one process, each of which does something else: as processes of their own 200 of them would
    measure how the kernel shares two processors among 200 interpreters."""
    kinds = [garbage, noclose, resetting, reconnecting, crashing, oversized, slow]

    def run(index: int) -> None:
        while not stop.is_asked:
            try:
                kinds[index % len(kinds)](path, dict(options, width=64, count=3, seed=index), stop)
            except (Ended, OSError):
                time.sleep(0.05)

    threads = [threading.Thread(target=run, args=(index,), daemon=True)
               for index in range(options["index"], options["index"] + options["count"])]
    for thread in threads:
        thread.start()
    while not stop.is_asked:
        time.sleep(0.05)
    return {}


def computing(path: str, options: dict, stop: Stop) -> dict:
    """Never speaks to the daemon: what programs beside it cost a client by using the processors."""
    while not stop.is_asked:
        hashlib.sha256(bytes(1 << 16))
    return {}
