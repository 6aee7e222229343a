# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
import sys

import numpy as np

import strip
from pictures import read_picture


def made(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(sys, "argv", ["strip.py", *map(str, arguments)])
    return strip.main()


def test_columns_are_the_frame_s_own_pixels(clip_folder, tmp_path, monkeypatch):
    clip = clip_folder
    names = sorted(path.name for path in (clip / "BaseColor").iterdir())
    to = tmp_path / "strip.png"
    assert made(monkeypatch, clip, "--rendered", clip / "BaseColor", "--frame", 1, "--planes",
                "--crop", 8, 4, 16, 12, "--scale", 2, "--to", to) == 0
    sheet = read_picture(to)
    assert sheet.shape == (24, 5 * 32 + 4 * strip.GAP, 3)
    for column, plane in ((0, "BaseColor"), (3, "BaseColor"), (4, "FinalImage")):
        whole = read_picture(next((clip / plane).glob(names[1].replace("BaseColor", "*"))))
        left = column * (32 + strip.GAP)
        assert np.array_equal(sheet[::2, left:left + 32:2], whole[4:16, 8:24, :3])


def test_a_frame_that_is_not_there_is_named(clip_folder, tmp_path, monkeypatch, capsys):
    clip = clip_folder
    assert made(monkeypatch, clip, "--rendered", clip / "BaseColor", "--frame", 99,
                "--to", tmp_path / "strip.png") == 1
    assert "not 99" in capsys.readouterr().err
