# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Flies in a window of a virtual display, with keys that are pressed, and looks at what the display shows.

    examples/with-daemon python examples/panda3d/try_window.py

Needs Xvfb and xdotool. Fails where the display does not show the daemon's pictures, a key does not turn
the camera, or Escape does not end the flight.
"""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
SIDE = 128


def shown(folder):
    """RGB of the whole display, from the file that Xvfb keeps its pixels in (X11/XWDFile.h)."""
    data = (folder / "Xvfb_screen0").read_bytes()
    header = struct.unpack_from(">25I", data)
    header_bytes, width, height, row_bytes, colors = (header[i] for i in (0, 4, 5, 12, 19))
    rows = np.frombuffer(data, np.uint8, height * row_bytes, header_bytes + 12 * colors)
    return rows.reshape(height, row_bytes)[:, :4 * width].reshape(height, width, 4)[..., 2::-1].astype(int)


def newest(folder):
    """The picture that the flight got last, or None."""
    try:
        with Image.open(max(folder.glob("*.png"))) as picture:
            return np.asarray(picture.convert("RGB"), int)
    except (ValueError, OSError):  # there is none yet, or it is being written
        return None


def wait(what, seconds, is_so):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def press(verb, key):
    subprocess.run(["xdotool", verb, key], check=True)


def fly(display, out, flight):
    def shows_newest():
        if flight.poll() is not None:
            raise SystemExit(f"the flight ended with {flight.returncode}")
        picture = newest(out)
        return picture is not None and np.abs(shown(display) - picture).mean() < 1

    wait("the window shows the first picture", 60, shows_newest)
    first = shown(display)
    if first.std() < 20:
        raise SystemExit("the first picture is one plain color")
    press("keydown", "Left")
    try:
        wait("the left arrow turns the camera", 20, lambda: np.abs(shown(display) - first).mean() > 15)
    finally:
        press("keyup", "Left")
    wait("the window shows the newest picture", 20, shows_newest)
    press("key", "Escape")
    if flight.wait(20) != 0:
        raise SystemExit(f"the flight ended with {flight.returncode}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        reading, writing = os.pipe()
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{SIDE}x{SIDE}x24", "-fbdir", str(folder),
             "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        flight = None
        try:
            with open(reading) as told:
                os.environ["DISPLAY"] = ":" + told.readline().strip()
            out, log = folder / "pictures", folder / "log"
            with log.open("wb") as file:
                flight = subprocess.Popen(
                    [sys.executable, HERE / "fly.py", "--window", "--size", str(SIDE), "--out", out],
                    stdout=file, stderr=subprocess.STDOUT)
            try:
                fly(folder, out, flight)
            except BaseException:
                sys.stderr.write(log.read_text(errors="replace"))
                raise
            print(f"Panda3D's window on a virtual display: {len(list(out.glob('*.png')))} pictures shown, turned by key")
        finally:
            for process in (flight, server):
                if process and process.poll() is None:
                    process.kill()
                    process.wait()


if __name__ == "__main__":
    main()
