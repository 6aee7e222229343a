# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The daemon that is tried: started here, and watched through its control socket and the kernel."""
from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lifetime import die_with_parent


class Daemon:
    """A process with sockets and log in a temporary folder. Returns from its making when it is ready."""

    def __init__(self, program: str, models: Path) -> None:
        self._folder = tempfile.mkdtemp(prefix="frameloom-soak-")
        os.chmod(self._folder, 0o755)
        self.path = self._folder + "/frames.sock"
        self.control = self._folder + "/control.sock"
        settings = {
            "socket.path": self.path, "socket.mode": "0666", "control.path": self.control,
            # So that the flood is another user's; root's own requests have places kept for them.
            "control.mode": "0666",
            "models.folder": models, "limits.sessions": 1400, "limits.sessions_per_user": 1100,
            "limits.memory_mib": 20000, "limits.memory_per_session_mib": 4500,
            "limits.connections": 4000, "limits.pixels": 300000000,
            "limits.open_seconds": 3, "limits.slow_reader_seconds": 3, "log.level": "notice",
        }
        command = [program]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        with open(self._folder + "/log", "wb") as log:
            self._process = subprocess.Popen(command, stderr=log, stdout=log, preexec_fn=die_with_parent)
        try:
            self._wait_until_ready(60)
        except BaseException:
            self.end()
            raise

    def _wait_until_ready(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.exit_code() is not None:
                sys.exit("the daemon ended:\n" + self.log()[-2000:])
            try:
                if self.ask("health")["health"]["ready"]:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        sys.exit("the daemon does not get ready")

    def ask(self, request: str, timeout: float = 20) -> dict:
        """An operator's request; OSError if it is not answered."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(timeout)
            asking.connect(self.control)
            asking.sendall(json.dumps({"request": request}).encode() + b"\n")
            data = b""
            while not data.endswith(b"\n"):
                part = asking.recv(1 << 20)
                if not part:
                    raise OSError("no answer")
                data += part
        answer: dict = json.loads(data)
        if "error" in answer:
            raise OSError(answer["error"]["text"])
        return answer

    def stats(self) -> dict:
        report: dict = self.ask("stats")["stats"]["daemon"]
        return report

    def log(self) -> str:
        return Path(self._folder, "log").read_text(errors="replace")

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def resident(self) -> int:
        """Bytes of memory that it has."""
        with open(f"/proc/{self._process.pid}/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def wait_until_unused(self, seconds: float = 40) -> bool:
        """Whether sessions and connections were all gone within that time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            report = self.stats()
            if report["sessions_open"] == 0 and report["connections"] == 0:
                return True
            time.sleep(0.2)
        return False

    def end(self) -> int | str:
        """Ends it, if it still runs, and returns its exit code, or "hung"."""
        code: int | str | None = self.exit_code()
        if code is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                code = self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                code = "hung"
        shutil.rmtree(self._folder, ignore_errors=True)
        return code
