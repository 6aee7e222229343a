# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Does a picture that feeds on itself get worse with time? A clip is walked forth and back for
many frames; a frame of one pass is compared with the same one, walked the same way, of another."""

from pathlib import Path

import numpy as np
import torch

from dataset import LoadedClip
from history import Session, Without
from metrics import psnr
from model import CompactDenoiser


def ping_pong(count: int, steps: int) -> list[int]:
    """0 1 .. n-1 n-2 .. 1 0 1 ..: frame numbers of a walk forth and back."""
    period = max(1, 2 * (count - 1))
    return [min(k % period, period - k % period) for k in range(steps)]


@torch.no_grad()
def drift(network: CompactDenoiser, clip: LoadedClip, steps: int, without: Without,
          say) -> dict:
    """PSNR of every step, means by pass, and by how much the last full pass differs from the
    second (the first begins from nothing)."""
    session, values = Session(network, without), []
    for step, index in enumerate(ping_pong(len(clip), steps)):
        frame = clip.frame(index)
        values.append(psnr(session.render(frame), frame.picture))
        say(f"\r{clip.name}: drift, frame {step + 1} of {steps}")
    say("\n")
    period = max(1, 2 * (len(clip) - 1))
    passes = [values[at:at + period] for at in range(0, len(values) - period + 1, period)]
    result = {"steps": steps, "period": period, "psnr": values,
              "passes": [float(np.mean(p)) for p in passes]}
    if len(passes) >= 3:
        change = np.array(passes[-1]) - np.array(passes[1])
        result |= {"mean_change": float(change.mean()), "worst_change": float(change.min())}
    return result


def drift_text(result: dict) -> str:
    passes = " ".join(f"{p:.2f}" for p in result["passes"])
    text = f"{result['steps']} frames on end, PSNR by pass of {result['period']}: {passes}"
    if "mean_change" in result:
        text += (f"\nlast pass against the second at equal clip phase: mean "
                 f"{result['mean_change']:+.3f} dB, worst frame {result['worst_change']:+.3f} dB")
    return text


@torch.no_grad()
def hold(network: CompactDenoiser, clip: LoadedClip, steps: int, without: Without, say) -> dict:
    """The clip's middle frame for `steps` frames on end, as a player sees it who stops there: PSNR,
    and after how many frames no byte changes by more than one any more."""
    middle, session = len(clip) // 2, Session(network, without)
    for index in range(middle):
        session.render(clip.frame(index))
    frame = clip.frame(middle)
    values, moves = [], 0
    for step in range(steps):
        before, made = session.picture, session.render(frame)
        values.append(psnr(made, frame.picture))
        if step > 0 and float((made - before).abs().max()) * 255 > 1.5:
            moves = step
        say(f"\r{clip.name}: held, frame {step + 1} of {steps}")
    say("\n")
    return {"frame": middle, "psnr": values, "at_rest_after": moves if moves + 1 < steps else None}


def hold_text(result: dict) -> str:
    rest = result["at_rest_after"]
    return (f"frame {result['frame']} held for {len(result['psnr'])} frames: PSNR "
            f"{result['psnr'][0]:.2f} to {result['psnr'][-1]:.2f} dB, "
            + ("not at rest yet" if rest is None else f"at rest after {rest}"))


def drift_plot(path: Path, result: dict) -> None:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axis = pyplot.subplots(figsize=(10, 3.5))
    axis.plot(result["psnr"], linewidth=0.7)
    axis.set(title="PSNR dB, clip walked forth and back", xlabel="frame")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
