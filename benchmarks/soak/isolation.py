# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A good client alone and beside others, in turns, so that both meet the same machine."""
from __future__ import annotations

import math
import time
from typing import NamedTuple

from client import BAD_USER, GOOD_USER, Client
from daemon import Daemon
from verdicts import Verdicts, percentile, say


class Crowd(NamedTuple):
    """Equal clients beside the good one."""

    name: str
    bar: float
    """Of the good client's p99 beside them, in p99 alone; infinite: measured only."""
    kind: str
    size: int
    """How many they are."""
    user: int = BAD_USER
    yields: bool = False
    budget_us: int = 0
    """Frame budget of the good client."""

    def start(self, daemon: Daemon) -> list[Client]:
        path = daemon.control if self.kind == "control" else daemon.path
        if self.kind != "hostile":
            return [Client(self.kind, self.user, path, self.yields) for _ in range(self.size)]
        in_a_process = 25
        return [Client(self.kind, self.user, path, self.yields, index=index, count=in_a_process)
                for index in range(0, self.size, in_a_process)]


CROWDS = [
    Crowd("8 programs that only compute", math.inf, "computing", 8),
    Crowd("200 hostile of another user, yielding processors", 1.2, "hostile", 200, yields=True),
    Crowd("200 hostile of another user", 1.2, "hostile", 200),
    Crowd("one 4096x4096 opener", 1.3, "opening", 1),
    Crowd("4 reset floods", 1.3, "resetting", 4),
    Crowd("8 greedy 512x512 of another user, with a budget", 1.5, "greedy", 8, budget_us=50000),
    Crowd("8 greedy 512x512 of another user, without", 2.0, "greedy", 8),
    Crowd("8 greedy 512x512 of the same user, with a budget", math.inf, "greedy", 8, GOOD_USER,
          budget_us=50000),
    Crowd("3 reconnecting clients", 1.5, "reconnecting", 3),
    Crowd("3 reconnecting clients of the same user", 1.5, "reconnecting", 3, GOOD_USER),
    Crowd("control flood", 1.2, "control", 1),
]

# Seconds from sending a frame to its picture, and the daemon's times of it (`messages.PICTURE_TIMES`).
TimedFrame = tuple[float, list[int]]


def measure_isolation(daemon: Daemon, rounds: int, seconds: float, only: str, verdicts: Verdicts) -> None:
    """`only`: the crowds with these words in their names."""
    crowds = [crowd for crowd in CROWDS if only in crowd.name]
    if crowds:
        say(f"{'p99 beside / p99 alone':<52} {'alone p50/p99 ms':>18} {'beside p50/p99 ms':>18} "
            f"{'ratio':>7} {'bar':>5}")
    for crowd in crowds:
        alone: list[TimedFrame] = []
        beside: list[TimedFrame] = []
        for _ in range(rounds):
            alone += _frames_of_a_good_client(daemon, seconds, crowd.budget_us)
            daemon.wait_until_unused()
            others = crowd.start(daemon)
            time.sleep(1 + len(others) / 50)
            beside += _frames_of_a_good_client(daemon, seconds, crowd.budget_us)
            report = daemon.stats()
            for other in others:
                other.end()
            daemon.wait_until_unused()
        (alone50, alone99), (beside50, beside99) = (
            [percentile([latency for latency, _ in frames], percent) * 1e3 for percent in (50, 99)]
            for frames in (alone, beside))
        ratio = beside99 / alone99
        verdicts.judge(
            f"{crowd.name:<52} {alone50:8.1f} /{alone99:8.1f} {beside50:8.1f} /{beside99:8.1f} "
            f"{ratio:7.2f} {crowd.bar:5.1f}", ratio <= crowd.bar,
            f"{crowd.name}: p99 {ratio:.2f} times that alone, the bar is {crowd.bar:.1f}")
        say(f"    latest 2 % alone: {_trace(alone)}")
        say(f"    latest 2 % beside: {_trace(beside)}")
        say(f"    longest turn of the loop beside: {report['loop_blocked_recent_ns'] / 1e6:.1f} ms, "
            f"most work in one: {report['loop_work_recent_ns'] / 1e6:.1f} ms")


def _frames_of_a_good_client(daemon: Daemon, seconds: float, budget_us: int) -> list[TimedFrame]:
    client = Client("good", GOOD_USER, daemon.path, budget_us=budget_us, frames=0)
    time.sleep(seconds)
    result = client.end()
    # The first frames open the session and start the interpreter.
    return list(zip(result.get("latencies", []), result.get("times", [])))[5:]


def _trace(frames: list[TimedFrame]) -> str:
    """Where the time of the latest frames went, means in milliseconds. What is left of a frame's time
    passed in sockets, and until client and loop had the processor."""
    frames = sorted(frames)[-max(1, len(frames) // 50):]
    if not frames:
        return "no frames"
    total = sum(latency for latency, _ in frames) / len(frames) * 1e3
    read, queue, convert, render, encode, age = (
        sum(times[index] for _, times in frames) / len(frames) / 1e6 for index in range(6))
    rendering = convert + render + encode
    return (f"{total:.1f} = sending {total - read - age:.1f} + read {read:.1f} + queue {queue:.1f} "
            f"+ rendering {rendering:.1f} + back to the loop {age - queue - rendering:.1f}")
