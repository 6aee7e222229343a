# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A folder of clips in memory, cut into crops; and `check`, which says everything that is wrong
with such a folder before a training is spent on it.

    python training/dataset.py check DATA [--model FOLDER] [--sheet FILE]
"""

import argparse
import hashlib
import math
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from camera_file import DEPTH_KINDS, SPACES
from clip import Clip, Encodings, Frame, open_clip, read_frame
from clip_files import ClipError, clip_folders
from doctor import examine_loaded
from doctor_clips import model_palette
from doctor_palette import PALETTE_FILE, Palette
from geometry import Camera, camera_rays, matrices, motion, rotated, trust, warp_bilinear
from history import FrameBatch
from pictures import contact_sheet, depth_picture, write_picture

BYTES_PER_PIXEL = 18  # fourteen bytes of planes, depth as a float


@dataclass
class LoadedClip:
    """A clip's frames as tensors, so that a crop is one copy."""

    name: str
    # [F, 11 or 14, H, W] uint8: base 3, normal 3, roughness, metallic, picture 3, if any emissive 3
    planes: torch.Tensor
    depth: torch.Tensor  # [F, H, W] metres
    cameras: list[Camera] | None
    source: Clip | None = None  # its files and what they state

    def __len__(self) -> int:
        return self.planes.shape[0]

    @property
    def size(self) -> tuple[int, int]:
        return self.planes.shape[3], self.planes.shape[2]

    @property
    def shines(self) -> bool:
        """Whether its emission is known."""
        return self.planes.shape[1] > 11

    def to(self, device) -> "LoadedClip":
        return LoadedClip(self.name, self.planes.to(device), self.depth.to(device), self.cameras,
                          self.source)

    def frame(self, index: int) -> FrameBatch:
        """One whole frame as a batch of one."""
        return batch([(self, index, 0, 0)], self.size[0], self.size[1])


def batch(crops: list[tuple[LoadedClip, int, int, int]], width: int, height: int) -> FrameBatch:
    """Crops `(clip, frame, x, y)` of one size; the principal point moves with the window."""
    planes = torch.stack([c.planes[i, :, y:y + height, x:x + width] for c, i, x, y in crops])
    depth = torch.stack([c.depth[i, y:y + height, x:x + width] for c, i, x, y in crops])
    cameras = None
    if all(c.cameras for c, _, _, _ in crops):
        cameras = [c.cameras[i].cropped(x, y, width, height) for c, i, x, y in crops]
    unit = planes.float() / 255.0
    return FrameBatch(unit[:, 0:3], planes[:, 3:6].float() / 127.5 - 1, depth, unit[:, 6:7],
                      unit[:, 7:8], unit[:, 8:11], cameras,
                      emissive=unit[:, 11:14] if planes.shape[1] > 11 else None)


def decode(clip: Clip, pool: ThreadPoolExecutor) -> LoadedClip:
    frames, problems = [], []

    def attempt(index: int) -> Frame | ClipError:
        try:
            return read_frame(clip, index)
        except ClipError as error:
            return error

    for result in pool.map(attempt, range(len(clip.numbers))):
        if isinstance(result, ClipError):
            problems += result.problems
        else:
            frames.append(result)
    if problems:
        raise ClipError(problems)
    stacked = np.stack([np.concatenate(
        [f.base, f.normal, f.roughness[None], f.metallic[None], f.picture]
        + ([] if f.emissive is None else [f.emissive])) for f in frames])
    return LoadedClip(clip.name, torch.from_numpy(stacked),
                      torch.from_numpy(np.stack([f.depth for f in frames])), clip.cameras, clip)


def load(root: Path, options: Encodings, hold_out: list[str] = (), only: list[str] | None = None,
         workers: int | None = None, say=lambda text: None) -> list[LoadedClip]:
    """Every clip of a folder, decoded. Raises one `ClipError` with all problems of all clips."""
    folders = clip_folders(root)
    if not folders:
        raise ClipError([f"{root}: holds no clip (a clip has folders FinalImage/, BaseColor/, "
                         "Normals/, Depth/, Roughness/)"])
    wrong = sorted(set(hold_out) - {f.name for f in folders})
    if wrong:
        raise ClipError([f"{root}: has no clip '{wrong[0]}' to hold out"])
    folders = [f for f in folders if f.name not in hold_out and (only is None or f.name in only)]
    clips, problems = [], []
    for folder in folders:
        try:
            clips.append(open_clip(folder, options))
            for sentence in clips[-1].said:
                print(f"{folder.name}: {sentence}", file=sys.stderr)
        except ClipError as error:
            problems += error.problems
    blind = [c.name for c in clips if c.cameras is None]
    if blind and len(blind) < len(clips):
        problems.append(f"{root}: {blind[0]} has no camera.json while other clips have one: give "
                        "every clip its cameras, or train the two kinds apart")
    shining = [c.name for c in clips if "Emissive" in c.files]
    if shining and len(shining) < len(clips):
        dark = next(c.name for c in clips if "Emissive" not in c.files)
        problems.append(f"{root}: {dark} has no folder Emissive/ while {shining[0]} has one: give "
                        "every clip its emission (black where nothing shines), or none")
    needed = sum(c.size[0] * c.size[1] * len(c.numbers) for c in clips) * BYTES_PER_PIXEL
    if needed > available_memory():
        problems.append(f"{root}: decoded it takes {needed / 1e9:.1f} GB, more than this "
                        f"machine's {available_memory() / 1e9:.1f} GB of free memory")
    if problems:
        raise ClipError(problems)
    loaded = []
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for number, clip in enumerate(clips):
            try:
                loaded.append(decode(clip, pool))
            except ClipError as error:
                problems += error.problems
            say(f"\rreading {root}: clip {number + 1} of {len(clips)}")
    say("\n")
    if problems:
        raise ClipError(problems)
    return loaded


def content(clips: list[LoadedClip]) -> str:
    """What a training compares to know its data again, wherever they lie."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(repr((tuple(clip.planes.shape), clip.cameras)).encode())
        digest.update(clip.planes.cpu().numpy())
        digest.update(clip.depth.cpu().numpy())
    return (f"{len(clips)} clips, {sum(map(len, clips))} frames, sha256 "
            f"{digest.hexdigest()[:32]}")


def progress(text: str) -> None:
    """A line that overwrites itself, for people only."""
    if sys.stderr.isatty():
        print(text, end="", file=sys.stderr, flush=True)


def available_memory() -> int:
    """What this process may still take: of the machine, or of its container where that is less."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if not \
        Path("/proc/meminfo").exists() else meminfo("MemAvailable")
    return min([free, *container_memory()])


def container_memory(cgroups: Path = Path("/sys/fs/cgroup"),
                     membership: Path = Path("/proc/self/cgroup")) -> list[int]:
    """What each control group of this process still grants, version 1 or 2: those above it count
    too, and a container sees its own as the root."""
    found = []
    lines = membership.read_text().splitlines() if membership.exists() else []
    for line in lines:
        number, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if number == "0":
            root, names = cgroups, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            root, names = cgroups / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        here = root / path.lstrip("/")
        for folder in [here, *here.parents]:
            limit, used = (number_in(folder / name) for name in names)
            if limit is not None:
                found.append(max(0, limit - (used or 0)))
            if folder == root:
                break
    return found


def number_in(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # "max" where there is no limit
        return None


def meminfo(key: str) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    return 0


@dataclass
class Bounds:
    """Boxes around the surfaces of clips, metres."""

    probes: tuple[list[float], list[float]]  # 2-98 % of their positions and half a metre more
    place: tuple[list[float], list[float]]  # 0.1-99.9 %: hashed cells cost nothing where none is


def surface_bounds(clips: list[LoadedClip]) -> Bounds | None:
    """None where no clip knows its cameras or shows a surface."""
    points = []
    for clip in clips:
        for index in range(len(clip)) if clip.cameras else []:
            depth = clip.depth[index, 4::8, 4::8]
            rays = camera_rays([clip.cameras[index]], *clip.depth.shape[1:])[:, :, 4::8, 4::8]
            world = matrices([clip.cameras[index].matrix()])
            place = rotated(world[:, :3, :3], rays * depth.cpu()) + world[:, :3, 3, None, None]
            points.append(place[0][:, depth.cpu() > 0].T.numpy())
    found = np.concatenate(points) if points else np.zeros((0, 3))
    if len(found) == 0:
        return None


    def box(share: float) -> tuple[list[float], list[float]]:
        low, high = np.quantile(found, [share, 1 - share], axis=0)
        return ([round(float(v), 6) for v in low - 0.5], [round(float(v), 6) for v in high + 0.5])

    return Bounds(box(0.02), box(0.001))


def doubts(clip: LoadedClip, palette: Palette | None = None) -> list[str]:
    """What is legal but looks wrong: said, not refused."""
    said = []
    if clip.cameras is None:
        said.append(f"{clip.name}: no camera.json: every frame is a first frame, no probes")
    found = examine_loaded(clip, palette).findings
    if found or clip.cameras is None:
        return said + [f"{clip.name}: {finding}" for finding in found]
    first = clip.frame(0)
    if not bool((first.depth > 0).any()):
        return [f"{clip.name}: frame 0 is all sky"]
    if len(clip) > 1:
        second = clip.frame(1)
        pixel, z = motion(second.depth, second.cameras, first.cameras)
        valid = trust(pixel, z, second.depth, first.depth)[:, None]
        moved = (warp_bilinear(first.base, pixel) - second.base).abs()
        unmoved = (first.base - second.base).abs()
        kept = float(valid.float().mean())
        if kept < 0.5:
            said.append(f"{clip.name}: only {kept:.0%} of frame 1 is found again in frame 0: "
                        "depth scale, axes or order of the cameras?")
        elif float((moved * valid).mean()) > float((unmoved * valid).mean()) + 1e-3:
            said.append(f"{clip.name}: moving frame 0 by depth and camera fits frame 1 worse "
                        "than not moving it: cameras of other frames?")
    return said


def sheet(clips: list[LoadedClip], rows: int = 24) -> np.ndarray:
    lines = []
    every = max(1, len(clips) // rows)
    for clip in clips[::every][:rows]:
        planes = clip.planes[0].cpu().numpy()
        rgb = lambda a: planes[a:a + 3].transpose(1, 2, 0)
        grey = lambda a: np.repeat(planes[a][..., None], 3, 2)
        lines.append([(f"{clip.name} base color", rgb(0)), ("normals", rgb(3)),
                      ("depth", depth_picture(clip.depth[0].cpu().numpy())),
                      ("roughness", grey(6)), ("metallic", grey(7)), ("picture", rgb(8))]
                     + ([("emissive", rgb(11))] if len(planes) > 11 else []))
    return contact_sheet(lines)


def add_encoding_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("encodings, which win over what a camera.json states")
    group.add_argument("--depth-units-per-metre", type=positive, metavar="UNITS",
                       help="What one metre is in the depth files: 400 for 2.5 mm steps.")
    group.add_argument("--depth-kind", choices=DEPTH_KINDS,
                       help="Along the viewing direction, along the ray, or device depth that is 1 "
                       "at the near plane.")
    group.add_argument("--depth-far", type=positive, metavar="METRES",
                       help="Depth at or beyond so many metres is sky.")
    group.add_argument("--frame-step", type=int, default=1, metavar="N",
                       help="From one frame's number to the next, where only every so many were "
                       "written.")
    group.add_argument("--normal-space", choices=SPACES,
                       help="The space that the normals are in.")


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def encodings_from(options: argparse.Namespace) -> Encodings:
    return Encodings(options.depth_units_per_metre, options.depth_kind, options.normal_space,
                     options.depth_far, max(1, options.frame_step))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("check", help="Report every problem of a data set.")
    check.add_argument("data", type=Path)
    check.add_argument("--sheet", type=Path, help="Write a contact sheet here.")
    check.add_argument("--model", type=Path, metavar="FOLDER",
                       help=f"Of a model that was trained on the like: by its {PALETTE_FILE} "
                       "linear base color, swapped channels and smoothness are told.")
    add_encoding_options(check)
    options = parser.parse_args()
    try:
        palette = model_palette(options.model) if options.model else None
        clips = load(options.data, encodings_from(options), say=progress)
    except ClipError as error:
        print(f"{len(error.problems)} problems:")
        print("\n".join(f"  {problem}" for problem in error.problems))
        return 1
    for clip in clips:
        for doubt in doubts(clip, palette):
            print(f"  look at this: {doubt}")
    if palette is None:
        print("not told: linear base color, swapped channels, smoothness; they need --model FOLDER"
              + (f", a model that has {PALETTE_FILE}" if options.model else ""))
    sizes = sorted({f"{c.size[0]}x{c.size[1]}" for c in clips})
    bounds = surface_bounds(clips)
    print(f"{len(clips)} clips, {sum(map(len, clips))} frames, {', '.join(sizes)}; "
          f"bounds of the surfaces {bounds and bounds.place}")
    if options.sheet:
        write_picture(options.sheet, sheet(clips))
        print(f"contact sheet: {options.sheet}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
