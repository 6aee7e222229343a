# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Trains a compact model for one environment, in three stages.

    python training/train.py --data DATA/train --validation DATA/val --out RUN [--minutes 120]

The same command goes on from RUN's last checkpoint. Several GPUs: torchrun --nproc-per-node N
training/train.py ... ; see docs/training.md.
"""

import argparse
import json
import re
import shlex
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist

from accumulation import ACCUMULATION, MIRROR_PARALLAX
from checkpoint import CheckpointError, must_match, read_checkpoint, write_checkpoint
from clip_files import ClipError
from color import rounded_to_bytes
from dataset import LoadedClip, content, doubts, encodings_from, load, progress, surface_bounds
from history import Without, rendered
from loss import change_loss, picture_loss
from model import CompactDenoiser, ModelConfig, picture
from model_files import ModelError, read_model
from place import Place, Stop, take_place
from place_levels import give_levels
from report import ProgressLine, Report, duration, look
from samples import Sampler, Walker, generator_for
from schedule import DEFAULT, SAMPLE_PIXELS, Phase, ScheduleError, as_json, fitted, \
    learning_rate, phase_at, read_schedule
from train_options import parsed

AVERAGE_DECAY = 0.999
STAND_END = 3.0  # what the last frame of a stand counts, beside 1 of the others


class Training:
    """One training: its network, optimiser, walkers and how far it has come."""

    def __init__(self, options: argparse.Namespace, clips: list[LoadedClip],
                 phases: tuple[Phase, ...], network: CompactDenoiser, place: Place):
        self.options, self.phases, self.place = options, phases, place
        self.device = place.device
        self.without = Without.named(options.without)
        # Channels last: 1.4 times the speed of the default layout on a CPU, measured.
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.average = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        self.forward = self.network
        if place.count > 1:
            unused = clips[0].cameras is None or self.without.camera or self.without.probes
            self.forward = torch.nn.parallel.DistributedDataParallel(
                self.network, find_unused_parameters=unused)
        named = list(self.network.named_parameters())
        self.place_tables = list(self.network.place)
        self.others = [p for n, p in named if n != "probes" and not n.startswith("place.")]
        groups = [{"params": self.others, "scale": 1.0, "weight_decay": 1e-4},
                  {"params": [self.network.probes], "scale": 8.0, "weight_decay": 0.0}]
        if self.place_tables:
            groups.append({"params": self.place_tables, "scale": 12.0, "weight_decay": 0.0,
                           "betas": (0.9, 0.99), "eps": 1e-15})
        self.optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, 0.98),
                                           fused=True)
        self.sampler = Sampler(clips, self.network.config, self.without,
                               options.reduced_share)
        self.step, self.samples, self.seconds = 0, 0.0, 0.0
        self.phase, self.walkers = 0, None
        self.bf16 = False

    @property
    def progress(self) -> float:
        if self.options.minutes is not None:
            return self.seconds / (60 * self.options.minutes)
        return self.samples / self.options.samples

    def drawn(self, phase: Phase, rng) -> list:
        if phase.history != "own":
            self.walkers = None
            return self.sampler.singles(rng, phase, phase.batch)
        self.walkers = self.sampler.walkers(rng, phase, self.walkers)
        walking = [walker.sample for walker in self.walkers]
        return walking + self.sampler.singles(rng, phase, phase.single)

    def loss(self, linear, frame, history, samples) -> torch.Tensor:
        weights = torch.tensor([STAND_END if s.ends_stand else 1.0 for s in samples],
                               device=self.device)
        total, shown = picture_loss(linear, frame.picture, weights / weights.mean(),
                                    square_weight=self.options.square_weight)
        if self.options.change_weight > 0 and history.truth is not None:
            total = total + self.options.change_weight * change_loss(
                shown, frame.picture, history.source, history.truth, history.valid[:, None])
        return total

    def train_step(self) -> dict:
        """One step of the optimiser; gives its loss and gradient norm."""
        number = phase_at(self.phases, self.progress)
        if number != self.phase:
            self.phase, self.walkers = number, None
        phase = self.phases[number]
        rng = generator_for(self.options.seed, self.place.rank, self.step)
        samples = self.drawn(phase, rng)
        with torch.no_grad():
            frame, history, known = self.sampler.assembled(
                rng, samples, phase.crop, self.device)
        rate = learning_rate(self.options.learning_rate, self.step, self.progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        self.optimizer.zero_grad(set_to_none=True)
        linear = rendered(self.network, frame, history, self.without, known, self.autocast)
        loss = self.loss(linear, frame, history, samples)
        loss.backward()
        # The tables are left out: their steps do not depend on the size of the gradient, and a few
        # rows that are read often would take the room of all others.
        norm = torch.nn.utils.clip_grad_norm_(self.others + [self.network.probes], 1.0)
        if not bool(torch.isfinite(norm)):
            raise ModelError(f"the gradient of step {self.step} is not finite; the last "
                             "checkpoint is sound: go on from it with a smaller --learning-rate")
        self.optimizer.step()
        self.averaged()
        if self.walkers is not None:
            with torch.no_grad():
                shown = (rounded_to_bytes(picture(linear)) * 255).round().byte()
            for walker, own in zip(self.walkers, shown):
                walker.picture = own.cpu()
        self.step += 1
        self.samples += self.place.count * phase.batch * phase.crop ** 2 / SAMPLE_PIXELS
        return {"step": self.step, "samples": round(self.samples), "phase": phase.name,
                "learning_rate": rate, "loss": loss.item(), "gradient_norm": norm.item()}

    def autocast(self, *inputs) -> torch.Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            return self.forward(*inputs)

    @torch.no_grad()
    def averaged(self) -> None:
        """The average of the late weights is what is looked at and exported."""
        decay = min(AVERAGE_DECAY, (1 + self.step) / (10 + self.step))
        current = self.network.state_dict()
        torch._foreach_lerp_(list(self.average.values()),
                             [current[key] for key in self.average], 1 - decay)

    def averaged_network(self) -> CompactDenoiser:
        network = CompactDenoiser(self.network.config)
        network.load_state_dict(self.average)
        return network.to(self.device).eval()

    def state(self, recipe: dict) -> dict:
        walkers = {self.place.rank: self.walkers}
        if self.place.count > 1:
            gathered = [None] * self.place.count
            dist.all_gather_object(gathered, walkers)
            walkers = {rank: w for entry in gathered for rank, w in entry.items()}
        return {"recipe": recipe, "config": self.network.config, "bf16": self.bf16,
                "network": self.network.state_dict(), "average": self.average,
                "optimizer": self.optimizer.state_dict(), "step": self.step,
                "samples": self.samples, "seconds": self.seconds, "phase": self.phase,
                "walkers": walkers, "random": torch.get_rng_state()}

    def restore(self, state: dict) -> None:
        self.network.load_state_dict(state["network"])
        self.average = {k: v.to(self.device) for k, v in state["average"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.samples = state["step"], state["samples"]
        self.seconds, self.phase, self.bf16 = state["seconds"], state["phase"], state["bf16"]
        # Another number of processes: the walkers of the new ones start afresh.
        self.walkers: list[Walker] | None = state["walkers"].get(self.place.rank)
        torch.set_rng_state(state["random"])

    def faster_in_bf16(self) -> bool:
        """Times the network forward and back both ways: not every CPU gains from bf16."""
        times = {}
        features = torch.rand(8, self.network.config.feature_channels, 32, 32, device=self.device)
        for bf16 in (False, True):
            for attempt in range(3):
                begun = time.perf_counter()
                with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                    out = self.network.layers(features)
                out.float().square().mean().backward()
                if self.device.type == "cuda":
                    torch.cuda.synchronize()
                times[bf16] = min(times.get(bf16, 1e9), time.perf_counter() - begun)
        self.network.zero_grad(set_to_none=True)
        return times[True] < times[False]


def agreed(training: Training, stop: Stop) -> bool:
    """Whether to stop; processes that train together hear time and stop from the first."""
    if training.place.count == 1:
        return stop.asked
    word = torch.tensor([training.seconds, float(stop.asked)], device=training.device,
                        dtype=torch.float64)
    dist.broadcast(word, 0)
    training.seconds = float(word[0])
    return bool(word[1])


def train(training: Training, recipe: dict, watched: LoadedClip | None) -> None:
    options, leads = training.options, training.place.leads
    report = Report(options.out, training.step) if leads else None
    line, stop = ProgressLine(), Stop()
    last = saved = time.monotonic()
    looked, recent = training.seconds, []

    def save() -> None:
        nonlocal saved
        state = training.state(recipe)
        if leads:
            write_checkpoint(options.out, state)
        saved = time.monotonic()

    while training.progress < 1:
        row = training.train_step()
        now = time.monotonic()
        training.seconds, last = training.seconds + now - last, now
        stopping = agreed(training, stop)
        recent = (recent + [(training.seconds, training.samples)])[-200:]
        spent = recent[-1][0] - recent[0][0]
        speed = (recent[-1][1] - recent[0][1]) / spent if spent > 0 else 0.0
        done = training.progress >= 1 or stopping
        if leads and (training.step % options.log_steps == 0 or done):
            row |= {"seconds": round(training.seconds, 1), "samples_per_second": speed}
            if watched is not None and (
                    done or training.seconds - looked > 60 * options.look_minutes):
                figures, sheet = look(training.averaged_network(), watched, options.look_frames,
                                      training.without, training.device)
                row |= figures
                report.sheet(training.step, sheet)
                looked = training.seconds
                line.say(f"step {training.step}: " + ", ".join(
                    f"{name} {value:.3f}" for name, value in figures.items()), final=True)
            report.add(row)
            if "psnr" in row or done:
                report.plot()
        left = training.seconds * max(1 / max(training.progress, 1e-9) - 1, 0)
        if leads:
            line.say(f"{row['phase']} {training.progress:.1%} | step {training.step} | loss "
                     f"{row['loss']:.4f} | {speed:.1f} samples/s | {duration(left)} left", done)
        due = training.step % options.checkpoint_steps == 0 if options.checkpoint_steps else \
            now - saved > options.checkpoint_seconds
        if training.place.count > 1:  # all take part in a checkpoint, so all must agree on it
            word = torch.tensor([float(due)], device=training.device)
            dist.broadcast(word, 0)
            due = bool(word[0])
        if due or done:
            save()
        if stopping:
            line.say(f"stopped at {training.progress:.1%}; the same command goes on", final=True)
            break
    if leads:
        report.close()


def prepared(options: argparse.Namespace) -> tuple[Training, dict, LoadedClip | None]:
    """Everything that can go wrong before the first step goes wrong here."""
    if options.threads:
        torch.set_num_threads(options.threads)
    place = take_place(options.device)
    say = progress if place.leads else lambda text: None
    encodings = encodings_from(options)
    clips = load(options.data, encodings, hold_out=options.hold_out, say=say)
    watched = None
    if options.validation:
        watched = load(options.validation, encodings, say=say)[0]
    elif options.hold_out:
        watched = load(options.data, encodings, only=options.hold_out[:1], say=say)[0]
    for doubt in (d for clip in clips for d in doubts(clip)):
        if place.leads:
            print(f"look at this: {doubt}", file=sys.stderr)
    phases = read_schedule(options.schedule) if options.schedule else DEFAULT
    phases = fitted(phases, min(side for clip in clips for side in clip.size))
    if clips[0].cameras is None or "history" in options.without:
        phases = tuple(Phase(p.name, p.share, "none", p.crop, p.batch) for p in phases)
    recipe = {"data": str(options.data.resolve()), "content": content(clips),
              "hold_out": options.hold_out,
              "minutes": options.minutes, "samples": options.samples, "seed": options.seed,
              "learning_rate": options.learning_rate, "change_weight": options.change_weight,
              "without": sorted(options.without), "phases": as_json(phases),
              "initial": str(options.initial) if options.initial else None,
              "channels": options.channels, "blocks": options.blocks,
              "probe_grid": options.probe_grid, "place_rows": options.place_rows,
              "reduced_share": options.reduced_share, "square_weight": options.square_weight}
    options.out.mkdir(parents=True, exist_ok=True)
    stored = read_checkpoint(options.out)
    if stored:
        must_match(stored["recipe"], recipe, options.out)
        network = CompactDenoiser(stored["config"])
    else:
        torch.manual_seed(options.seed)
        network = started(options, clips)
    if place.device.type == "cuda":
        clips = [clip.to(place.device) for clip in clips]
    training = Training(options, clips, phases, network, place)
    if stored:
        training.restore(stored)
        if place.leads:
            print(f"going on from step {training.step}, {training.progress:.1%}", file=sys.stderr)
    elif options.precision == "auto":
        training.bf16 = training.faster_in_bf16()
        if place.count > 1:  # the first decides for all
            word = torch.tensor([float(training.bf16)], device=place.device)
            dist.broadcast(word, 0)
            training.bf16 = bool(word[0])
    else:
        training.bf16 = options.precision == "bf16"
    if place.leads:
        (options.out / "recipe.json").write_text(json.dumps(recipe, indent=1) + "\n")
        print(f"{sum(map(len, clips))} frames, {'bf16' if training.bf16 else 'fp32'} on "
              f"{place.count} x {place.device}", file=sys.stderr)
    return training, recipe, watched


def started(options: argparse.Namespace, clips: list[LoadedClip]) -> CompactDenoiser:
    if options.initial:
        return read_model(options.initial)[0].train()
    without = Without.named(options.without)
    config = ModelConfig(channels=options.channels, blocks=options.blocks,
                         probe_grid=options.probe_grid,
                         emissive=clips[0].shines and not without.emissive,
                         accumulation=ACCUMULATION, mirror_parallax=MIRROR_PARALLAX)
    bounds = surface_bounds(clips)
    if bounds:
        config.bounds_min, config.bounds_max = bounds.probes
        if options.place_rows > 0 and not (without.place or without.camera):
            config.place_min, config.place_max = bounds.place
            give_levels(config, clips, options.place_rows)
            if without.fine_place:
                coarse = len(config.place_sides) - config.place_fine
                config.place_sides = config.place_sides[:coarse]
                config.place_rows, config.place_fine = config.place_rows[:coarse], 0
    return CompactDenoiser(config)


def model_name(folder: Path) -> str:
    """The training's folder as a name that the daemon takes."""
    return re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-.") or "model"


def main() -> int:
    options = parsed(__doc__)
    try:
        training, recipe, watched = prepared(options)
        train(training, recipe, watched)
        if training.place.count > 1:
            dist.barrier()  # all leave together: one that was left behind was aborted once
    except (ClipError, ScheduleError, CheckpointError, ModelError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 1
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    if training.place.leads and training.progress >= 1:
        export = Path(__file__).with_name("export.py")
        command = [sys.executable, str(export), str(options.out), "--to",
                   f"Models/{model_name(options.out)}", "--licence", "CC0-1.0", "--source",
                   f"{training.sampler.frame_count} frames of {options.data.name}"]
        print(f"trained. Export, with your own licence and source: {shlex.join(command)}",
              file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
