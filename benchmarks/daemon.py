# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A daemon of one's own for a measurement, with the shipped models."""
from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Daemon:
    """Where a running daemon listens; its folder is gone when it ends."""

    folder: str
    pid: int

    @property
    def socket(self) -> str:
        return f"{self.folder}/frames.sock"

    @property
    def control(self) -> str:
        return f"{self.folder}/control.sock"

    def cpu_seconds(self) -> float:
        """User and system time so far, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running_daemon(programs: Path, *settings: str) -> Iterator[Daemon]:
    """`settings` are further `key=value` of the configuration."""
    with tempfile.TemporaryDirectory(prefix="frameloom-") as folder:
        stated = [f"socket.path={folder}/frames.sock", f"control.path={folder}/control.sock",
                  f"models.folder={ROOT / 'Models'}", "log.level=error", *settings]
        process = subprocess.Popen([programs / "frameloomd",
                                    *(word for setting in stated for word in ("--set", setting))])
        daemon = Daemon(folder, process.pid)
        try:
            while not os.path.exists(daemon.socket):
                time.sleep(0.1)
                if process.poll() is not None:
                    raise SystemExit("the daemon ended")
            yield daemon
        finally:
            process.kill()
            process.wait()
