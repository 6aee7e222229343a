# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Times the compact network in public CPU runtimes and in Frameloom, interleaved in one run.

    python benchmarks/peers/run.py --frameloom .build/release/frameloom [--json]

All get the same features of one real frame as 32-bit floats and give the head's 112 channels. Each
runs in a process of its own, which is stopped while another one has its turn.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
PEERS = ["pytorch fp32", "pytorch bf16", "onnxruntime fp32", "onnxruntime int8", "openvino fp32",
         "openvino bf16", "openvino int8", "ncnn fp32", "ncnn bf16", "pytorch fp32 avx2",
         "pytorch bf16 avx2", "openvino fp32 avx2", "openvino int8 avx2"]
OURS = ["frameloom fp32", "frameloom bf16", "frameloom int8", "frameloom fp32 avx2",
        "frameloom bf16 avx2", "frameloom int8 avx2", "frameloom fp32 openblas"]


@dataclass
class Row:
    name: str
    ms_p50: float | None = None
    ms_min: float | None = None
    passes: int = 0
    gflops: float | None = None
    ceiling_share: float | None = None  # of the same precision's ceiling, measured in this run
    ratio: float | None = None  # how many times as long as Frameloom at the same precision
    psnr_to_fp32: float | None = None  # of the picture the head makes, to PyTorch's fp32
    relative_error: float | None = None  # of the head, rms, to PyTorch's fp32
    error: str | None = None
    times: list[float] = field(default_factory=list, repr=False)


class Runtime:
    """A process that runs passes when it is asked to and stands still otherwise."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path):
        self.name = name
        self.log = log
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log.open("w"),
            text=True, env={**os.environ, **environment})

    def answer(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            lines = self.log.read_text().strip().splitlines()
            raise RuntimeError(lines[-1] if lines else f"ended with {self.process.wait()}")
        return line.strip()

    def ask(self, question: str) -> dict:
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.answer())
        self.process.send_signal(signal.SIGSTOP)
        return answer

    def stop(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()


def command_of(name: str, options: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    head = str(options.work / f"{name}.head.f32")
    words = name.split()
    path = words[2] if len(words) > 2 else None
    environment = AVX2 if path == "avx2" else {}
    if words[0] != "frameloom":
        return [sys.executable, str(HERE / "worker.py"), name, "--work", str(options.work),
                "--threads", str(options.threads), "--head", head], \
               {"OMP_NUM_THREADS": str(options.threads), **environment}
    width, height = options.size
    command = [str(options.frameloom), "bench", "--network-only", "--serve", "--model",
               str(options.model.resolve()), "--precision", words[1], "--size",
               f"{width}x{height}", "--threads", str(options.threads), "--features",
               str(options.work / "features.f32"), "--head", head]
    return command + (["--kernel-path", path] if path else []), {}


def prepare(options: argparse.Namespace) -> None:
    if not (options.work / "shape.txt").exists():
        subprocess.run(
            [sys.executable, str(HERE / "prepare.py"), "--model", str(options.model), "--clip",
             str(options.clip), "--work", str(options.work)]
            + (["--calibration", str(options.calibration)] if options.calibration else []),
            check=True, stdout=sys.stderr)
    numbers = [int(n) for n in (options.work / "shape.txt").read_text().split()]
    options.size = numbers[3] * 4, numbers[2] * 4


def started(options: argparse.Namespace) -> tuple[list[Runtime], dict[str, Row]]:
    runtimes, rows = [], {}
    for name in [*PEERS, *OURS]:
        if options.only and not any(name.startswith(part) for part in options.only):
            continue
        rows[name] = Row(name)
        failed = [options.work / f"{part}.error" for part in (name, name.split()[0])]
        known = next((f.read_text() for f in failed if f.exists()), None)
        try:
            if known:
                raise RuntimeError(known)
            command, environment = command_of(name, options)
            runtime = Runtime(name, command, environment, options.work / f"{name}.log")
            if name.startswith("frameloom"):
                runtime.ask("2")
            else:
                runtime.answer()
                runtime.process.send_signal(signal.SIGSTOP)
            runtimes.append(runtime)
            print(f"{name}: ready", file=sys.stderr)
        except (RuntimeError, OSError, ValueError) as error:
            rows[name].error = str(error)
            print(f"{name}: {error}", file=sys.stderr)
    return runtimes, rows


def measured(runtimes: list[Runtime], rows: dict[str, Row],
             options: argparse.Namespace) -> dict[str, float]:
    """Rounds in which each has its turn: one pass to warm up, then those that count."""
    ceilings: dict[str, list[float]] = {}
    for number in range(options.rounds):
        for runtime in runtimes[number % len(runtimes):] + runtimes[:number % len(runtimes)]:
            if runtime.name.startswith("frameloom"):
                key = runtime.name.removeprefix("frameloom ")
                value = runtime.ask("ceiling").get("ceiling_gflops")
                if value:
                    ceilings.setdefault(key, []).append(value)
            runtime.ask("1")
            rows[runtime.name].times += runtime.ask(str(options.passes))["ms"]
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    for runtime in runtimes:
        runtime.stop()
    return {key: statistics.median(values) for key, values in ceilings.items()}


def judge(rows: dict[str, Row], ceilings: dict[str, float], gmac: float,
          options: argparse.Namespace) -> None:
    import torch
    from prepare import composed_picture
    shape = [int(n) for n in (options.work / "shape.txt").read_text().split()]
    read = lambda path: np.fromfile(path, "<f4").reshape(1, shape[4], shape[2], shape[3])
    reference = read(options.work / "head.f32")
    planes = torch.load(options.work / "planes.pt")
    best = composed_picture(reference, planes)
    for row in rows.values():
        if not row.times:
            continue
        kind = kind_of(row)
        row.ms_p50, row.ms_min = statistics.median(row.times), min(row.times)
        row.passes = len(row.times)
        row.gflops = 2 * gmac / row.ms_p50 * 1e3
        if kind in ceilings:
            row.ceiling_share = row.gflops / ceilings[kind]
        ours = rows.get(f"frameloom {kind}")
        if ours and ours.times:
            row.ratio = row.ms_p50 / statistics.median(ours.times)
        head = read(options.work / f"{row.name}.head.f32")
        row.relative_error = float(np.sqrt(((head - reference) ** 2).mean()
                                           / (reference ** 2).mean()))
        squared = float(((composed_picture(head, planes) - best).double() ** 2).mean())
        row.psnr_to_fp32 = float("inf") if squared == 0 else float(-10 * np.log10(squared))


def multiply_adds(options: argparse.Namespace) -> float:
    """Of one pass by the plain algorithm, in thousands of millions."""
    from model_files import read_model
    network, _ = read_model(options.model)
    width, height = options.size
    total = sum((width // 4 >> layer.level) * (height // 4 >> layer.level)
                * network.get_submodule(layer.name).weight.numel()
                for layer in network.topology.layers)
    return total / 1e9


def table(rows: dict[str, Row]) -> str:
    number = lambda value, digits: "-" if value is None else f"{value:.{digits}f}"
    lines = ["| runtime | ms p50 (min) | GOP/s | share of the ceiling | times Frameloom's | "
             "PSNR dB to fp32 | error of the head |", "|---|---|---|---|---|---|---|"]
    for row in rows.values():
        if row.error:
            lines.append(f"| {row.name} | not measured: {row.error} | | | | | |")
            continue
        share = "-" if row.ceiling_share is None else f"{row.ceiling_share:.0%}"
        lines.append(f"| {row.name} | {number(row.ms_p50, 1)} ({number(row.ms_min, 1)}) | "
                     f"{number(row.gflops, 0)} | {share} | {number(row.ratio, 2)} | "
                     f"{number(row.psnr_to_fp32, 1)} | {number(row.relative_error, 4)} |")
    return "\n".join(lines)


def kind_of(row: Row) -> str:
    """Precision, and the instructions that it is held to."""
    return row.name.split(" ", 1)[1]


def summary(rows: dict[str, Row]) -> list[str]:
    """For each precision, Frameloom against the fastest other runtime; then its fastest precision
    against the fastest of any."""
    lines = []
    for ours in [row for row in rows.values() if row.name.startswith("frameloom") and row.times]:
        # A library's products use all instructions: as the other runtimes without a limit.
        kind = kind_of(ours).removesuffix(" openblas")
        others = [row for row in rows.values() if row.times and kind_of(row) == kind
                  and not row.name.startswith("frameloom")]
        if others:
            best = min(others, key=lambda row: row.ms_p50)
            lines.append(f"{kind_of(ours)}: {best.ms_p50 / ours.ms_p50:.2f} times as fast as {best.name}")
    for limit in ["", "avx2"]:
        of_limit = [row for row in rows.values() if row.times
                    and (kind_of(row).split() + [""])[1] == limit]
        ours = [row for row in of_limit if row.name.startswith("frameloom")]
        others = [row for row in of_limit if row not in ours]
        if ours and others:
            mine, best = (min(some, key=lambda row: row.ms_p50) for some in (ours, others))
            lines.append(f"any precision{' on ' + limit if limit else ''}: {mine.name} "
                         f"{best.ms_p50 / mine.ms_p50:.2f} times as fast as {best.name}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frameloom", type=Path, default=ROOT / ".build/release/frameloom")
    parser.add_argument("--model", type=Path, default=ROOT / "Models/atrium")
    parser.add_argument("--clip", type=Path, default=ROOT / "Clips/atrium-flight")
    parser.add_argument("--calibration", type=Path,
                        help="clips that the peers' int8 is calibrated with; by default --clip")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--passes", type=int, default=5, help="of each runtime in a round")
    parser.add_argument("--only", nargs="*", help='names to run, or how they start: "openvino"')
    parser.add_argument("--work", type=Path,
                        help="folder for the networks' forms, used again if it holds them")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    temporary = None
    if options.work is None:
        temporary = tempfile.TemporaryDirectory()
        options.work = Path(temporary.name)
    prepare(options)
    runtimes, rows = started(options)
    if not runtimes:
        print("peers: nothing could be run", file=sys.stderr)
        return 1
    ceilings = measured(runtimes, rows, options)
    sys.path.insert(0, str(ROOT / "training"))
    gmac = multiply_adds(options)
    judge(rows, ceilings, gmac, options)
    if options.json:
        plain = [{k: (str(v) if v == float("inf") else v) for k, v in asdict(row).items()
                  if k != "times"} for row in rows.values()]
        print(json.dumps({"threads": options.threads, "gmac": gmac, "machine": platform.machine(),
                          "size": "%dx%d" % options.size, "ceilings_gflops": ceilings,
                          "rows": plain}, indent=1))
    else:
        print(table(rows))
        print("\n".join(summary(rows)))
        print("ceilings, GFLOP/s: " + ", ".join(f"{k} {v:.0f}" for k, v in ceilings.items()))
    if temporary:
        temporary.cleanup()
    return 0


if __name__ == "__main__":
    sys.exit(main())
