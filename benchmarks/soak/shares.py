# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Equal sessions get equal shares, and so do users, however many sessions they have."""
from __future__ import annotations

import os
import time

from client import BAD_USER, GOOD_USER, Client
from daemon import Daemon
from verdicts import Verdicts, say

LARGEST_DIFFERENCE = 5  # percent


def measure_shares(daemon: Daemon, seconds: float, verdicts: Verdicts) -> None:
    def judge(name: str, found: float) -> None:
        verdicts.judge(f"{name:<52} {found:46.1f} % {LARGEST_DIFFERENCE:6.0f} %",
                       found <= LARGEST_DIFFERENCE,
                       f"{name}: {found:.1f} %, the bar is {LARGEST_DIFFERENCE:.0f} %")

    counts = [count for _, count in _frames_of(daemon, seconds * 2, [GOOD_USER] * 16)]
    fewest, most = min(counts, default=0), max(counts, default=0)
    mean = sum(counts) / max(1, len(counts))
    say(f"    16 equal sessions: {fewest} to {most} frames each")
    judge("16 equal sessions of one user: largest difference", 100 * (most - fewest) / max(1, mean))
    if os.geteuid() == 0:
        frames = _frames_of(daemon, seconds, [GOOD_USER] + [BAD_USER] * 15)
        whole = sum(count for _, count in frames)
        own = sum(count for user, count in frames if user == GOOD_USER)
        judge("1 session beside 15 of another user: away from half", abs(100 * own / max(1, whole) - 50))


def _frames_of(daemon: Daemon, seconds: float, users: list[int]) -> list[tuple[int, int]]:
    """The user of each of these equal sessions and how many frames it got."""
    clients = [Client("greedy", user, daemon.path, width=256) for user in users]
    time.sleep(1 + len(clients) / 10)
    before = _rendered(daemon)
    time.sleep(seconds)
    frames = [(user, rendered - before[number][1])
              for number, (user, rendered) in _rendered(daemon).items() if number in before]
    for client in clients:
        client.end()
    daemon.wait_until_unused()
    return frames


def _rendered(daemon: Daemon) -> dict[int, tuple[int, int]]:
    """Of each session: its user, and its rendered frames so far."""
    return {session["id"]: (session["uid"], session["work"]["frames"]["rendered"])
            for session in daemon.ask("sessions")["sessions"]}
