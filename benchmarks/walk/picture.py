# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Makes the README's picture of the walk page: Chromium walks a few steps, the line in the middle.

    FRAMELOOM_PROGRAMS=.build/release examples/with-daemon python3 benchmarks/walk/picture.py walk.jpg
"""
import argparse
import base64
import os
import pathlib
import signal
import subprocess
import time

from run import Browser

SIDE = 640


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--programs", default=os.environ.get("FRAMELOOM_PROGRAMS", ".build/release"))
    parser.add_argument("--split", type=float, default=0.48)
    parser.add_argument("--gpu", action="store_true", help="let Chromium use the GPU")
    options = parser.parse_args()
    walk = subprocess.Popen(
        [f"{options.programs}/frameloom", "walk", "--no-open"], stdout=subprocess.PIPE, text=True)
    browser = Browser(options.gpu)
    try:
        page = browser.open(walk.stdout.readline().strip() + "&samples=3")
        browser.call("Emulation.setDeviceMetricsOverride", page, width=SIDE, height=SIDE,
                     deviceScaleFactor=1, mobile=False)
        browser.wait(page, "window.walk && walk.pictureCount >= 1", 300)
        browser.evaluate(page, f"walk.view.split = {options.split}; "
                               f"document.getElementById('split').value = {options.split}; 0")
        # The help lies over the numbers in so small a window.
        browser.key(page, "keyDown", "KeyH", "h")
        browser.key(page, "keyUp", "KeyH", "h")
        browser.key(page, "keyDown", "KeyW", "w")
        time.sleep(0.5)
        browser.key(page, "keyUp", "KeyW", "w")
        count = browser.evaluate(page, "walk.pictureCount")
        # Long enough for the history to settle where the walk ended.
        browser.wait(page, f"walk.pictureCount >= {count + 24}", 300)
        shot = browser.call("Page.captureScreenshot", page, format="jpeg", quality=88)
        options.file.write_bytes(base64.b64decode(shot["data"]))
    finally:
        browser.close()
        walk.send_signal(signal.SIGINT)
        walk.wait()
    print(f"{options.file}: {options.file.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
