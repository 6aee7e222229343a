# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A training goes on after kill -9 as if nothing had happened, and learns."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import REPOSITORY

from checkpoint import CheckpointError, read_checkpoint, write_checkpoint
from schedule import DEFAULT, fitted, learning_rate, phase_at

TOOL = str(REPOSITORY / "training" / "train.py")
SMALL = ["--channels", "8", "8", "8", "8", "--blocks", "1", "1", "1", "1", "--probe-grid", "4",
         "4", "4", "--threads", "1", "--precision", "fp32", "--log-steps", "1",
         "--look-minutes", "1000", "--look-frames", "2"]


@pytest.fixture
def schedule(tmp_path):
    path = tmp_path / "schedule.json"
    path.write_text(json.dumps([
        {"name": "first", "share": 0.2, "history": "none", "crop": 32, "batch": 2},
        {"name": "true", "share": 0.2, "history": "true", "crop": 32, "batch": 2},
        {"name": "own", "share": 0.6, "history": "own", "crop": 32, "batch": 2, "longest": 5}]))
    return path


def command(data, schedule, out, samples, *more):
    return [sys.executable, TOOL, "--data", str(data), "--hold-out", "room2", "--out", str(out),
            "--samples", str(samples), "--schedule", str(schedule), *SMALL, *more]


def losses(out) -> dict[int, float]:
    with open(out / "metrics.csv", newline="") as file:
        return {int(r["step"]): float(r["loss"]) for r in csv.DictReader(file)}


def test_goes_on_after_kill_as_the_uninterrupted_run(data_folder, schedule, tmp_path):
    samples = 12.5  # 100 steps of two 32x32 crops
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run(command(data_folder, schedule, whole, samples, "--checkpoint-steps", "1000"),
                   check=True, timeout=300, capture_output=True)
    expected = losses(whole)
    assert len(expected) == 100
    # Killed at some step between two checkpoints, in the stage that walks on its own pictures.
    process = subprocess.Popen(
        command(data_folder, schedule, cut, samples, "--checkpoint-steps", "45"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 200
    while not (cut / "metrics.csv").exists() or max(losses(cut), default=0) < 48:
        assert time.monotonic() < deadline and process.poll() is None, "it never got to step 48"
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    resumed_from = read_checkpoint(cut)["step"]
    assert resumed_from in (45, 90)
    assert max(losses(cut)) < 100
    subprocess.run(command(data_folder, schedule, cut, samples, "--checkpoint-steps", "45"),
                   check=True, timeout=300, capture_output=True)
    found = losses(cut)
    assert sorted(found) == sorted(expected)  # each step once, also those done twice
    for step in range(resumed_from + 1, min(resumed_from + 50, 100) + 1):
        assert found[step] == pytest.approx(expected[step], rel=1e-3), f"step {step}"


def test_two_processes_train_one_model(data_folder, schedule, tmp_path):
    out = tmp_path / "run"

    def run(samples):
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone",
                  "--nproc-per-node", "2"]
        subprocess.run([*launch, *command(data_folder, schedule, out, samples, "--device",
                                          "cpu")[1:]], check=True, timeout=300)
    run(5)  # 20 steps of two crops on each of two processes
    state = read_checkpoint(out)
    assert state["step"] == 20 and sorted(state["walkers"]) == [0, 1]
    assert all(len(walkers) == 2 for walkers in state["walkers"].values())
    assert len(losses(out)) == 20
    run(5)  # finished: nothing more to do
    assert read_checkpoint(out)["step"] == 20


def test_stops_on_sigterm_with_a_checkpoint(data_folder, schedule, tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(command(data_folder, schedule, out, 10000),
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 200
    while not (out / "metrics.csv").exists() or not losses(out):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "the same command goes on" in said
    assert read_checkpoint(out)["step"] == max(losses(out))


def test_refuses_to_go_on_as_another_training(data_folder, schedule, tmp_path):
    out = tmp_path / "run"
    subprocess.run(command(data_folder, schedule, out, 1), check=True, timeout=200,
                   capture_output=True)
    other = subprocess.run(command(data_folder, schedule, out, 1, "--seed", "5"),
                           capture_output=True, text=True, timeout=200)
    assert other.returncode == 1 and "was begun with seed = 1, now 5" in other.stderr


def test_learns_exports_and_evaluates(data_folder, schedule, tmp_path):
    out, model, report = tmp_path / "run", tmp_path / "models" / "room", tmp_path / "report"
    subprocess.run(command(data_folder, schedule, out, 40, "--learning-rate", "4e-3"),
                   check=True, timeout=300, capture_output=True)
    values = list(losses(out).values())
    assert sum(values[-20:]) < 0.7 * sum(values[:20])
    assert list(out.glob("sheet_*.png")) and (out / "metrics.png").exists()
    tools = REPOSITORY / "training"
    subprocess.run([sys.executable, str(tools / "export.py"), str(out), "--to", str(model),
                    "--licence", "CC0-1.0", "--source", "a test"], check=True, timeout=100)
    subprocess.run([sys.executable, str(tools / "evaluate.py"), "--model", str(model), "--data",
                    str(data_folder), "--clip", "room2", "--no-flip", "--drift", "20", "--hold",
                    "9", "--out", str(report), "--threads", "1"], check=True, timeout=200)
    result = json.loads((report / "evaluation.json").read_text())[0]
    ways = {w["name"]: w for w in result["ways"]}
    assert ways["autoregressive"]["psnr"] > ways["base color alone"]["psnr"]
    assert len(result["drift"]["passes"]) == 3 and len(result["held"]["psnr"]) == 9
    subprocess.run([sys.executable, str(tools / "calibrate.py"), "--model", str(model), "--data",
                    str(data_folder)], check=True, timeout=200)
    values = json.loads((model / "calibration.json").read_text())["values"]
    assert min(values["encoder.0.0.conv1"]["relu"]) > 0
    assert len(values["features"]["magnitude"]) == 299 and "steps" not in values["features"]
    assert all(min(values[name]["steps"]) > 0 for name in ("stem", "encoder.0.0.conv1"))
    assert "calibration.json" in json.loads((model / "model.json").read_text())["files"]


def test_a_training_without_an_input_cannot_be_exported(data_folder, schedule, tmp_path):
    out = tmp_path / "run"
    subprocess.run(command(data_folder, schedule, out, 1, "--without", "probes"), check=True,
                   timeout=200, capture_output=True)
    result = subprocess.run([sys.executable, str(REPOSITORY / "training" / "export.py"), str(out),
                             "--to", str(tmp_path / "m"), "--licence", "CC0-1.0", "--source", "x"],
                            capture_output=True, text=True, timeout=100)
    assert result.returncode == 1 and "trained without probes" in result.stderr


def test_a_half_written_checkpoint_is_never_seen(tmp_path):
    write_checkpoint(tmp_path, {"step": 1})
    (tmp_path / "checkpoint.pt.tmp").write_bytes(b"killed while writing")
    assert read_checkpoint(tmp_path)["step"] == 1
    (tmp_path / "checkpoint.pt").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(tmp_path)


def test_schedule_spends_each_share():
    numbers = [phase_at(DEFAULT, i / 1000) for i in range(1000)]
    for number, phase in enumerate(DEFAULT):
        assert numbers.count(number) == round(1000 * phase.share)
    assert numbers == sorted(numbers) and phase_at(DEFAULT, 1.5) == len(DEFAULT) - 1
    small = fitted(DEFAULT, 100)
    assert all(p.crop <= 96 for p in small) and small[-1].batch == 21
    assert small[-1].single == 7  # a third of the crops, as before
    assert learning_rate(1.0, 5000, 1.0) == pytest.approx(0.02)
    assert learning_rate(1.0, 0, 0.0) == pytest.approx(1 / 200)
    assert learning_rate(1.0, 30, 0.03) > 0.99  # a training of 1,000 steps
    assert torch.tensor([learning_rate(1.0, 300, p / 10) for p in range(11)]).diff().max() < 0


def test_judges_served_pictures(data_folder, tmp_path):
    def judge(pictures):
        return subprocess.run(
            [sys.executable, str(REPOSITORY / "training" / "evaluate.py"), "--pictures",
             str(pictures), "--data", str(data_folder), "--clip", "room1", "--no-flip", "--out",
             str(tmp_path / "report")], capture_output=True, text=True, timeout=200)
    perfect = judge(data_folder / "room1" / "FinalImage")
    assert perfect.returncode == 0
    ways = json.loads((tmp_path / "report" / "evaluation.json").read_text())[0]["ways"]
    assert {w["name"]: w["ssim"] for w in ways}["served pictures"] == pytest.approx(1)
    assert ways[1]["temporal_error"] == ways[1]["reference_temporal_error"]
    short = judge(data_folder)
    assert short.returncode == 1 and "holds 0 numbered pictures" in short.stderr


def test_goes_on_where_the_data_have_moved_and_refuses_others(data_folder, schedule, tmp_path):
    def run(data):
        return subprocess.run(command(data, schedule, tmp_path / "run", 1), capture_output=True,
                              text=True, timeout=300)
    begun = run(data_folder)
    assert begun.returncode == 0, begun.stderr
    moved = data_folder.rename(tmp_path / "moved")
    again = run(moved)
    assert again.returncode == 0 and "going on from step" in again.stderr, again.stderr
    (moved / "room1").rename(tmp_path / "elsewhere")
    other = run(moved)
    assert other.returncode == 1 and "was begun on other data: 2 clips, 8 frames" in other.stderr


def test_the_printed_export_command_works(data_folder, schedule, tmp_path):
    begun = subprocess.run(command(data_folder, schedule, tmp_path / "My Run", 1),
                           capture_output=True, text=True, timeout=300)
    printed = begun.stderr.split("licence and source: ")[1].strip()
    done = subprocess.run(printed, shell=True, cwd=tmp_path, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "Models" / "my-run" / "model.json").exists()


def test_an_older_checkpoint_is_kept_for_a_newest_that_is_lost(tmp_path, capsys):
    from checkpoint import NAME, OLDER, CheckpointError, read_checkpoint, write_checkpoint
    assert read_checkpoint(tmp_path) is None
    for step in range(3):
        write_checkpoint(tmp_path, {"step": step})
    assert read_checkpoint(tmp_path)["step"] == 2
    (tmp_path / NAME).write_bytes(b"half")
    assert read_checkpoint(tmp_path)["step"] == 1
    assert "going on from the older" in capsys.readouterr().err
    (tmp_path / NAME).unlink()
    assert read_checkpoint(tmp_path)["step"] == 1
    (tmp_path / OLDER).write_bytes(b"")
    with pytest.raises(CheckpointError, match="remove it to start anew"):
        read_checkpoint(tmp_path)
