# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Sessions against the real daemon."""
import json
import tempfile
import time

import numpy as np
import pytest

import frameloom
from conftest import CLIP, Daemon, synthetic_frame
from png import read_png


def demo_frames(count: int) -> list[dict]:
    """The first frames of the demo clip, as arguments of `submit`."""
    cameras = json.loads((CLIP / "camera.json").read_text())
    frames = []
    for number in range(count):
        planes = {
            field: read_png((CLIP / folder / f"{folder}_{number:04}.png").read_bytes())
            for field, folder in [("base_color", "BaseColor"), ("normals", "Normals"),
                                  ("depth", "Depth"), ("roughness", "Roughness"),
                                  ("metallic", "Metallic")]
        }
        stated = cameras["frames"][number]
        camera = frameloom.Camera(
            *(stated[name] for name in ("fx", "fy", "cx", "cy")),
            np.array(stated["camera_to_world"]), stated["near"], stated["far"])
        frames.append({**planes, "camera": camera})
    return frames


@pytest.fixture(scope="module")
def clip_frames() -> list[dict]:
    return demo_frames(2)


def test_gives_the_bytes_of_the_c_client(daemon, clip_frames, tmp_path):
    # Without the reference pictures, which `play` would be slow to judge its own by.
    clip = tmp_path / "clip"
    clip.mkdir()
    for name in ("BaseColor", "Normals", "Depth", "Roughness", "Metallic", "camera.json"):
        (clip / name).symlink_to(CLIP / name)
    daemon.run("play", str(clip), "--frames", "2", "--out", str(tmp_path / "played"))
    scale = 1 / json.loads((CLIP / "camera.json").read_text())["encodings"]["depth"][
        "unitsPerMetre"]
    with frameloom.connect(daemon.socket, depth_scale=scale) as session:
        pictures = list(session.stream(clip_frames))
    assert [picture.history_frame for picture in pictures] == [None, 1]
    for number, picture in enumerate(pictures):
        file = tmp_path / f"played/Rendered_{number:04}.png"
        assert np.array_equal(picture.rgb, read_png(file.read_bytes())), f"frame {number}"


def test_render_and_pipelined_frames_give_the_same_bytes(daemon):
    frames = [synthetic_frame(index) for index in range(5)]
    with frameloom.connect(daemon.socket) as session:
        one_by_one = [session.render(**frame).pixels for frame in frames]
        opened = session.opened
    assert opened is not None and opened.model == "atrium" and opened.max_in_flight >= 2
    with frameloom.connect(daemon.socket) as session:
        pipelined = []
        for frame in frames:
            session.submit(**frame)
            assert session.in_flight <= 2
            pipelined += [picture.pixels for picture in session.pictures(leave=1)]
        pipelined += [picture.pixels for picture in session.pictures()]
    assert len(pipelined) == 5
    assert all(map(np.array_equal, one_by_one, pipelined))
    assert not np.array_equal(one_by_one[0], one_by_one[4])


def test_planes_are_copied_before_submit_returns(daemon):
    frame = synthetic_frame(0)
    with frameloom.connect(daemon.socket) as session:
        expected = session.render(**frame).pixels
    with frameloom.connect(daemon.socket) as session:
        session.submit(**frame)
        frame["base_color"][:] = 0
        (picture,) = session.pictures()
    assert np.array_equal(picture.pixels, expected)


def test_types_of_planes_that_mean_the_same_give_the_same_picture(daemon):
    frame = synthetic_frame(0)
    packed = np.rint(frame["normals"] * 511.5 + 511.5).astype(np.uint32)
    alpha = np.full((*frame["depth"].shape, 1), 9, np.uint8)
    other = {
        **frame,
        "base_color": np.concatenate([frame["base_color"], alpha], axis=-1),
        "normals": packed[..., 0] | packed[..., 1] << 10 | packed[..., 2] << 20,
        "depth": frame["depth"].astype(np.float64)[:, :, None],
        "roughness": np.full(frame["depth"].shape, 128, np.uint8),
        "metallic": np.zeros(frame["depth"].shape, np.float16),
    }
    with frameloom.connect(daemon.socket) as session:
        first = session.render(**frame, reset=True)
        second = session.render(**other, reset=True)
    assert np.array_equal(first.pixels, second.pixels)


def test_bottom_left_origin_is_the_same_picture_upside_down(daemon):
    frame = synthetic_frame(0)
    with frameloom.connect(daemon.socket) as session:
        upright = session.render(**frame)
    turned = {name: plane[::-1] if name != "camera" else plane for name, plane in frame.items()}
    with frameloom.connect(daemon.socket, origin="bottom-left") as session:
        picture = session.render(**turned)
    assert np.array_equal(picture.pixels[::-1], upright.pixels)
    assert picture.png() == upright.png()


def test_another_size_keeps_the_history(daemon):
    with frameloom.connect(daemon.socket) as session:
        session.render(**synthetic_frame(0, 96, 64))
        picture = session.render(**synthetic_frame(1, 128, 96))
        assert (picture.width, picture.height, picture.history_frame) == (128, 96, 1)
        assert session.opened is not None and session.opened.history == "kept"


def test_reset_and_jump_have_no_history(daemon):
    with frameloom.connect(daemon.socket) as session:
        session.render(**synthetic_frame(0))
        assert session.render(**synthetic_frame(1), reset=True).history_frame is None
        assert session.render(**synthetic_frame(2)).history_frame == 2
        session.reset()
        assert session.render(**synthetic_frame(3)).history_frame is None


def test_incremental_session_renders_nothing_of_a_standing_frame(daemon):
    with frameloom.connect(daemon.socket, incremental=True) as session:
        for _ in range(40):
            picture = session.render(**synthetic_frame(0))
            if picture.computed_share == 0:
                break
        assert session.opened is not None and session.opened.is_incremental
    assert picture.computed_share == 0


def test_a_killed_daemon_costs_no_picture_and_no_byte(mortal_daemon, daemon):
    frames = [synthetic_frame(index) for index in range(12)]
    with frameloom.connect(daemon.socket) as session:
        expected = [picture.pixels for picture in session.stream(frames)]
    pictures = []
    with frameloom.connect(mortal_daemon.socket, resume=120) as session:
        for index, frame in enumerate(frames):
            session.submit(**frame)
            if index in (3, 7):
                mortal_daemon.kill()
                mortal_daemon.start()
            pictures += session.pictures(leave=1)
        pictures += session.pictures()
        assert session.resume_count == 2
        assert session.opened is not None and session.opened.history == "resumed"
    assert [picture.frame_id for picture in pictures] == list(range(1, 13))
    for number, (picture, pixels) in enumerate(zip(pictures, expected)):
        assert np.array_equal(picture.pixels, pixels), f"frame {number}"


def test_without_resume_a_killed_daemon_is_an_error(mortal_daemon):
    session = frameloom.connect(mortal_daemon.socket, resume=0)
    session.render(**synthetic_frame(0))
    mortal_daemon.kill()
    with pytest.raises(frameloom.ClosedError):
        session.render(**synthetic_frame(1))
    with pytest.raises(frameloom.NoDaemonError):
        session.resume(0.01)
    mortal_daemon.start()
    session.resume(120)
    assert [picture.frame_id for picture in session.pictures()] in ([], [2])
    session.close()


def test_history_carries_over_to_another_session(daemon):
    frames = [synthetic_frame(index) for index in range(3)]
    with frameloom.connect(daemon.socket) as session:
        expected = [session.render(**frame).pixels for frame in frames]
    with frameloom.connect(daemon.socket) as session:
        for frame in frames[:2]:
            session.render(**frame)
        history = session.history
    with frameloom.connect(daemon.socket, history=history) as session:
        picture = session.render(**frames[2])
        assert session.opened is not None and session.opened.history == "resumed"
    assert picture.history_frame == 2
    assert np.array_equal(picture.pixels, expected[2])


def test_an_idle_session_goes_on(programs):
    with tempfile.TemporaryDirectory(prefix="frameloom-") as folder:
        impatient = Daemon(folder, "limits.idle_seconds=1", "limits.open_seconds=1")
        try:
            impatient.wait_until_ready()
            with frameloom.connect(impatient.socket) as session:
                time.sleep(1.5)  # Nothing was opened yet.
                session.render(**synthetic_frame(0))
                time.sleep(1.5)
                assert session.render(**synthetic_frame(1)).history_frame == 1
                assert session.resume_count == 2
        finally:
            impatient.kill()


def test_shows_what_was_understood_and_goes_on(daemon):
    frames = [synthetic_frame(index, 96, 72) for index in range(2)]
    with frameloom.connect(daemon.socket) as session:
        expected = [session.render(**frame).pixels for frame in frames]
    with frameloom.connect(daemon.socket) as session:
        first = session.render(**frames[0])
        sheet = session.render(**frames[1], show_planes=True)
        assert sheet.history_frame == first.frame_id
        # The middle of every 3x3 pixels, below the label.
        shown = frames[1]["base_color"][1::3, 1::3, :3]
        assert np.array_equal(sheet.rgb[10:24, :32], shown[10:])
        assert np.array_equal(session.render(**frames[1]).pixels, expected[1])
