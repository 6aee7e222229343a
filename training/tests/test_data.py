# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Wrong data ends with a sentence that names the file, before a training starts."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import REPOSITORY, write_clip
from PIL import Image

from clip import Encodings, open_clip
from clip_files import ClipError
from dataset import batch, doubts, load


def complaint(folder, options=Encodings()) -> str:
    with pytest.raises(ClipError) as caught:
        load(folder, options)
    return str(caught.value)


def edit_cameras(folder, change) -> None:
    path = folder / "camera.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_reads_a_clean_data_set(data_folder):
    clips = load(data_folder, Encodings())
    assert [len(c) for c in clips] == [4, 4, 4]
    frame = clips[0].frame(1)
    assert frame.base.shape == (1, 3, 64, 64) and 0 <= float(frame.base.min())
    assert float(frame.depth.max()) > 1 and float(frame.depth.min()) == 0  # has sky
    assert doubts(clips[0]) == []


def test_refuses_a_missing_channel(clip_folder):
    shutil.rmtree(clip_folder / "Roughness")
    assert "the folder Roughness is missing" in complaint(clip_folder)


def test_names_a_file_whose_name_is_not_utf8(clip_folder):
    folder = os.fsencode(clip_folder / "BaseColor")
    os.rename(folder + b"/BaseColor_0000.png", folder + b"/Stra\xdfe_0000.png")
    assert "the name of Stra\\xdfe_0000.png is not UTF-8" in complaint(clip_folder)


def test_a_stated_far_plane_wins_over_that_of_the_cameras(clip_folder):
    plain = load(clip_folder, Encodings())[0].frame(0).depth
    middle = float(plain[plain > 0].median())
    cut = load(clip_folder, Encodings(depth_far=middle))[0].frame(0).depth
    assert float(cut.max()) < middle and bool(((cut > 0) == ((plain > 0) & (plain < middle))).all())


def test_metallic_may_be_absent(clip_folder):
    shutil.rmtree(clip_folder / "Metallic")
    assert float(load(clip_folder, Encodings())[0].frame(0).metallic.max()) == 0


def test_refuses_a_missing_frame_and_a_gap(clip_folder):
    (clip_folder / "Depth" / "Depth_0002.png").unlink()
    (clip_folder / "FinalImage" / "FinalImage_0001.png").unlink()
    said = complaint(clip_folder)
    assert "Depth: frame 2 is missing" in said and "FinalImage: frame 1 is missing" in said
    for path in clip_folder.glob("*/*_0002.png"):
        path.unlink()
    assert "the numbering has a gap: frame 2 is missing" in complaint(clip_folder)


def test_refuses_a_size_mismatch(clip_folder):
    path = clip_folder / "Normals" / "Normals_0003.png"
    Image.fromarray(np.zeros((32, 64, 3), np.uint8)).save(path)
    said = complaint(clip_folder)
    assert str(path) in said and "64x32" in said and "64x64" in said


def test_refuses_a_corrupt_picture(clip_folder):
    path = clip_folder / "BaseColor" / "BaseColor_0001.png"
    content = path.read_bytes()
    path.write_bytes(content[:len(content) // 2])
    assert f"{path}: is no whole PNG file: it ends early" in complaint(clip_folder)
    path.write_bytes(b"no picture at all")
    assert f"{path}: is neither a PNG nor a JPEG file" in complaint(clip_folder)


def test_refuses_a_camera_file_one_frame_short(clip_folder):
    edit_cameras(clip_folder, lambda d: d["frames"].pop())
    assert "camera.json: frame 3 has no camera" in complaint(clip_folder)


def test_refuses_a_camera_that_is_no_camera(clip_folder):
    def mirror(document):
        document["frames"][1]["camera_to_world"][0][0] = -1.0
    edit_cameras(clip_folder, mirror)
    assert "frames[1].camera_to_world mirrors" in complaint(clip_folder)
    (clip_folder / "camera.json").write_text("{")
    assert "camera.json: is not valid JSON" in complaint(clip_folder)


def test_refuses_a_depth_without_scale(clip_folder):
    edit_cameras(clip_folder, lambda d: d.pop("encodings"))
    assert "no known scale" in complaint(clip_folder)
    assert load(clip_folder, Encodings(depth_units_per_metre=400))


def test_reports_all_problems_of_all_clips_at_once(data_folder):
    shutil.rmtree(data_folder / "room0" / "Depth")
    (data_folder / "room2" / "Roughness" / "Roughness_0000.png").unlink()
    said = complaint(data_folder)
    assert "room0" in said and "room2" in said


def test_refuses_cameras_for_some_clips_only(data_folder):
    (data_folder / "room1" / "camera.json").unlink()
    assert "room1 has no camera.json" in complaint(data_folder, Encodings(400.0))


def test_reads_prefixed_names(tmp_path):
    folder = write_clip(tmp_path / "Hall", frames=2, prefix="Hall_")
    assert open_clip(folder, Encodings()).numbers == [0, 1]


def test_turns_view_space_normals_into_world(clip_folder):
    turned = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])

    def turn(document):
        document["encodings"]["normals"]["space"] = "view"
        for frame in document["frames"]:
            for row in range(3):
                frame["camera_to_world"][row][:3] = turned[row].tolist()
    pixels = np.zeros((64, 64, 3), np.uint8) + np.array([128, 128, 255], np.uint8)  # +Z in view
    for path in (clip_folder / "Normals").iterdir():
        Image.fromarray(pixels).save(path)
    edit_cameras(clip_folder, turn)
    normal = load(clip_folder, Encodings())[0].frame(0).normal[0, :, 5, 5]
    assert torch.allclose(normal, torch.tensor([1.0, 0.0, 0.0]), atol=0.01)


def test_reads_reversed_device_depth(clip_folder):
    near, far, metres = 0.05, 300.0, 8.0
    device = near * (far - metres) / (metres * (far - near))
    for path in (clip_folder / "Depth").iterdir():
        raw = np.full((64, 64), round(device * 65535), np.uint16)
        raw[0] = 0
        Image.fromarray(raw).save(path)
    edit_cameras(clip_folder, lambda d: d["encodings"].update(depth={"kind": "reversed"}))
    depth = load(clip_folder, Encodings())[0].frame(0).depth[0]
    assert abs(float(depth[5, 5]) - metres) < 0.05 and float(depth[0, 0]) == 0


def test_crop_sees_what_the_whole_frame_sees(clip_folder):
    clip = load(clip_folder, Encodings())[0]
    part = batch([(clip, 2, 16, 8)], 32, 32)
    assert torch.equal(part.base, clip.frame(2).base[:, :, 8:40, 16:48])
    assert part.cameras[0].cx == clip.cameras[2].cx - 16


def test_doubts_cameras_that_do_not_fit_the_frames(clip_folder):
    def shuffle(document):
        for frame in document["frames"][1:]:
            frame["camera_to_world"][0][3] += 3.0
    edit_cameras(clip_folder, shuffle)
    assert doubts(load(clip_folder, Encodings())[0])


def test_check_prints_every_problem_and_fails(data_folder, tmp_path):
    def check():
        return subprocess.run(
            [sys.executable, str(REPOSITORY / "training" / "dataset.py"), "check",
             str(data_folder), "--sheet", str(tmp_path / "sheet.png")],
            capture_output=True, text=True, timeout=120)
    clean = check()
    assert clean.returncode == 0 and "3 clips, 12 frames, 64x64" in clean.stdout
    assert Image.open(tmp_path / "sheet.png").size[0] > 100
    (data_folder / "room1" / "Depth" / "Depth_0000.png").unlink()
    broken = check()
    assert broken.returncode == 1 and "frame 0 is missing" in broken.stdout


def test_training_refuses_wrong_data_before_it_starts(data_folder, tmp_path):
    shutil.rmtree(data_folder / "room1" / "Normals")
    result = subprocess.run(
        [sys.executable, str(REPOSITORY / "training" / "train.py"), "--data", str(data_folder),
         "--out", str(tmp_path / "run"), "--samples", "10"],
        capture_output=True, text=True, timeout=120)
    assert result.returncode == 1
    assert "the folder Normals is missing" in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()
