# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The state of a training on disk. The file is complete at every moment: it is written beside
the old one, forced to the disk and then renamed over it."""

import os
from pathlib import Path

import torch

from files import written_whole

NAME = "checkpoint.pt"


class CheckpointError(Exception):
    pass


def write_checkpoint(folder: Path, state: dict) -> None:
    with written_whole(folder / NAME) as temporary, open(temporary, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def read_checkpoint(folder: Path) -> dict | None:
    """None where there is none yet."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        # Our own classes (walkers) are inside, so this is not a weights-only file.
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise CheckpointError(
            f"{path}: cannot be read ({error}); remove it to start anew") from error


def must_match(stored: dict, asked: dict, path: Path) -> None:
    """A training goes on only as what it was begun as."""
    for key, value in asked.items():
        if stored.get(key) != value:
            raise CheckpointError(f"{path} was begun with {key} = {stored.get(key)!r}, now "
                                  f"{value!r}: use the same, or another --out")
