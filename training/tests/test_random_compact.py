# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Models of random weights for measurements."""

import json

import pytest

import make_random_compact
from model_files import read_model


def make(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["make_random_compact.py", *map(str, arguments)])
    return make_random_compact.main()


def test_a_model_of_the_asked_size_is_read_back(monkeypatch, tmp_path):
    out = tmp_path / "lean"
    assert make(monkeypatch, "--out", out, "--channels", 16, 32, "--blocks", 1, 2,
                "--bounds", 0, 0, 0, 4, 4, 4) == 0
    network, document = read_model(out)
    assert document["network"]["channels"] == [16, 32] and document["network"]["blocks"] == [1, 2]
    assert network.config.place_sides == [0.08, 0.04] and document["output"]["emissive"]
    values = json.loads((out / "calibration.json").read_text())["values"]
    assert len(values["encoder.1.1.conv2"]["relu"]) == 32 and len(values["head"]["relu"]) == 112


def test_a_model_without_a_place_grid(monkeypatch, tmp_path):
    make(monkeypatch, "--out", tmp_path / "bare", "--channels", 16, "--blocks", 0, "--no-place-grid")
    assert read_model(tmp_path / "bare")[0].config.feature_channels == 275


def test_refuses_counts_that_do_not_match(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit):
        make(monkeypatch, "--out", tmp_path, "--channels", 16, 32, "--blocks", 1)
    assert "one count for each" in capsys.readouterr().err
