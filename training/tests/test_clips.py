# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The table of test clips (make_clip_table.py): this reader answers as written there. FrameClip's
ClipTableTests answer the same table."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY

from clip import Encodings, open_clip, read_planes
from clip_files import ClipError

TABLE = json.loads((REPOSITORY / "Tests" / "ClipTable" / "clips.json").read_text())
WIDTH, HEIGHT = TABLE["size"]


def written(folder: Path, files: dict[str, str | None]) -> Path:
    for name, content in {**TABLE["sound"], **files}.items():
        if content is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(content))
    return folder


def planes_of(stated: dict[str, str]) -> dict[str, np.ndarray]:
    planes = {}
    for plane, text in stated.items():
        pixels = np.frombuffer(base64.b64decode(text), np.float32 if plane == "Depth" else np.uint8)
        planes[plane] = pixels.reshape(HEIGHT, WIDTH, -1).squeeze()
    return planes


@pytest.mark.parametrize("name", sorted(TABLE["clips"]))
def test_answers_the_table(tmp_path, name):
    case = TABLE["clips"][name]
    folder = written(tmp_path / "clip", case["files"])
    if "refusal" in case:
        with pytest.raises(ClipError) as caught:
            clip = open_clip(folder, Encodings(), needs_picture=False)
            read_planes(clip, 0)
        path = folder / case["refusal"]["path"]
        assert caught.value.problems[0] == f"{path}: {case['refusal']['sentence']}"
        return
    clip = open_clip(folder, Encodings(), needs_picture=False)
    assert clip.numbers == case["numbers"] and clip.size == (WIDTH, HEIGHT)
    for index, changed in enumerate(case["planes"]):
        found = read_planes(clip, index)
        wanted = planes_of({**TABLE["planes"][index], **changed})
        assert found.keys() == wanted.keys() - set(case.get("absent", []))
        for plane in found:
            assert np.array_equal(found[plane], wanted[plane]), plane
