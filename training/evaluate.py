# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Judges a model, or pictures that the daemon served, on clips it was not trained on.

    python training/evaluate.py --model Models/atrium --data DATA/val --out REPORT
    python training/evaluate.py --pictures SERVED --data DATA/val --out REPORT
"""

import argparse
import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from checkpoint import CheckpointError
from clip_files import ClipError
from dataset import LoadedClip, add_encoding_options, encodings_from, load, progress
from drift import drift, drift_plot, drift_text, hold, hold_text
from export import network_of
from history import WITHOUT_NAMES, Session, Without, from_history, nothing_carried
from levels import SIDES, LevelSession
from metrics import Score, change_psnr, score, temporal_error, video_quality
from model import CompactDenoiser
from model_files import ModelError
from pictures import as_bytes, contact_sheet, read_picture, write_picture
from surfaces import Share, SurfaceErrors, surface_table


@dataclass
class Judged:
    """One way to make a clip's pictures, judged frame by frame."""

    name: str
    scores: list[Score]
    without_sky: list[Score]
    temporal: list[float | None]  # from the second frame on
    change: list[float]  # tPSNR, likewise
    pictures: list[torch.Tensor]
    surfaces: dict[str, Share]
    jod: float | None = None  # of the whole clip

    def summary(self, still: list[bool], reference: list[float | None]) -> dict:
        mean = lambda values: float(np.mean(values)) if len(values) else None
        known = [(t, s, r) for t, s, r in zip(self.temporal, still, reference) if t is not None]
        of = lambda field, scores: mean([getattr(s, field) for s in scores
                                         if getattr(s, field) is not None])
        return {
            "name": self.name,
            **{f: of(f, self.scores) for f in ("psnr", "ssim", "flip")},
            **{f"{f}_without_sky": of(f, self.without_sky) for f in ("psnr", "ssim", "flip")},
            "first_psnr": self.scores[0].psnr, "last_psnr": self.scores[-1].psnr,
            "temporal_error": mean([t for t, _, _ in known]),
            "temporal_error_moving": mean([t for t, s, _ in known if not s]),
            "temporal_error_standing": mean([t for t, s, _ in known if s]),
            "reference_temporal_error": mean([r for _, _, r in known]),
            "tpsnr": mean([c for c in self.change if np.isfinite(c)]), "jod": self.jod,
            "surfaces": {name: asdict(share) for name, share in self.surfaces.items()}}


@torch.no_grad()
def judged(clip: LoadedClip, name: str, make, with_flip: bool, say) -> Judged:
    """`make(index, frame)` gives a picture `[1, 3, H, W]`, called frame by frame."""
    result = Judged(name, [], [], [], [], [], {})
    own, previous, surfaces = None, None, SurfaceErrors()
    for index in range(len(clip)):
        frame = clip.frame(index)
        made = make(index, frame)
        surface = frame.depth > 0
        result.scores.append(score(made, frame.picture, None, with_flip))
        if bool(surface.any()):
            result.without_sky.append(score(made, frame.picture, surface, with_flip))
        if own is not None:
            result.temporal.append(temporal_error(frame, previous, made, own))
            result.change.append(change_psnr(made, own, frame.picture, previous.picture))
        result.pictures.append(made)
        surfaces.add(frame, made)
        own, previous = made, frame
        say(f"\r{clip.name}: {name}, frame {index + 1} of {len(clip)}")
    say("\n")
    result.surfaces = surfaces.shares()
    return result


def makers(network: CompactDenoiser | None, served: list[torch.Tensor] | None, without: Without,
           qualities: list[str] = ()):
    ways = {"base color alone": lambda i, frame: frame.base}
    if served is not None:
        ways["served pictures"] = lambda i, frame: served[i]
    if network is not None:
        session = Session(network, without)
        ways["reset"] = lambda i, frame: from_history(
            network, frame, nothing_carried(frame), without)
        ways["autoregressive"] = lambda i, frame: session.render(frame)
        for name in qualities:
            ways[f"{name} light"] = lambda i, frame, at=LevelSession(
                network, SIDES[name], without): at.render(frame)
    return ways


def served_pictures(folder: Path, clip: LoadedClip) -> list[torch.Tensor]:
    """The pictures of a folder in the order of the numbers that end their names."""
    numbered = {}
    for path in folder.iterdir() if folder.is_dir() else []:
        match = re.search(r"(\d+)\.(?:png|jpg|jpeg)$", path.name, re.IGNORECASE)
        if match:
            numbered[int(match.group(1))] = path
    paths = [numbered[n] for n in sorted(numbered)]
    if len(paths) != len(clip):
        raise ClipError([f"{folder}: holds {len(paths)} numbered pictures, the clip {clip.name} "
                         f"has {len(clip)} frames"])
    pictures = []
    for path in paths:
        pixels = read_picture(path)
        if pixels.ndim != 3 or pixels.shape[:2] != (clip.size[1], clip.size[0]):
            raise ClipError([f"{path}: is not a color picture of {clip.size[0]}x{clip.size[1]}"])
        planes = torch.from_numpy(pixels[..., :3].copy()).permute(2, 0, 1)
        pictures.append(planes[None].float() / 255)
    return pictures


@torch.no_grad()
def nearness(network: CompactDenoiser, clip: LoadedClip, served: list[torch.Tensor],
             without: Without) -> dict:
    """How near the served pictures are to what the network makes here of the served picture before:
    of 255, over all bytes of the clip."""
    counts = np.zeros(256, np.int64)
    session = Session(network, without)
    for index in range(len(clip)):
        made = session.render(clip.frame(index))
        apart = ((made - served[index]).abs() * 255).round().long().flatten()
        counts += np.bincount(apart.numpy(), minlength=256)
        session.picture = served[index]
    return {"within_1": float(counts[:2].sum() / counts.sum()),
            "equal": float(counts[0] / counts.sum()), "largest": int(np.flatnonzero(counts)[-1])}


def table(summaries: list[dict]) -> str:
    number = lambda value, digits: "-" if value is None else f"{value:.{digits}f}"
    lines = ["| | PSNR dB | SSIM | FLIP | without sky: PSNR | SSIM | FLIP | first, last dB | "
             "temporal error | moving | standing | of the reference | tPSNR | JOD |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for s in summaries:
        cells = [s["name"], number(s["psnr"], 2), number(s["ssim"], 3), number(s["flip"], 3),
                 number(s["psnr_without_sky"], 2), number(s["ssim_without_sky"], 3),
                 number(s["flip_without_sky"], 3),
                 f"{number(s['first_psnr'], 2)}, {number(s['last_psnr'], 2)}",
                 number(s["temporal_error"], 2), number(s["temporal_error_moving"], 2),
                 number(s["temporal_error_standing"], 2),
                 number(s["reference_temporal_error"], 2), number(s["tpsnr"], 2),
                 number(s["jod"], 2)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def sheet(clip: LoadedClip, ways: list[Judged], rows: int = 6) -> np.ndarray:
    lines = []
    for index in sorted({round(i * (len(clip) - 1) / max(rows - 1, 1)) for i in range(rows)}):
        line = []
        for way in ways:
            line.append((f"{index} {way.name} {way.scores[index].psnr:.2f} dB",
                         as_bytes(way.pictures[index][0])))
        frame = clip.frame(index)
        error = ((ways[-1].pictures[index] - frame.picture).abs() * 4).clamp(0, 1)
        line += [("reference", as_bytes(frame.picture[0])), ("error x4", as_bytes(error[0]))]
        lines.append(line)
    return contact_sheet(lines, 256)


def plot(path: Path, clip: LoadedClip, ways: list[Judged], reference: list) -> None:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(1, 2, figsize=(12, 4))
    for way in ways[1:]:
        axes[0].plot([s.psnr for s in way.scores], label=way.name)
        axes[1].plot(range(1, len(clip)), way.temporal, label=way.name)
    axes[1].plot(range(1, len(clip)), reference, label="reference", linestyle="--")
    axes[0].set(title=f"{clip.name}: PSNR dB", xlabel="frame")
    axes[1].set(title="warped temporal error x1000", xlabel="frame")
    axes[0].legend()
    axes[1].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def evaluated(clip: LoadedClip, network: CompactDenoiser | None, options: argparse.Namespace,
              without: Without) -> dict:
    served = served_pictures(options.pictures, clip) if options.pictures else None
    truth = judged(clip, "reference", lambda i, frame: frame.picture, False, lambda t: None)
    ways = [judged(clip, name, make, not options.no_flip, progress)
            for name, make in makers(network, served, without, options.quality).items()]
    if options.jod:
        for way in ways:
            way.jod = video_quality(way.pictures, truth.pictures, options.fps)
        if ways[0].jod is None:
            raise ClipError(["--jod needs the package cvvdp (training/requirements-quality.txt)"])
    still = [clip.cameras is not None and clip.cameras[i] == clip.cameras[i - 1]
             for i in range(1, len(clip))]
    summaries = [way.summary(still, truth.temporal) for way in ways]
    held = [n for n in WITHOUT_NAMES if getattr(without, n.replace("-", "_"))]
    print(f"\n{clip.name}, {len(clip)} frames" + (f", without {', '.join(held)}" if held else ""))
    print(table(summaries), flush=True)
    print("\n" + surface_table({way.name: way.surfaces for way in ways[1:]}), flush=True)
    result = {"clip": clip.name, "frames": len(clip), "without": held, "ways": summaries,
              "scores": {way.name: [asdict(s) for s in way.scores] for way in ways}}
    if served is not None and network is not None:
        result["served_to_here"] = near = nearness(network, clip, served, without)
        print(f"served pictures against this network's, each from the served one before: "
              f"{near['equal']:.3%} of the bytes equal, {near['within_1']:.4%} within 1 of 255, "
              f"largest difference {near['largest']}")
    if options.out:
        write_picture(options.out / f"{clip.name}_sheet.png", sheet(clip, ways))
        plot(options.out / f"{clip.name}_frames.png", clip, ways, truth.temporal)
    if options.drift and network is not None:
        passes = drift(network, clip, options.drift, without, progress)
        print(drift_text(passes))
        result["drift"] = passes
        if options.out:
            drift_plot(options.out / f"{clip.name}_drift.png", passes)
    if options.hold and network is not None:
        result["held"] = hold(network, clip, options.hold, without, progress)
        print(hold_text(result["held"]))
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="A model folder or a training's --out folder.")
    parser.add_argument("--pictures", type=Path, help="Pictures the daemon served of the clip.")
    parser.add_argument("--data", type=Path, required=True, help="A clip or a folder of clips.")
    parser.add_argument("--clip", help="Only this clip of --data.")
    parser.add_argument("--without", nargs="*", default=[], choices=WITHOUT_NAMES)
    parser.add_argument("--quality", nargs="*", default=[], choices=["half", "quarter"],
                        help="Also with light of this size, as sessions of lower quality.")
    parser.add_argument("--drift", type=int, default=0, metavar="N",
                        help="Also N frames on end, the clip walked forth and back (1000).")
    parser.add_argument("--hold", type=int, default=0, metavar="N",
                        help="Also the middle frame N times on end, as where a player stops (100).")
    parser.add_argument("--jod", action="store_true", help="Also ColorVideoVDP of the whole clip, "
                        "by the package of training/requirements-quality.txt.")
    parser.add_argument("--fps", type=float, default=30, help="Of the clip, for --jod (30).")
    parser.add_argument("--no-flip", action="store_true", help="FLIP takes the longest.")
    parser.add_argument("--out", type=Path, help="Folder for figures, plots and sheets.")
    parser.add_argument("--threads", type=int)
    add_encoding_options(parser)
    options = parser.parse_args()
    if options.model is None and options.pictures is None:
        parser.error("give --model, --pictures or both")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        network, without = network_of(options.model) if options.model else (None, [])
        clips = load(options.data, encodings_from(options), say=progress,
                     only=[options.clip] if options.clip else None)
        if not clips:
            raise ClipError([f"{options.data}: has no clip '{options.clip}'"])
        if options.pictures and len(clips) > 1:
            raise ClipError(["--pictures belong to one clip: name it with --clip"])
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
        held = Without.named(sorted(set(options.without) | set(without)))
        results = [evaluated(clip, network, options, held) for clip in clips]
    except (ClipError, CheckpointError, ModelError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    if options.out:
        (options.out / "evaluation.json").write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
