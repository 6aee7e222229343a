# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The files of a clip folder in FrameDiffuser's layout, by their names alone (docs/clips.md)."""

import os
import re
from pathlib import Path

from names import distance, nearest

PLANES = ["BaseColor", "Normals", "Depth", "Roughness", "Metallic", "FinalImage", "Emissive"]
# Metallic and emission are zero where absent, as in FrameDiffuser's own data.
OPTIONAL = {"Metallic", "FinalImage", "Emissive"}
FRAME_NAME = re.compile(r"(?P<digits>[0-9]{1,9})\.(?P<ending>png|jpg|jpeg)\Z", re.IGNORECASE)
# Endings of pictures that are not read.
FOREIGN_ENDINGS = {"exr", "hdr", "tif", "tiff", "tga", "bmp", "webp", "dds", "npy", "pfm", "gif"}


class ClipError(Exception):
    """What is wrong with a clip; one sentence a problem."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


def clip_folders(root: Path) -> list[Path]:
    """The folder itself if it is a clip, else the clips one level below it."""
    if (root / "FinalImage").is_dir() or (root / "BaseColor").is_dir():
        return [root]
    inside = sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else []
    return [p for p in inside if any((p / plane).is_dir() for plane in PLANES)]


# Names


def frame_number(name: str) -> int | None:
    """The digits before the ending; a minus counts where no letter or digit stands before it."""
    match = FRAME_NAME.search(name)
    if name.startswith(".") or not match or name[:match.start()][-1:].isdecimal():
        return None
    before = name[:match.start()]
    is_negative = before.endswith("-") and not re.search(r"[0-9A-Za-z]-\Z", before)
    return -int(match["digits"]) if is_negative else int(match["digits"])


def ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def escaped(name: str) -> str:
    """A name that is not UTF-8, its wrong bytes as \\xNN."""
    return "".join(f"\\x{ord(c) - 0xdc00:02x}" if 0xdc80 <= ord(c) <= 0xdcff else c for c in name)


def plane_files(folder: Path, plane: str) -> dict[int, Path]:
    """Frame number to file. A PNG goes before a JPEG of the same frame. Raises `ClipError`."""
    place = folder / plane
    names = sorted((n for n in os.listdir(place) if not n.startswith(".")), key=os.fsencode)
    for name in names:
        if any(0xdc80 <= ord(c) <= 0xdcff for c in name):
            raise ClipError([f"{place}: the name of {escaped(name)} is not UTF-8; rename it"])
    found: dict[int, str] = {}
    for name in names:
        number = frame_number(name)
        if number is None:
            continue
        other = found.get(number)
        if other is None or ending(name) == "png" != ending(other):
            found[number] = name
        elif (ending(name) == "png") == (ending(other) == "png"):
            raise ClipError([f"{place / name}: has the same frame number as {other}"])
    if not found:
        raise ClipError([f"{place}: {empty_sentence(names)}"])
    return {number: place / name for number, name in found.items()}


def empty_sentence(names: list[str]) -> str:
    if not names:
        return "is empty"
    kind = ending(names[0])
    hint = f"; {kind.upper()} files are not read, docs/clips.md says how to convert them" \
        if kind in FOREIGN_ENDINGS else ""
    return ("holds no frames: PNG or JPEG files whose names end in a number, like Depth_0000.png "
            f"(found {names[0]}{hint})")


def listed_planes(folder: Path) -> dict[str, dict[int, Path]]:
    if not folder.exists():
        raise ClipError([f"{folder}: there is no such folder"])
    if not folder.is_dir():
        raise ClipError([f"{folder}: is not a folder"])
    problems, listed = [], {}
    for name in sorted(os.listdir(folder), key=os.fsencode):
        close = nearest(name, PLANES)
        if name not in PLANES and (folder / name).is_dir() and distance(name[:64], close) <= 2 \
                and not (folder / close).is_dir():
            problems.append(f"{folder / escaped(name)}: is no plane of a clip; did you mean "
                            f"{close}?")
    if problems:
        raise ClipError(problems)
    for plane in PLANES:
        if not (folder / plane).is_dir():
            if plane not in OPTIONAL:
                problems.append(f"{folder}: the folder {plane} is missing")
            continue
        try:
            listed[plane] = plane_files(folder, plane)
        except ClipError as error:
            problems += error.problems
    if problems:
        raise ClipError(problems)
    return listed


def numbering(folder: Path, listed: dict[str, dict[int, Path]], step: int) -> list[int]:
    numbers = sorted(set().union(*listed.values()))
    for before, after in zip(numbers, numbers[1:]):
        if after < before + step:
            raise ClipError([f"{folder}: frame {after} follows {before}, though the option says "
                             f"steps of {step}"])
        if after != before + step:
            raise ClipError([f"{folder}: the numbering has a gap: frame {before + step} is "
                             "missing"])
    problems = [f"{folder / plane}: frame {number} is missing"
                for plane, files in listed.items() for number in numbers if number not in files]
    if problems:
        raise ClipError(problems)
    return numbers
