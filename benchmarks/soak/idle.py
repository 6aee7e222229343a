# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A thousand sessions that do nothing: their memory within the plan, and how long one more takes to open."""
from __future__ import annotations

import resource
import time

from daemon import Daemon
from session import Ended, Session
from verdicts import Verdicts, percentile, say

LONGEST_OPENING_MS = 5


def measure_idle(daemon: Daemon, verdicts: Verdicts, count: int = 1000) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sessions: list[Session] = []
    times: list[float] = []
    refusal = ""
    try:
        for _ in range(count):
            sessions.append(Session(daemon.path))
            sessions[-1].open(256, 256)
        for _ in range(40):
            session = Session(daemon.path)
            start = time.monotonic()
            session.open(256, 256)
            times.append(time.monotonic() - start)
            session.close()
            time.sleep(0.05)
    except (Ended, OSError) as error:
        refusal = str(error)
    report = daemon.stats()
    for session in sessions:
        session.close()
    daemon.wait_until_unused()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    opening = percentile(times, 50) * 1e3
    resident, planned = (report[f"memory_{key}_bytes"] / 2**20 for key in ("resident", "planned"))
    if refusal:
        say(f"    refused: {refusal}")
    verdicts.judge(
        f"{len(sessions)} idle 256x256 sessions: planned {planned:.0f} MiB, resident {resident:.0f}; "
        f"one more opens in {opening:.1f} ms (bar {LONGEST_OPENING_MS})",
        opening <= LONGEST_OPENING_MS and resident <= planned and not refusal,
        f"{len(sessions)} idle sessions: resident {resident:.0f} MiB of {planned:.0f} planned, "
        f"an open takes {opening:.1f} ms {refusal}")
