# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Measures what each precision costs a model's pictures, and writes it into its model.json: the
daemon's "auto" takes the fastest precision whose pictures are as good as those of fp32.

    python training/precisions.py --model Models/atrium --clip Clips/atrium-flight

The pictures are made by `frameloom render`, each on the model's own last picture. The clip must be
none that the model was trained or calibrated on.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from clip_files import ClipError
from dataset import LoadedClip, add_encoding_options, encodings_from, load, progress
from evaluate import served_pictures
from metrics import psnr, temporal_error
from model_files import ModelError, read_model, write_precisions

PRECISIONS = ["fp32", "bf16", "int8"]
LARGEST_LOSS = 0.3  # dB; the daemon checks both when it loads the model
LARGEST_TEMPORAL_GROWTH = 1.05


def rendered(frameloom: Path, model: Path, clip: Path, precision: str, out: Path) -> None:
    """Raises `ModelError` with the program's own words where it refuses."""
    command = [str(frameloom), "render", str(clip), "--models", str(model.resolve().parent),
               "--model", model.resolve().name, "--precision", precision, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        raise ModelError(words[-1] if words else f"{command[0]} ended with {done.returncode}")


def measured(clip: LoadedClip, pictures: list[torch.Tensor]) -> dict:
    """Mean PSNR to the clip's finished pictures and mean warped temporal error."""
    ratios, errors = [], []
    for index, picture in enumerate(pictures):
        frame = clip.frame(index)
        ratios.append(psnr(picture, frame.picture))
        if index > 0:
            errors.append(temporal_error(frame, clip.frame(index - 1), picture,
                                         pictures[index - 1]))
    errors = [e for e in errors if e is not None]
    return {"psnr": float(np.mean(ratios)), "temporalError": float(np.mean(errors)) if errors else None}


def good_enough(own: dict, fp32: dict) -> bool:
    if own["psnr"] < fp32["psnr"] - LARGEST_LOSS:
        return False
    if own["temporalError"] is None or fp32["temporalError"] is None:
        return True
    return own["temporalError"] <= fp32["temporalError"] * LARGEST_TEMPORAL_GROWTH


def to_fp32(pictures: list[torch.Tensor], judges: list[torch.Tensor]) -> float | None:
    """Mean PSNR between two ways; None where all pictures are the same."""
    ratios = [psnr(a, b) for a, b in zip(pictures, judges) if not torch.equal(a, b)]
    return float(np.mean(ratios)) if ratios else None


def table_of(clip: LoadedClip, made: dict[str, list[torch.Tensor]]) -> list[dict]:
    """The entries of model.json; `made` has the pictures of each precision, fp32 among them."""
    judged = {precision: measured(clip, pictures) for precision, pictures in made.items()}
    rounded = lambda value: None if value is None else round(value, 4)
    entries = []
    for precision, figures in judged.items():
        entry = {"precision": precision, "clip": clip.name, "frames": len(clip),
                 **{key: rounded(value) for key, value in figures.items()}}
        if precision != "fp32":
            entry["psnrToFp32"] = rounded(to_fp32(made[precision], made["fp32"]))
        entries.append(entry)
    # Decided on the figures as they are written: the daemon has no others.
    fp32 = next(entry for entry in entries if entry["precision"] == "fp32")
    for entry in entries:
        entry["auto"] = entry is fp32 or good_enough(entry, fp32)
    return entries


def text_of(entries: list[dict]) -> str:
    number = lambda value, digits: "-" if value is None else f"{value:.{digits}f}"
    lines = ["| precision | PSNR dB | to fp32 | temporal error | auto may take it |",
             "|---|---|---|---|---|"]
    for e in entries:
        lines.append(f"| {e['precision']} | {number(e['psnr'], 2)} | "
                     f"{number(e.get('psnrToFp32'), 1)} | {number(e['temporalError'], 2)} | "
                     f"{'yes' if e['auto'] else 'no'} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="A model folder.")
    parser.add_argument("--clip", type=Path, required=True, help="Held-out clip of many frames.")
    parser.add_argument("--frameloom", type=Path,
                        default=Path(__file__).resolve().parents[1] / ".build/release/frameloom")
    parser.add_argument("--only-print", action="store_true", help="Leave model.json as it is.")
    add_encoding_options(parser)
    options = parser.parse_args()
    try:
        read_model(options.model)
        clip = load(options.clip, encodings_from(options), say=progress)[0]
        made = {}
        with tempfile.TemporaryDirectory() as folder:
            for precision in PRECISIONS:
                out = Path(folder) / precision
                try:
                    rendered(options.frameloom, options.model, options.clip, precision, out)
                except ModelError as error:
                    if precision == "fp32":
                        raise
                    print(f"without {precision}: {error}", file=sys.stderr)
                    continue
                made[precision] = served_pictures(out, clip)
        entries = table_of(clip, made)
        if not options.only_print:
            write_precisions(options.model, entries)
    except (ClipError, ModelError, OSError) as error:
        print(f"precisions: {error}", file=sys.stderr)
        return 1
    print(f"{clip.name}, {len(clip)} frames\n{text_of(entries)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
