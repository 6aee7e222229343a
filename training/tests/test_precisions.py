# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Which precision a model may be served at by itself."""

import json
import stat
import sys

import torch
from conftest import REPOSITORY

import precisions
from calibrate import best_steps, in_integers, readers
from clip import Encodings
from dataset import load
from model import CompactDenoiser, ModelConfig
from model_files import read_model, write_model


def entry(psnr: float, error: float | None) -> dict:
    return {"psnr": psnr, "temporalError": error}


def test_rule_allows_three_tenths_of_a_decibel_and_a_twentieth_of_flicker():
    fp32 = entry(23, 8)
    assert precisions.good_enough(entry(22.71, 8.39), fp32)
    assert not precisions.good_enough(entry(22.69, 8), fp32)
    assert not precisions.good_enough(entry(23, 8.41), fp32)
    assert precisions.good_enough(entry(23, None), entry(23, None))


def test_rule_is_the_daemons():
    source = (REPOSITORY / "Sources/NeuralModel/Compact/PrecisionTable.swift").read_text()
    assert f"largestLoss = {precisions.LARGEST_LOSS}\n" in source
    assert f"largestTemporalGrowth = {precisions.LARGEST_TEMPORAL_GROWTH}\n" in source


def test_table_compares_each_precision_with_fp32(clip_folder):
    clip = load(clip_folder, Encodings())[0]
    true = [clip.frame(i).picture for i in range(len(clip))]
    # Flicker: every other picture is brighter.
    bad = [torch.clamp(p + 0.1 * (i % 2), 0, 1) for i, p in enumerate(true)]
    near = [torch.clamp(p + 1 / 255, 0, 1) for p in true]
    entries = precisions.table_of(clip, {"fp32": near, "bf16": near, "int8": bad})
    by_name = {e["precision"]: e for e in entries}
    assert [e["auto"] for e in entries] == [True, True, False]
    assert by_name["bf16"]["psnrToFp32"] is None
    assert 20 < by_name["int8"]["psnrToFp32"] < 45
    assert by_name["int8"]["temporalError"] > by_name["fp32"]["temporalError"]
    assert "| int8 |" in precisions.text_of(entries)


def test_figures_are_written_into_the_models_description(tmp_path, clip_folder, monkeypatch, capsys):
    """With a stand-in for `frameloom render` that copies the clip's own pictures and knows no
    bf16."""
    model = tmp_path / "room"
    config = ModelConfig(channels=[8, 8], blocks=[1, 1], probe_grid=[2, 2, 2])
    write_model(CompactDenoiser(config), model, "room", "1", "a test", "CC0-1.0", "nothing")
    fake = tmp_path / "frameloom"
    fake.write_text(f"""#!{sys.executable}
import pathlib, shutil, sys
at = lambda name: sys.argv[sys.argv.index(name) + 1]
if at("--precision") == "bf16":
    print("Error: no such kernels", file=sys.stderr)
    sys.exit(1)
assert (at("--models"), at("--model")) == ({str(tmp_path)!r}, "room")
out = pathlib.Path(at("--out"))
out.mkdir()
for path in (pathlib.Path(sys.argv[2]) / "FinalImage").iterdir():
    shutil.copy(path, out)
""")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "argv", ["precisions.py", "--model", str(model), "--clip",
                                      str(clip_folder), "--frameloom", str(fake)])
    assert precisions.main() == 0
    shown = capsys.readouterr()
    assert "without bf16: Error: no such kernels" in shown.err
    assert "| int8 |" in shown.out
    written = json.loads((model / "model.json").read_text())["precisions"]
    assert [e["precision"] for e in written] == ["fp32", "int8"]
    assert all(e["auto"] for e in written)
    read_model(model)
    # New weights have no figures yet.
    write_model(CompactDenoiser(config), model, "room", "2", "a test", "CC0-1.0", "nothing")
    assert "precisions" not in json.loads((model / "model.json").read_text())


def test_steps_leave_bits_to_small_weights():
    draw = torch.Generator().manual_seed(3)
    conv = torch.nn.Conv2d(16, 8, 3, padding=1)
    conv.weight.data = torch.randn(conv.weight.shape, generator=draw) * 0.05
    conv.weight.data[:, 4] *= 60  # one channel with far larger weights
    read = torch.rand(1, 16, 20, 20, generator=draw)
    read[:, 4] *= 0.1
    clips = read.amax((0, 2, 3))
    exact = torch.nn.functional.conv2d(read, conv.weight, padding=1)
    error = lambda steps: float(
        (in_integers(conv, read, steps) - exact).detach().square().mean())
    steps = best_steps(conv, read, clips)
    assert error(steps) < 0.5 * error((clips * clips.max()).sqrt() / 255)
    assert error(steps) < 0.5 * error(clips / 255)


def test_every_3x3_convolution_reads_one_value():
    network = CompactDenoiser(ModelConfig())
    found = readers(network)
    threes = [m for m in network.modules()
              if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
    assert sorted(map(id, found.values())) == sorted(map(id, threes))
    assert found["skip.2"] is network.decoder[2][0].conv1
    assert found["encoder.1.0.conv2"] is network.encoder[1][1].conv1
    assert found["decoder.0.0.conv2"] is network.head
