# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The real daemon for the tests, on sockets in a folder of its own."""
from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

import frameloom

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAMS = Path(os.environ.get("FRAMELOOM_PROGRAMS", REPOSITORY / ".build/debug"))
CLIP = REPOSITORY / "Clips/atrium-flight"


class Daemon:
    def __init__(self, folder: str, *settings: str) -> None:
        self.socket = f"{folder}/frames.sock"
        self.control = f"{folder}/control.sock"
        self._folder = folder
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Starts it without waiting until it is ready."""
        settings = (f"socket.path={self.socket}", f"control.path={self.control}",
                    f"models.folder={REPOSITORY / 'Models'}", "render.threads=2",
                    "render.pin=false", *self._settings)
        words = [word for setting in settings for word in ("--set", setting)]
        with open(f"{self._folder}/log", "ab") as log:
            self._process = subprocess.Popen([PROGRAMS / "frameloomd", *words], stderr=log)

    def wait_until_ready(self) -> None:
        end = time.monotonic() + 120
        while self.run("health", check=False).returncode != 0:
            assert self._process is not None
            log = Path(self._folder, "log")
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """As kill -9 does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs the program `frameloom` against this daemon."""
        environment = {**os.environ, "FRAMELOOM_SOCKET": self.socket,
                       "FRAMELOOM_CONTROL": self.control}
        return subprocess.run([PROGRAMS / "frameloom", *words], env=environment, check=check,
                              capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="session")
def programs() -> Path:
    if not (PROGRAMS / "frameloomd").exists():
        pytest.skip(f"no frameloomd in {PROGRAMS}: build it first (scripts/test does)")
    return PROGRAMS


@pytest.fixture(scope="session")
def daemon(programs: Path):
    """One for all tests that leave it alive."""
    # Not pytest's own folder: socket paths may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="frameloom-") as folder:
        made = Daemon(folder)
        try:
            made.wait_until_ready()
            yield made
        finally:
            made.kill()


@pytest.fixture
def mortal_daemon(programs: Path):
    """One to be killed."""
    with tempfile.TemporaryDirectory(prefix="frameloom-") as folder:
        made = Daemon(folder)
        try:
            made.wait_until_ready()
            yield made
        finally:
            made.kill()


def synthetic_frame(index: int, width: int = 96, height: int = 64) -> dict:
    """A floor and a wall that a camera moves along: arguments of `Session.submit`."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    base_color = np.stack([x * 2, y * 3, (x + y + index) % 64 + 64], axis=-1)
    normals = np.zeros((height, width, 3), np.float32)
    normals[: height // 2, :, 2] = 1
    normals[height // 2 :, :, 1] = 1
    depth = np.full((height, width), 4, np.float32)
    below = y[height // 2 :] + 0.5 - height / 2
    depth[height // 2 :] = np.minimum(4, 1.6 * height / below)
    camera = frameloom.Camera.look_at((0.05 * index, 1.6, 0), (0.05 * index, 1.6, -1), fov_y=53,
                                      width=width, height=height)
    return {"base_color": base_color.clip(0, 255).astype(np.uint8), "normals": normals,
            "depth": depth, "roughness": np.full((height, width), 0.5, np.float32),
            "camera": camera}
