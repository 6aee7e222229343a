# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Clients that a daemon is there for. Each runs in a process of its own until it is asked to stop."""
from __future__ import annotations

import hashlib
import random
import sys
import time

from lifetime import Stop
from messages import EVERY, LATEST, T_CLOSE, T_FRAME, frame_body, frame_payload
from session import Ended, Session

SEQUENCE = 12
"""Frames of a good session, which then opens anew."""


def good(path: str, options: dict, stop: Stop) -> dict:
    """Paced frames; every picture is compared with that of a session that was alone."""
    width = options.get("width", 128)
    payloads = [frame_payload(width, width, index) for index in range(SEQUENCE)]
    expected = options.get("expected")
    # Without a number of frames it stays, as a game does.
    frames = options.get("frames", SEQUENCE) or sys.maxsize
    latencies, times, digests, ended = [], [], [], []
    wrong, sessions = 0, 0
    period = 1 / options.get("fps", 20)
    due = time.monotonic()
    while not stop.is_asked and (not options.get("sessions") or sessions < options["sessions"]):
        session = None
        try:
            session = Session(path)
            session.open(width, width, EVERY, options.get("budget_us", 0), "good")
            for index in range(frames):
                if stop.is_asked:
                    break
                due = max(due + period, time.monotonic())
                time.sleep(max(0, due - time.monotonic()))
                start = time.monotonic()
                picture = session.render(index + 1, payloads[index % SEQUENCE])
                latencies.append(time.monotonic() - start)
                times.append(session.told)
                if not options.get("frames", SEQUENCE):
                    continue
                digest = hashlib.sha256(picture).hexdigest()
                digests.append(digest)
                if expected and digest != expected[index]:
                    wrong += 1
            session.send(T_CLOSE)
            session.receive()
        except Ended as error:
            ended.append(str(error))
            time.sleep(0.05)
        finally:
            if session:
                session.close()
        sessions += 1
    return {"latencies": latencies, "times": times, "wrong": wrong, "sessions": sessions,
            "ended": ended, "digests": digests[:SEQUENCE]}


def bursty(path: str, options: dict, stop: Stop) -> dict:
    """Arrivals with a heavy tail: Pareto gaps in bursts, as traces of inference services show
    (BurstGPT, arXiv 2401.17644)."""
    source = random.Random(options.get("seed", 1))
    payload = frame_payload(128, 128, 3)
    session, number = None, 0
    while not stop.is_asked:
        try:
            if session is None:
                session, number = Session(path), 0
                session.open(128, 128, EVERY, 0, "bursty")
            for _ in range(min(60, int(source.paretovariate(1.2)))):
                number += 1
                session.render(number, payload)
            time.sleep(min(3, 0.02 * source.paretovariate(0.9)))
        except Ended:
            session = None
            time.sleep(0.1)
    return {}


def slow(path: str, options: dict, stop: Stop) -> dict:
    """Sends frames and does not read their pictures."""
    payload = frame_payload(256, 256, 2)
    while not stop.is_asked:
        try:
            session = Session(path)
            session.open(256, 256, LATEST, 0, "slow")
            for number in range(1, 9):
                session.send(T_FRAME, frame_body(), payload, frame=number)
                time.sleep(0.3)
            session.close()
        except (Ended, TimeoutError):
            time.sleep(0.1)
    return {}


def greedy(path: str, options: dict, stop: Stop) -> dict:
    """As many frames as it gets, two under way."""
    width = options.get("width", 512)
    payload = frame_payload(width, width, 6)
    count = 0
    while not stop.is_asked:
        session = None
        try:
            session = Session(path)
            session.open(width, width, EVERY, 0, "greedy")
            number = 1
            session.send(T_FRAME, frame_body(), payload, frame=number)
            while not stop.is_asked:
                number += 1
                session.send(T_FRAME, frame_body(), payload, frame=number)
                session.receive()
                count += 1
        except (Ended, TimeoutError):
            time.sleep(0.05)
        finally:
            if session:
                session.close()
    return {"frames": count}
