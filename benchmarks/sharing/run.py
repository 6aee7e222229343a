# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What a compact session and a framediffuser session cost each other in one daemon.

    swift build -c release
    python benchmarks/sharing/run.py --diffusion MODEL_DIR [--frames 600] [--fps 10] [--precision auto]

The compact session sends frames at a steady pace and states it as its frame budget; the other one
sends as fast as pictures come back. Each runs alone first. Needs no Python packages. A diffusion
model of full size with random weights: training/make_random_sd15.py.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "Clips" / "atrium-flight"
CLIP_FRAMES = 24


class Run:
    """The daemon and the programs that play through it."""

    def __init__(self, programs: Path, folder: Path, models: Path, precision: str):
        self.programs, self.folder = programs, folder
        self.socket, self.control = folder / "f.sock", folder / "c.sock"
        settings = [f"socket.path={self.socket}", f"control.path={self.control}",
                    f"models.folder={models}", "limits.memory_mib=12288",
                    "limits.memory_per_session_mib=8192", f"render.precision={precision}"]
        arguments = [word for setting in settings for word in ("--set", setting)]
        self.log = (folder / "log").open("w")
        self.daemon = subprocess.Popen([programs / "frameloomd", *arguments], stdout=self.log,
                                       stderr=self.log)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        for _ in range(300):
            answer = subprocess.run([self.programs / "frameloom", "health", "--control",
                                     self.control], capture_output=True)
            if answer.returncode == 0:
                return
            time.sleep(0.1)
        raise SystemExit(f"the daemon is not ready: {(self.folder / 'log').read_text()}")

    def play(self, model: str, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            [self.programs / "frameloom", "play", CLIP, "--socket", self.socket, "--model", model,
             "--in-flight", "1", "--ping-pong", "--no-pictures", "--json", "--timeout", "600",
             *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def compact(self, frames: int, fps: float) -> subprocess.Popen:
        # Forwards and backwards in turn: each further pass starts behind the frame it ended with.
        loops = 1 + max(0, -(-(frames - CLIP_FRAMES) // (CLIP_FRAMES - 1)))
        return self.play("atrium", "--fps", str(fps), "--loop", str(loops), "--mailbox", "latest",
                         "--budget", str(round(1000 / fps)))

    def diffusion(self, name: str) -> subprocess.Popen:
        return self.play(name, "--loop", "1000")

    def stop(self) -> None:
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait()
        self.log.close()

    def memory(self) -> int:
        status = Path(f"/proc/{self.daemon.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024


def interrupted(player: subprocess.Popen) -> dict:
    """Ends a player; it says what it has got."""
    player.send_signal(signal.SIGINT)
    return result(player)


def result(player: subprocess.Popen) -> dict:
    text, _ = player.communicate()
    return json.loads(text)


def line(name: str, said: dict) -> str:
    return (f"{name:24} {said['rendered']:5} frames  {said['fps']:7.3f} /s  "
            f"p50 {said['frame_ms_p50']:9.1f} ms  p99 {said['frame_ms_p99']:9.1f} ms  "
            f"dropped {said['dropped']}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--diffusion", type=Path, required=True,
                        help="a framediffuser model's folder")
    parser.add_argument("--frames", type=int, default=600, help="of the compact session")
    parser.add_argument("--fps", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=60, help="of the diffusion session alone")
    parser.add_argument("--precision", default="auto", help="of the compact model")
    parser.add_argument("--programs", type=Path, default=ROOT / ".build" / "release")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        folder = Path(place)
        models = folder / "models"
        models.mkdir()
        (models / "atrium").symlink_to(ROOT / "Models" / "atrium")
        (models / "diffusion").symlink_to(options.diffusion.resolve())
        run = Run(options.programs, folder, models, options.precision)
        print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
        alone = result(run.compact(options.frames, options.fps))
        print(line("compact alone", alone), flush=True)
        player = run.diffusion("diffusion")
        time.sleep(options.seconds)
        slow_alone = interrupted(player)
        print(line("diffusion alone", slow_alone), flush=True)
        player = run.diffusion("diffusion")
        time.sleep(2)
        both = result(run.compact(options.frames, options.fps))
        slow_both = interrupted(player)
        print(line("compact beside", both))
        print(line("diffusion beside", slow_both))
        print(f"compact p99 {both['frame_ms_p99'] / alone['frame_ms_p99']:.2f} times alone; "
              f"diffusion at {slow_alone['frame_ms_p50'] / slow_both['frame_ms_p50']:.2f} of its "
              f"speed; daemon's peak memory {run.memory()} MiB; load {os.getloadavg()[0]:.1f}")
        run.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
