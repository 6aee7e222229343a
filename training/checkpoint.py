# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The state of a training on disk. The file is complete at every moment: it is written beside
the old one, forced to the disk and then renamed over it. The one before it is kept, for a disk that
loses the newest."""

import os
import sys
from pathlib import Path

import torch

from files import written_whole

NAME, OLDER = "checkpoint.pt", "checkpoint.older.pt"


class CheckpointError(Exception):
    pass


def write_checkpoint(folder: Path, state: dict) -> None:
    with written_whole(folder / NAME) as temporary:
        with open(temporary, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        keep_older(folder)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def keep_older(folder: Path) -> None:
    """The newest gets a second name, which outlives its first."""
    if not (folder / NAME).exists():
        return
    second = folder / (OLDER + ".tmp")
    second.unlink(missing_ok=True)
    try:
        os.link(folder / NAME, second)
    except OSError:  # a file system without hard links: for a moment the older one is all there is
        second = folder / NAME
    os.replace(second, folder / OLDER)


def read_checkpoint(folder: Path) -> dict | None:
    """The newest, or aloud the one before it; None where there is none yet."""
    complaint = None
    for name in (NAME, OLDER):
        path = folder / name
        if not path.exists():
            continue
        try:
            # Our own classes (walkers) are inside, so this is not a weights-only file.
            state = torch.load(path, map_location="cpu", weights_only=False)
        except Exception as error:  # torch raises many kinds for a damaged file
            complaint = complaint or f"{path}: cannot be read ({error})"
            continue
        if name == OLDER:
            print(f"{complaint or f'{folder / NAME}: is missing'}; going on from the older {path}",
                  file=sys.stderr)
        return state
    if complaint:
        raise CheckpointError(f"{complaint}; remove it to start anew")
    return None


def must_match(stored: dict, asked: dict, path: Path) -> None:
    """A training goes on only as what it was begun as. Data and first weights may lie elsewhere by
    now: what they hold is compared, or that there are any, not where they are."""
    for key, value in asked.items():
        before = stored.get(key)
        if key == "content" and before is None:  # begun before contents were noted
            continue
        if key == "data" and stored.get("content") is not None:
            continue
        if key == "initial" and before is not None and value is not None:
            continue
        if key == "content" and before != value:
            raise CheckpointError(f"{path} was begun on other data: {before}, now {value}: use the "
                                  "same frames, or another --out")
        if before != value:
            raise CheckpointError(f"{path} was begun with {key} = {before!r}, now {value!r}: use "
                                  "the same, or another --out")
