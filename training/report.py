# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What a training leaves for people: metrics.csv, TensorBoard events, a plot, picture sheets."""

import csv
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch

from dataset import LoadedClip
from files import written_whole
from history import Session, Without, from_history, nothing_carried
from metrics import psnr, ssim, temporal_error
from model import CompactDenoiser
from pictures import as_bytes, contact_sheet, write_picture

COLUMNS = ["step", "samples", "seconds", "phase", "learning_rate", "loss", "gradient_norm",
           "samples_per_second", "psnr", "psnr_reset", "ssim", "temporal_error"]


class Report:
    """Rows up to `step` are kept from an earlier run; what it did after its checkpoint is cut."""

    def __init__(self, folder: Path, step: int):
        self.folder = folder
        self.path = folder / "metrics.csv"
        self.rows = [row for row in read_rows(self.path) if int(row["step"]) <= step]
        with written_whole(self.path) as temporary, open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
        self.file = open(self.path, "a", newline="")
        self.writer = csv.DictWriter(self.file, COLUMNS)
        self.board = None
        try:
            from torch.utils.tensorboard import SummaryWriter
            self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
        except ImportError:
            print("tensorboard is not installed: metrics go to metrics.csv and metrics.png only")

    def add(self, row: dict) -> None:
        row = {name: round(value, 6) if isinstance(value, float) else value
               for name, value in row.items()}
        self.rows.append({name: str(value) for name, value in row.items()})
        self.writer.writerow(row)
        self.file.flush()
        for name, value in row.items():
            if self.board and name not in ("step", "phase") and isinstance(value, (int, float)):
                self.board.add_scalar(name, value, int(row["step"]))

    def sheet(self, step: int, pixels: np.ndarray) -> None:
        write_picture(self.folder / f"sheet_{step:07d}.png", pixels)
        if self.board:
            self.board.add_image("pictures", pixels, step, dataformats="HWC")

    def plot(self) -> None:
        try:
            import matplotlib
            matplotlib.use("Agg")
            from matplotlib import pyplot
        except ImportError:
            return
        figure, axes = pyplot.subplots(1, 3, figsize=(15, 4))
        series = lambda name: ([int(r["samples"]) for r in self.rows if r.get(name)],
                               [float(r[name]) for r in self.rows if r.get(name)])
        axes[0].semilogy(*series("loss"), linewidth=0.7)
        axes[0].set(title="loss", xlabel="samples")
        for name in ("psnr", "psnr_reset"):
            axes[1].plot(*series(name), marker=".", label=name)
        axes[1].set(title="PSNR dB, held-out clip", xlabel="samples")
        axes[1].legend()
        axes[2].plot(*series("temporal_error"), marker=".")
        axes[2].set(title="warped temporal error x1000", xlabel="samples")
        figure.tight_layout()
        figure.savefig(self.folder / "metrics.png", dpi=80)
        pyplot.close(figure)

    def close(self) -> None:
        self.file.close()
        if self.board:
            self.board.close()


def read_rows(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with open(path, newline="") as file:
        # A row cut short by a kill has no valid step.
        return [row for row in csv.DictReader(file) if (row.get("step") or "").isdigit()]


class ProgressLine:
    """One line that overwrites itself on a terminal, a line a minute in a log."""

    def __init__(self):
        self.said, self.every = 0.0, 0.5 if sys.stderr.isatty() else 60.0

    def say(self, text: str, final: bool = False) -> None:
        now = time.monotonic()
        if not final and now - self.said < self.every:
            return
        self.said = now
        end = "" if sys.stderr.isatty() and not final else "\n"
        start = "\r\x1b[K" if sys.stderr.isatty() else ""
        print(f"{start}{text}", end=end, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "?"
    minutes = int(seconds // 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else \
        f"{minutes} min {int(seconds % 60):02d} s"


@torch.no_grad()
def look(network: CompactDenoiser, clip: LoadedClip, frames: int, without: Without,
         device) -> tuple[dict, np.ndarray]:
    """Renders the first frames of a clip, each on its own last picture, and some from nothing."""
    session, own, before, figures, rows = Session(network, without), None, None, [], []
    frames = min(frames, len(clip))
    shown = {0, frames // 2, frames - 1}
    for index in range(frames):
        frame = clip.frame(index).to(device)
        result = session.render(frame)
        entry = {"psnr": psnr(result, frame.picture), "ssim": ssim(result, frame.picture)}
        if own is not None:
            entry["temporal_error"] = temporal_error(frame, before, result, own)
        if index in shown:
            fresh = from_history(network, frame, nothing_carried(frame), without)
            entry["psnr_reset"] = psnr(fresh, frame.picture)
            error = ((result - frame.picture).abs() * 4).clamp(0, 1)
            rows.append([(f"{clip.name} {index} base color", as_bytes(frame.base[0])),
                         ("carried", as_bytes(session.history.source[0])),
                         (f"rendered {entry['psnr']:.2f} dB", as_bytes(result[0])),
                         ("reference", as_bytes(frame.picture[0])),
                         ("error x4", as_bytes(error[0]))])
        figures.append(entry)
        own, before = result, frame
    mean = {}
    for name in ("psnr", "ssim", "temporal_error", "psnr_reset"):
        values = [f[name] for f in figures if f.get(name) is not None]
        if values:
            mean[name] = float(np.mean(values))
    return mean, contact_sheet(rows, 256)
