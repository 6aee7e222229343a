# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""All kinds of clients at once for a while: does the daemon stay, and do good clients stay unharmed?"""
from __future__ import annotations

import sys
import time

from client import BAD_USER, GOOD_USER, THIRD_USER, Client
from daemon import Daemon
from playing import SEQUENCE
from verdicts import Verdicts, percentile, say

LONGEST_TURN_MS = 20
MOST_MEMORY_GROWTH = 1.05
# Pages that the allocator may keep or not.
MEMORY_SLACK_BYTES = 1 << 20


def soak(daemon: Daemon, minutes: float, is_smoke: bool, verdicts: Verdicts) -> None:
    """`is_smoke`: without the bars that need a quiet machine."""
    expected = _expected_pictures(daemon)
    if len(expected) != SEQUENCE:
        sys.exit("a client alone does not get its pictures")

    # The good ones without the others, so that it is seen what those cost.
    clients = _good_ones(daemon, expected)
    time.sleep(min(30, minutes * 15))
    alone = [client.end().get("latencies", []) for client in clients]

    # The first round brings code and heap to where they stay.
    clients = _crowd(daemon, expected)
    time.sleep(min(20, minutes * 15))
    for client in clients:
        client.end()
    daemon.wait_until_unused()
    time.sleep(4)
    resident, descriptors = daemon.resident(), daemon.descriptors()
    say(f"start: resident {resident / 2**20:.1f} MiB, {descriptors} descriptors")

    clients = _crowd(daemon, expected)
    longest, work, silent = _watch(daemon, minutes * 60)
    results = [(client.kind, client.end()) for client in clients]

    def judge(name: str, found: str, is_kept: bool) -> None:
        verdicts.judge(f"{name:<58} {found:<39}", is_kept, f"{name}: {found}")

    if daemon.exit_code() is not None:
        judge("exits, bar 0", f"the daemon ended with {daemon.exit_code()}", False)
        return
    judge("exits, bar 0", "0", True)
    judge("the control socket answers an operator, bar always", f"{silent} times not", silent == 0)
    unused = daemon.wait_until_unused()
    judge("sessions and connections left after the clients, bar 0",
          "0" if unused else str(daemon.stats()["connections"]), unused)
    time.sleep(4)
    good = [result for kind, result in results if kind == "good"]
    for index, result in enumerate(good):
        latencies = result.get("latencies", [])
        say(f"good client {index}: {len(latencies)} frames, {_milliseconds(latencies)}; "
            f"without the others {_milliseconds(alone[index])}")
        judge(f"pictures of good client {index}, bar: some", str(len(latencies)), bool(latencies))
        judge("its pictures with wrong bytes, bar 0", str(result.get("wrong", "?")),
              result.get("wrong", 1) == 0)
        ended = result.get("ended", ["?"])
        judge("its sessions that ended early, bar 0", f"{len(ended)} {'; '.join(ended[:2])}", not ended)
    after, left = daemon.resident(), daemon.descriptors()
    judge("resident memory against the start, bar 5 %",
          f"{(after / resident - 1) * 100:+.1f} % ({after / 2**20:.1f} MiB, {resident / 2**20:.1f} before)",
          after <= resident * MOST_MEMORY_GROWTH + MEMORY_SLACK_BYTES)
    judge("descriptors against the start, bar +0", f"{left - descriptors:+d}", left <= descriptors)
    found = f"{longest:.1f} ms, most work in one {work:.1f} ms"
    if is_smoke:
        say(f"longest turn of the loop: {found}")
    else:
        judge(f"longest turn of the loop, bar {LONGEST_TURN_MS} ms", found, longest <= LONGEST_TURN_MS)


def _milliseconds(seconds: list[float]) -> str:
    return f"p50 {percentile(seconds, 50) * 1e3:.1f} ms, p99 {percentile(seconds, 99) * 1e3:.1f}"


def _expected_pictures(daemon: Daemon) -> list[str]:
    """Digests of the pictures of one session that is alone."""
    client = Client("good", GOOD_USER, daemon.path, fps=100, sessions=1)
    client.wait(60)
    digests: list[str] = client.end().get("digests", [])
    return digests


def _good_ones(daemon: Daemon, expected: list[str]) -> list[Client]:
    return [Client("good", GOOD_USER, daemon.path, expected=expected),
            Client("good", GOOD_USER, daemon.path, expected=expected, budget_us=50000)]


def _crowd(daemon: Daemon, expected: list[str]) -> list[Client]:
    users = {
        "bursty": THIRD_USER, "slow": THIRD_USER, "crashing": BAD_USER, "reconnecting": BAD_USER,
        "noclose": BAD_USER, "garbage": BAD_USER, "oversized": THIRD_USER, "greedy": THIRD_USER,
        "resetting": BAD_USER, "opening": BAD_USER}
    return [*_good_ones(daemon, expected),
            *(Client(kind, user, daemon.path, seed=index)
              for index, (kind, user) in enumerate(users.items())),
            Client("control", BAD_USER, daemon.control)]


def _watch(daemon: Daemon, seconds: float) -> tuple[float, float, int]:
    """Says every few seconds how the daemon is, until the time is over or it ended. Returns the longest
    turn of its loop and the most work in one, in milliseconds, and how often it did not answer."""
    longest, work, silent = 0.0, 0.0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end and daemon.exit_code() is None:
        time.sleep(min(5, max(0.1, end - time.monotonic())))
        try:
            report = daemon.stats()
            turn, share = report["loop_blocked_recent_ns"] / 1e6, report["loop_work_recent_ns"] / 1e6
            longest, work = max(longest, turn), max(work, share)
            say(f"{end - time.monotonic():5.0f} s left: resident {daemon.resident() / 2**20:.0f} MiB, "
                f"planned {report['memory_planned_bytes'] / 2**20:.0f}, {daemon.descriptors()} descriptors, "
                f"{report['connections']} connections, {report['sessions_open']} sessions, "
                f"longest turn of the loop lately {turn:.1f} ms, {share:.1f} of them work")
        except OSError as error:
            silent += 1
            say(f"stats did not answer: {error}")
    return longest, work, silent
