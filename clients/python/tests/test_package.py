# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The package itself: its copy of the protocol, its README, its pictures."""
import doctest
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import frameloom
from conftest import synthetic_frame
from frameloom import protocol
from frameloom.pictures import png_bytes
from png import read_png

PACKAGE = Path(__file__).resolve().parents[1]


def test_protocol_is_what_the_header_says():
    result = subprocess.run([sys.executable, PACKAGE / "make_protocol.py", "--check"],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_structs_have_the_sizes_of_the_documentation():
    sizes = {"header": 32, "open": 328, "camera": 176, "history": 216, "frame": 208,
             "opened": 304, "picture": 360, "error": 344}
    assert {name: getattr(protocol, f"{name}_dtype").itemsize for name in sizes} == sizes


def test_license_is_the_projects():
    assert (PACKAGE / "LICENSE").read_bytes() == (PACKAGE / "../../LICENSE").read_bytes()


def test_readme_does_what_it_shows(daemon, monkeypatch, tmp_path):
    monkeypatch.setitem(os.environ, "FRAMELOOM_SOCKET", daemon.socket)
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(PACKAGE / "README.md"), module_relative=False,
                              optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 10 and result.failed == 0


def test_png_files_hold_the_pixels():
    random = np.random.default_rng(1)
    for shape in [(5, 7, 3), (4, 1, 4), (33, 64, 3)]:
        pixels = random.integers(0, 256, shape, dtype=np.uint8)
        assert np.array_equal(read_png(png_bytes(pixels)), pixels)


@pytest.mark.parametrize("origin", ["top-left", "bottom-left"])
def test_a_picture_shows_itself_in_a_notebook(daemon, origin):
    with frameloom.connect(daemon.socket, origin=origin) as session:
        picture = session.render(**synthetic_frame(0, width=96, height=64))
    shown = read_png(picture._repr_png_())
    upright = np.asarray(picture)[::-1] if origin == "bottom-left" else np.asarray(picture)
    assert shown.shape == (64, 96, 3)
    assert np.array_equal(shown, upright[..., :3]) and len(np.unique(shown)) > 16


def test_srgb_of_linear_values():
    # IEC 61966-2-1: 0.0031308 is where the two pieces meet; 0.21586 is 128 of 255.
    linear = np.array([[[0, 0.0031308, 1.0], [0.2158605, -1, 7]]])
    assert frameloom.srgb8(linear).tolist() == [[[0, 10, 255], [128, 0, 255]]]
