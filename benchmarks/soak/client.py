# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A client's process, as a user of its own where that is possible."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

# Users that need not exist: the kernel knows numbers only.
GOOD_USER, BAD_USER, THIRD_USER = 64001, 64002, 64003


class Client:
    """Runs from its making on. `kind`: a name in `worker.KINDS`, which has the `options` too."""

    def __init__(self, kind: str, user: int, path: str, yields: bool = False, **options: object) -> None:
        """`yields`: it gets only the processor time that nobody else wants."""
        command = [sys.executable, str(Path(__file__).with_name("worker.py")), kind, path,
                   json.dumps(options)]
        if os.geteuid() == 0 and user:
            command = ["setpriv", "--reuid", str(user), "--regid", str(user),
                       "--clear-groups", "--"] + command
        if yields:
            command = ["chrt", "--idle", "0", *command]
        self.kind = kind
        self._output = tempfile.TemporaryFile()
        self._process = subprocess.Popen(command, stdout=self._output)

    def wait(self, seconds: float) -> None:
        """Until it ends by itself."""
        self._process.wait(seconds)

    def end(self) -> dict:
        """Ends it and returns what it has to say."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.seek(0)
        try:
            told: dict = json.loads(self._output.read() or b"{}")
        except ValueError:
            return {}
        return told
